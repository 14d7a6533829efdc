"""Old cases on a candidate version, and what would have come out."""
