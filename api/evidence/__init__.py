"""Photos of a case, and the links by which a browser may load them."""
