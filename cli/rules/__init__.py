"""`ica rules`: a file a command, and what they share: documents, rule tests, differences, the stored document."""
