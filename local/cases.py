"""What each recording of the stub must come to, under the two default rules. Written by hand, never computed.

`make run` shows it, the end-to-end tests assert it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from local.http_stub import Fault
from local.recordings import RECORDINGS

Way = Literal["queue", "eventbridge", "webhook", "discovery", "queue by UUID", "eventbridge by UUID", "webhook by UUID"]
Verdict = Literal["clear", "violations", "analysis_failed", "deferred"]


@dataclass(frozen=True)
class Case:
    recording_id: int
    shows: str
    verdict: Verdict
    violations: int = 0
    ways: tuple[Way, ...] = ("queue",)
    fault: Fault | None = None  # how the vendor behaves towards this recording

    @property
    def alerts(self) -> bool:
        return self.verdict == "violations"


CASES: tuple[Case, ...] = (
    Case(123, "the vendor's documented example", "violations", 2),
    Case(1001, "all goals met, one short pause", "clear"),
    Case(1002, "one goal unmet", "violations", 1, ("eventbridge",)),
    Case(1003, "three goals unmet", "violations", 3, ("webhook",)),
    Case(1004, "a long pause", "violations", 1, ("eventbridge",)),
    Case(1005, "a long pause, but compliant", "clear"),
    Case(1006, "a pause exactly at the limit", "clear"),
    Case(1007, "a pause 1 ms over the limit", "violations", 1, ("webhook",)),
    Case(1008, "goals unmet and long pauses", "violations", 4, ("webhook", "queue")),
    Case(1009, "Arabic", "violations", 1),
    Case(1010, "Chinese", "violations", 1),
    Case(1011, "emoji", "violations", 1),
    Case(1012, "German", "violations", 1, ("eventbridge",)),
    Case(1013, "markup that must be escaped", "violations", 1),
    Case(1014, "named by its UUID", "violations", 1, ("queue by UUID",)),
    Case(1015, "404, perhaps not there yet", "deferred"),
    Case(1016, "422, still processing", "deferred"),
    Case(1017, "its analysis failed", "analysis_failed"),
    Case(1018, "goals not evaluated yet", "deferred", ways=("eventbridge",)),
    Case(1019, "keywords and unknown fields", "clear", ways=("webhook",)),
    Case(1020, "60 goals unmet", "violations", 60),
    Case(1021, "10,000 pauses, three too long", "violations", 3),
    Case(1022, "explanation is null", "violations", 2, ("webhook by UUID",)),
    Case(1023, "no goals set up at all", "clear", ways=("eventbridge",)),
    Case(
        1024,
        "its name cannot be read",
        "violations",
        1,
        fault=Fault("status", status=500, path_ends_with="/recordings/1024"),
    ),
    Case(1025, "named twice, number and UUID", "violations", 1, ("queue", "eventbridge by UUID")),
    Case(1026, "unmet despite a score of 0.72", "violations", 1),
    Case(1027, "announced by nobody", "violations", 1, ("discovery",)),
)

BY_ID = {case.recording_id: case for case in CASES}
PUBLIC_IDS = {recording.id: recording.public_id for recording in RECORDINGS}
