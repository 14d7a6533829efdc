"""Comparing faces."""
