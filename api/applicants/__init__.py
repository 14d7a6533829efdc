"""What an applicant asks for: flows to start, applications, attachments, notices."""
