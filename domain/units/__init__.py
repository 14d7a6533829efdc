"""Health commissions, and the divisions they stand for."""
