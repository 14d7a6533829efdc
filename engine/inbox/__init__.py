"""Pages of open work items, and claiming the next."""
