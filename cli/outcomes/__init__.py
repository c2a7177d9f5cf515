"""`ica outcomes`: a file a command."""
