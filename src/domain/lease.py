"""How long one worker alone may send an alert."""

from typing import Final

LEASE_MS: Final = 60_000
"""Exceeds Lambda's 30 s plus clock skew: an expired lease means a dead worker."""
