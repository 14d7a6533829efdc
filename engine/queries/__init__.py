"""The read side: the case page, history, why a case stands."""
