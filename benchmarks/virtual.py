"""A backlog in virtual time, worked off by ours and by the reference, in a process of its own."""

from __future__ import annotations

from typing import Any

from benchmarks.child import Progress

LIMIT = 60
TIMES = 10
WORKERS = 5
WINDOW_MS = 60_000


def inside(progress: Progress) -> Any:
    from benchmarks import reference_simulated
    from tests.simulation.backlog import announced, work_off

    ours = work_off(limit=LIMIT, times=TIMES, evaluators=WORKERS)
    progress(0.5)
    reference_simulated.silence()
    recordings, events = announced(0, LIMIT * TIMES)
    reference = reference_simulated.play(recordings, events, LIMIT, WORKERS)
    progress(1.0)
    return {
        "events": ours.events,
        "recordings": ours.recordings,
        "ours": {
            "share": ours.share,
            "minutes": ours.minutes,
            "refused": ours.refused / ours.requests,
            "dead_letters": ours.dead_letters,
            "doubled": ours.doubled,
        },
        "reference": _of(reference.granted_ms, reference.refused, reference.dead_letters, reference.doubled),
    }


def _of(granted_ms: list[int], refused: int, dead_letters: int, doubled: int) -> dict[str, float]:
    whole = len(granted_ms) // LIMIT * LIMIT
    took_ms = granted_ms[whole - 1] - granted_ms[0] + WINDOW_MS
    return {
        "share": whole / (LIMIT * took_ms / WINDOW_MS),
        "minutes": (granted_ms[-1] - granted_ms[0]) / WINDOW_MS,
        "refused": refused / (refused + len(granted_ms)),
        "dead_letters": dead_letters,
        "doubled": doubled,
    }
