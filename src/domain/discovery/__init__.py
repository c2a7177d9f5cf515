"""New recordings in the vendor's list: the walk through it, and what is remembered of it."""
