"""Verified identities: issued, looked up, ended; consents; attempts a day."""
