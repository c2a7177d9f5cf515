"""Finding new recordings in the vendor's list."""
