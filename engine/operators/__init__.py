"""What operators do to a case: interventions, incidents, a second person."""
