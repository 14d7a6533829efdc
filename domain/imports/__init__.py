"""Workbooks of units, institutions and managers, in and out."""
