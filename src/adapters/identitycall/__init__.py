"""The vendor's API."""
