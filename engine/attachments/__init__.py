"""Encrypted photos and scans: what may come in, where it is kept."""
