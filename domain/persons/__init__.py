"""Verified people, and how they are masked."""
