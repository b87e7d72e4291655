"""Form objects: what was typed, read into values and checked, one file a form."""
