"""The library of institutions: names, numbers, states, near duplicates."""
