"""`make demo`: twelve people go through real-name verification over the HTTP API, as the mini-program would take them."""
