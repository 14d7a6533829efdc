"""The closed language of diagrams: expressions, decision tables, timer text, and the functions and values they know."""
