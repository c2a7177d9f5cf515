"""What discovery could know of each recording: how its event ended, its names, its marks."""

from typing import TYPE_CHECKING, Final

from tests.simulation.invariants.observed import Observed
from tests.simulation.table import Item

if TYPE_CHECKING:
    from tests.simulation.recordings import Recording

GIVEN_UP_FOR_MS: Final = 3_600_000
"""How long a mark counts beside an outcome without results."""
LAG_MS: Final = 1_000
"""An eventually consistent read may miss a write of the last second."""
CLOCKS_MS: Final = 1_000


class DiscoveryFacts:
    """Each by the recording's number: when it was first judged, last given up, and joined to its UUID by an alias."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self.judged_ms: dict[int, int] = {}
        self.given_up_ms: dict[int, int] = {}
        self.alias_ms: dict[int, int] = {}
        observed.stored.table.on_write.append(self._wrote)

    def marks_of(self, recording: "Recording") -> list[Item]:
        items = self._observed.stored.table.items
        marks = [items.get((f"MARK#{name}", "DISCOVERED")) for name in (recording.recording_id, recording.uuid)]
        return [mark for mark in marks if mark is not None]

    def _wrote(self, _before: Item | None, after: Item) -> None:
        kind, _, name = after["pk"]["S"].partition("#")
        now_ms = self._observed.world.now_ms
        if kind == "ALIAS":
            self.alias_ms.setdefault(self._observed.recording(name).number, now_ms)
        elif after["sk"]["S"] == "OUTCOME":
            number = self._observed.recording(name).number
            if after["status"]["S"] in {"not_found", "analysis_failed"}:
                self.given_up_ms[number] = now_ms
            else:
                self.judged_ms.setdefault(number, now_ms)
