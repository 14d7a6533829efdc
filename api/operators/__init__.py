"""What operators see and do: incidents, migrations, what-if, messages, timers."""
