"""Features of attempts: declared once, made for all of a log at once or for one live attempt."""
