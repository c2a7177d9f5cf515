"""What the simulated parts have observed, for the invariants and for the figures of a backlog."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.simulation.documents import Document
from tests.simulation.queue import Facts
from tests.simulation.world import Task


@dataclass(frozen=True)
class InForce:
    """A rules document and when it came into force; `None` if the stored one is invalid."""

    from_ms: int
    version: str | None
    document: Document | None


@dataclass(frozen=True)
class Held:
    """The state of its recording that an outcome shows."""

    index: int
    judged: bool


class Settled(NamedTuple):
    """A worker was done with an event at that time (epoch ms), and its message was deleted.

    `told`: the vendor had answered that worker, which joins the recording's UUID and number.
    """

    at_ms: int
    facts: Facts
    told: bool


@dataclass
class Sent:
    """A publication or a delivery, with its sender. `late`: its invocation had ended. `at_ms`: when."""

    task: Task
    answer_lost: bool
    faults: int
    late: bool
    at_ms: int

    @property
    def unknown(self) -> bool:
        """Whether its sender could not know, or could not record, that it arrived."""
        stopped = self.task.life.dead or self.task.life.frozen
        return self.answer_lost or stopped or self.task.faults > self.faults


@dataclass
class Ledger:
    events: list[Facts] = field(default_factory=list)
    settled: dict[int, list[Settled]] = field(default_factory=lambda: defaultdict(list))
    """By recording."""
    held: dict[int, Held] = field(default_factory=dict)
    to_alert: dict[int, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    """For each recording, rule id and subject of the violations in its outcomes."""
    alert_of: dict[tuple[int, str, str], str] = field(default_factory=dict)
    """The alert id of each published violation."""
    published: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    delivered: dict[str, dict[str, list[Sent]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    """By destination and alert id."""
    requests_ms: list[int] = field(default_factory=list)
    """The departure of each request."""
    refused_429: int = 0
    deferrals: Counter[str] = field(default_factory=Counter)
    """How often each event was deferred."""
    metrics: dict[tuple[str, ...], float] = field(default_factory=lambda: defaultdict(float))
