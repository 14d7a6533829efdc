"""Stamped forms and their round red seals."""
