"""Messages to cases and between them, delivered once."""
