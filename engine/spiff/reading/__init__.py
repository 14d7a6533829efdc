"""From a diagram to what SpiffWorkflow runs."""
