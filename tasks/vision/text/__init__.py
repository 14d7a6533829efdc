"""Lines of text in a picture, and the models that read them."""
