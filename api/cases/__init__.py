"""One case as staff see it: its page, diagram, readings, past, evidence file."""
