"""Photos made upright, flat and judged for quality."""
