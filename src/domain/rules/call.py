"""A call as rules judge it: its results, and what else is known of its recording."""

from dataclasses import dataclass

from domain.recording import Results


@dataclass(frozen=True, slots=True)
class Call:
    results: Results
