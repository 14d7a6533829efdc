"""What proves a case's course: the evidence file, roots over all journals, the self-check."""
