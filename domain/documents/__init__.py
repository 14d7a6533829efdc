"""Identity documents: types, numbers, names, and what was typed against what was read."""
