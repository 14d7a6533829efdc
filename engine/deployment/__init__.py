"""A flow's files become a version; its start timers."""
