"""The inbox, and what is done with a work item."""
