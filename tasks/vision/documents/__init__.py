"""Reading identity documents: fields, machine readable zones, consistency."""
