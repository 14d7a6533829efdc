"""`make demo`: people, institutions and units go through the three flows over the HTTP API, as their pages would take them."""
