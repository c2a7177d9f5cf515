"""IdentityCall's list of recordings: `GET /recordings?status=completed`, which shifts while it is walked."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from domain.wording import iso
from tests.simulation.invariants.discovery import DiscoveryInvariants
from tests.simulation.recordings import Kind, Recording
from tests.simulation.vendor_answers import Answer, error_body
from tests.simulation.world import Task, World

if TYPE_CHECKING:
    from tests.simulation.discovery_plan import DiscoveryPlan

_STATUS: Final = {
    Kind.PENDING: "processing",
    Kind.FAILED: "failed",
    Kind.GOALS_PENDING: "completed",
    Kind.READY: "completed",
}


@dataclass(frozen=True)
class Listed:
    """A recording as the list shows it. `dated`: its time of creation is readable. `named`: it has an id."""

    recording: Recording
    created_ms: int
    dated: bool = True
    named: bool = True


class VendorList:
    def __init__(
        self,
        world: World,
        plan: "DiscoveryPlan",
        on_haste: Callable[[Recording, int], None],
        invariants: DiscoveryInvariants,
    ) -> None:
        self._world = world
        self._plan = plan
        self._on_haste = on_haste
        self._invariants = invariants
        self._oldest_first = sorted(plan.listed, key=lambda listed: (listed.created_ms, listed.recording.number))

    def departs(self, task: Task) -> None:
        self._invariants.list_departs(task)

    def answered(self, task: Task, answer: Answer) -> None:
        """A page was read. The list may change before the next one is."""
        self._invariants.list_answers(task, answer)
        world = self._world
        if answer.status != 200 or not world.chance(self._plan.shifts):
            return
        at_ms = world.now_ms + world.between(1, 400)
        for listed in self._oldest_first:
            index = listed.recording.hasten(world.now_ms, at_ms)
            if index is not None:
                world.at(at_ms, partial(self._on_haste, listed.recording, index))
                return

    def page(self, query: str) -> Answer:
        """The page as the vendor has it now."""
        wanted = parse_qs(query, strict_parsing=True)
        number, size = int(wanted["page"][0]), int(wanted["per_page"][0])
        if wanted["status"] != ["completed"] or number < 1 or not 1 <= size <= 100:
            raise BaseException(f"no such page is expected: {query}")  # noqa: TRY002
        shown = self._shown()
        total_pages = -(-len(shown) // size)
        if number > max(1, total_pages) and self._plan.not_found_beyond_the_end:
            return Answer(404, error_body("Resource not found"))
        meta = {
            "current_page": number,
            "total_pages": total_pages,
            "total_count": len(shown),
            "per_page": size,
        }
        data = shown[(number - 1) * size : number * size]
        return Answer(200, json.dumps({"data": data, "meta": meta}).encode())

    def _shown(self) -> list[Mapping[str, Any]]:
        """Every item of the list, in its order."""
        statuses = {"completed", "processing", "failed"} if self._plan.filter_ignored else {"completed"}
        now_ms = self._world.now_ms
        items = [
            self._item(listed, status)
            for listed in self._oldest_first
            if (status := _STATUS.get(listed.recording.kind_at(now_ms), "absent")) in statuses
        ]
        return items[::-1] if self._plan.newest_first else items

    def _item(self, listed: Listed, status: str) -> Mapping[str, Any]:
        recording = listed.recording
        item: dict[str, Any] = {"name": f"Call {recording.number}", "status": status, "duration_ms": 312_000}
        if listed.named:
            item["id"] = recording.uuid if self._plan.by_uuid else recording.recording_id
        item["created_at"] = iso(listed.created_ms) if listed.dated else "yesterday"
        return item
