"""What the journal gives: replay, self-check, time travel, what-if, migration, scenarios, evidence files."""
