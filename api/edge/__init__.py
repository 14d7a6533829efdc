"""What every endpoint needs: who calls, in which session, what is refused and how it is told."""
