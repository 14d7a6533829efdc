"""What a figure is compared with, measured in the same run."""
