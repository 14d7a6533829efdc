"""A flow as it is written: its folder, and one reading of its diagrams."""
