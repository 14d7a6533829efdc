"""Service tasks: what a diagram may call."""
