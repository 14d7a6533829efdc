"""Jobs: leases, attempts, and how each ends."""
