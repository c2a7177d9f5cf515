"""How often a keyword was said within a part of the call, as far as the body tells."""

from dataclasses import dataclass

from domain.recording import Keyword
from domain.rules.call import Call, FactMissing


@dataclass(frozen=True, slots=True)
class Occurrences:
    """`places_ms`: where it was certainly said. `certain` times it was said, and `possible` times at most."""

    certain: int
    possible: int
    places_ms: tuple[int, ...]

    def __add__(self, other: "Occurrences") -> "Occurrences":
        return Occurrences(
            self.certain + other.certain, self.possible + other.possible, self.places_ms + other.places_ms
        )


NEVER = Occurrences(0, 0, ())


def occurrences(keyword: Keyword, call: Call, first_ms: int | None, last_ms: int | None) -> Occurrences:
    """Within the first or the last so many milliseconds, the ends included; in the whole call if both are `None`.

    What the vendor counts without a place in the recording is possible, not certain.
    """
    if first_ms is None and last_ms is None:
        return Occurrences(keyword.count, keyword.count, keyword.timestamps_ms)
    said = max(keyword.count, len(keyword.timestamps_ms))
    if first_ms is not None:
        places = tuple(place for place in keyword.timestamps_ms if place <= first_ms)
    else:
        try:
            from_ms = call.duration_ms - (last_ms or 0)
        except FactMissing:
            return Occurrences(0, said, ())
        places = tuple(place for place in keyword.timestamps_ms if place >= from_ms)
    return Occurrences(len(places), len(places) + said - len(keyword.timestamps_ms), places)
