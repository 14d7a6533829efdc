"""What is no JSON of the API: the console, the start page, the documentation, health."""
