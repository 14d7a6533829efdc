"""The registers over HTTP: persons, units, institutions, imports."""
