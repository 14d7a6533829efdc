"""Who signs in, and by what."""
