"""The write path: lock, load, apply, save; the journal, the outbox, how a case starts."""
