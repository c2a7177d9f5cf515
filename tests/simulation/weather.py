"""The way to everything outside, and what goes wrong on it.

Each call takes effect at one moment; before and after it others go on, and the caller may die. What AWS answers may be
an error, may be lost, or may be lost and asked for again by boto3, so that the call takes effect twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeVar

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from tests.simulation.world import Crashed, Task, World, current

T = TypeVar("T")

_SWIFT_MS: Final = 25
_BOTO_GIVES_UP_MS: Final = 9_500
"""Three attempts of three seconds each, as runtime.aws.AWS_CONFIG has it."""


class Trouble(Enum):
    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()
    ERROR = auto()
    LOST = auto()
    REPEATED = auto()
    LATE = auto()
    """The worker is held up before the call: a starved processor, a pause of the whole machine."""


@dataclass(frozen=True)
class AwsOutage:
    """An AWS service answers every call with an error."""

    service: str
    from_ms: int
    until_ms: int


@dataclass
class Weather:
    """How likely what is, in each call to the outside. All of it ends at `clears_ms`, or when `strikes` are used up:
    each crash leaves a copy of its message behind, and in an outage of hours they would become too many."""

    clears_ms: int
    strikes: int = 0
    crash: float = 0
    error: float = 0
    lost: float = 0
    repeated: float = 0
    late: float = 0
    duplicate: float = 0
    """Of a message that a queue delivers a second time, or a topic hands on twice."""
    aws_outages: tuple[AwsOutage, ...] = ()
    sluggish: float = 0
    """Of an AWS answer that takes seconds."""

    def __post_init__(self) -> None:
        likelihoods = (
            (Trouble.CRASH_BEFORE, self.crash),
            (Trouble.CRASH_AFTER, self.crash),
            (Trouble.LATE, self.late),
            (Trouble.ERROR, self.error),
            (Trouble.LOST, self.lost),
            (Trouble.REPEATED, self.repeated),
        )
        self._thresholds: list[tuple[float, Trouble]] = []
        total = 0.0
        for trouble, likelihood in likelihoods:
            if likelihood:
                total += likelihood
                self._thresholds.append((total, trouble))
        self._total = total

    def strike(self, world: World) -> Trouble | None:
        if not self._total or not self.strikes or world.now_ms >= self.clears_ms:
            return None
        point = world.random.random()
        if point >= self._total:
            return None
        self.strikes -= 1
        return next(trouble for threshold, trouble in self._thresholds if point < threshold)

    def doubles(self, world: World) -> bool:
        """Whether a queue or topic delivers what it should deliver once a second time."""
        if not self.strikes or world.now_ms >= self.clears_ms or not world.chance(self.duplicate):
            return False
        self.strikes -= 1
        return True


class Outside:
    """Where a worker's calls leave it."""

    def __init__(self, world: World, weather: Weather) -> None:
        self.world = world
        self.weather = weather

    def aws(self, service: str, what: str, effect: Callable[[], T], *, shared: bool = False) -> T:
        """A call of a boto3 client: `effect` happens at once, or not at all. `shared`: made for several threads."""
        world = self.world
        task = alive()
        if any(o.service == service and o.from_ms <= world.now_ms < o.until_ms for o in self.weather.aws_outages):
            self._refuse(task, service, what, "out of order", shared)
        trouble = self.weather.strike(world)
        if trouble is Trouble.LATE:
            if service == "sns":
                trouble = None  # The lease was looked at just now; what may be late is everything before that.
            task.life.faults += shared
        self.before(task, trouble, what)
        if trouble is Trouble.ERROR:
            self._refuse(task, service, what, "throttled", shared)
        task.notes["answer_lost"] = trouble in {Trouble.LOST, Trouble.REPEATED, Trouble.CRASH_AFTER}
        answer = effect()
        task.notes["answer_lost"] = False
        if trouble is Trouble.LOST:
            _fault(task, shared)
            world.tell(task.life.name, "  {}: done, but the answer is lost", what)
            world.pause(_BOTO_GIVES_UP_MS)
            raise ReadTimeoutError(endpoint_url=f"https://{service}.invalid")
        if trouble is Trouble.REPEATED:
            world.tell(task.life.name, "  {}: the answer is lost, boto3 asks again", what)
            world.pause(world.between(1_000, 4_000))
            answer = effect()
        if world.now_ms < self.weather.clears_ms and world.chance(self.weather.sluggish):
            world.pause(world.between(50, 2_500))
        self.after(task, trouble, what)
        return answer

    def before(self, task: Task, trouble: Trouble | None, what: str) -> None:
        """On the way out."""
        world = self.world
        if trouble is Trouble.LATE:
            task.delays += 1
            held_up_ms = world.between(200, 25_000)
            world.tell(task.life.name, "  held up for {} ms before {}", held_up_ms, what)
            world.pause(held_up_ms)
        world.pause(1 + int(_SWIFT_MS * world.random.random() ** 2))
        if trouble is Trouble.CRASH_BEFORE:
            world.tell(task.life.name, "  ✗ dies before {}", what)
            world.crash()

    def after(self, task: Task, trouble: Trouble | None, what: str) -> None:
        """On the way back."""
        world = self.world
        if trouble is Trouble.CRASH_AFTER:
            world.tell(task.life.name, "  ✗ dies after {}", what)
            world.crash()
        world.pause(1 + int(_SWIFT_MS * world.random.random() ** 2))

    def _refuse(self, task: Task, service: str, what: str, why: str, shared: bool) -> None:
        _fault(task, shared)
        self.world.tell(task.life.name, "  {}: {} is {}", what, service, why)
        self.world.pause(self.world.between(50, 3_000))
        if self.world.chance(0.5):
            raise EndpointConnectionError(endpoint_url=f"https://{service}.invalid")
        raise ClientError({"Error": {"Code": "ServiceUnavailable", "Message": why}}, what)


def _fault(task: Task, shared: bool) -> None:
    task.faults += 1
    task.life.faults += shared


def alive() -> Task:
    """The calling task. Code that runs while its worker dies reaches nothing outside any more."""
    task = current()
    if task.life.dead:
        raise Crashed
    return task
