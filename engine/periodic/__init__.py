"""What the clock starts: due timers, cases begun by the clock, what has had its time."""
