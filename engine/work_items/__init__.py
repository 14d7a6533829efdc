"""What people do with a work item."""
