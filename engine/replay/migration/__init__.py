"""A case moves to another version: planned, done, taken back."""
