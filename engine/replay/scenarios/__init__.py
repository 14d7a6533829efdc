"""Anonymised journals kept as tests."""
