"""This checkout against another."""
