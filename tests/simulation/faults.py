"""Every call to the outside passes here, and meets the faults of the scenario.

A call takes effect at one moment. Other tasks run before and after it, and the caller may crash. AWS may answer with an
error, or its answer may be lost. boto3 may then repeat the call, so that it takes effect twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, NoReturn, TypeVar

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from tests.simulation.client_limits import LIMITS, ClientLimits
from tests.simulation.world import Crashed, Task, World, current

T = TypeVar("T")

_FAST_CALL_MS: Final = 25
_LONGEST_DELAY_MS: Final = 25_000
_SLOW_MS: Final = 2_000
"""An AWS answer that takes longer counts as a delay: no step has a reserve for every call to be so slow."""


_SIGNATURE_HOLDS_MS: Final = 300_000
"""AWS refuses a request that arrives later after its signature."""


class CallFault(Enum):
    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()
    ERROR = auto()
    ANSWER_LOST = auto()
    REPEATED = auto()
    DELAYED = auto()
    """The worker is delayed before the call, as by a starved processor or a paused machine."""


@dataclass(frozen=True)
class AwsOutage:
    """An AWS service answers every call with an error."""

    service: str
    from_ms: int
    until_ms: int


@dataclass
class FaultPlan:
    """The probability of each fault in a call to the outside. Faults end at `faults_end_ms` (epoch ms).

    They also end when `faults_left` is 0: each crash leaves a copy of its message, and an hours-long outage would pile
    up too many copies.
    """

    faults_end_ms: int
    faults_left: int = 0
    crash_probability: float = 0
    error_probability: float = 0
    lost_answer_probability: float = 0
    repeat_probability: float = 0
    delay_probability: float = 0
    duplicate_probability: float = 0
    """A queue delivers a message a second time, or a topic forwards it twice."""
    aws_outages: tuple[AwsOutage, ...] = ()
    slow_answer_probability: float = 0
    """An AWS answer takes seconds."""
    often_delayed: tuple[str, ...] = ()
    """Four of five calls whose name begins so are delayed."""
    shortest_delay_ms: int = 200

    def __post_init__(self) -> None:
        probabilities = (
            (CallFault.CRASH_BEFORE, self.crash_probability),
            (CallFault.CRASH_AFTER, self.crash_probability),
            (CallFault.DELAYED, self.delay_probability),
            (CallFault.ERROR, self.error_probability),
            (CallFault.ANSWER_LOST, self.lost_answer_probability),
            (CallFault.REPEATED, self.repeat_probability),
        )
        self._thresholds: list[tuple[float, CallFault]] = []
        total = 0.0
        for call_fault, probability in probabilities:
            if probability:
                total += probability
                self._thresholds.append((total, call_fault))
        self._total = total

    @property
    def disturbs(self) -> bool:
        """Whether anything fails, is slow, or comes twice."""
        rates = self._total, self.slow_answer_probability, self.duplicate_probability
        return any(rates) or bool(self.aws_outages or self.often_delayed)

    def is_down(self, service: str, now_ms: int) -> bool:
        outages = self.aws_outages
        return bool(outages) and any(o.service == service and o.from_ms <= now_ms < o.until_ms for o in outages)

    def draw(self, world: World, what: str = "") -> CallFault | None:
        """The fault of the next call, if any."""
        if what.startswith(self.often_delayed) and world.now_ms < self.faults_end_ms:
            return CallFault.DELAYED if world.chance(0.8) else None
        if not self._total or not self.faults_left or world.now_ms >= self.faults_end_ms:
            return None
        point = world.random.random()
        if point >= self._total:
            return None
        self.faults_left -= 1
        return next(call_fault for threshold, call_fault in self._thresholds if point < threshold)

    def duplicates(self, world: World) -> bool:
        """Whether a queue or topic delivers the next message twice."""
        if not self.faults_left or world.now_ms >= self.faults_end_ms or not world.chance(self.duplicate_probability):
            return False
        self.faults_left -= 1
        return True


class Outside:
    """All calls of the workers to the outside."""

    def __init__(self, world: World, fault_plan: FaultPlan) -> None:
        self.world = world
        self.fault_plan = fault_plan

    def aws(self, service: str, what: str, effect: Callable[[], T], *, shared: bool = False) -> T:
        """A call of a boto3 client: `effect` is atomic, or does not happen. `shared`: several threads depend on it."""
        world = self.world
        task, limits = alive(), LIMITS[service]
        if self.fault_plan.is_down(service, world.now_ms):
            self._refuse(task, service, what, "unavailable", shared)
        call_fault = self.fault_plan.draw(world, what)
        if call_fault is CallFault.DELAYED:
            if service == "sns":
                call_fault = None  # the lease has just been checked: only earlier steps may be delayed
            if shared:
                task.life.shared_fault()
        if call_fault is CallFault.REPEATED and limits.attempts == 1:
            call_fault = None
        task.notes["asked_ms"] = signed_ms = world.now_ms
        # What a slow Parameter Store can hold up is bounded by the client's own limits.
        self.before(task, call_fault, what, limits.longest_ms if service == "ssm" else _LONGEST_DELAY_MS)
        if world.now_ms - signed_ms > _SIGNATURE_HOLDS_MS:
            self._refuse_late(task, service, what, shared)
        if call_fault is CallFault.ERROR:
            self._refuse(task, service, what, "throttled", shared)
        task.notes["answer_lost"] = call_fault in {CallFault.ANSWER_LOST, CallFault.REPEATED, CallFault.CRASH_AFTER}
        answer = effect()
        task.notes["answer_lost"] = False
        if call_fault is CallFault.ANSWER_LOST:
            _fault(world, task, shared)
            world.log(task.life.name, "  {}: done, but the answer is lost", what)
            self._wait_in_vain(limits, effect)
            raise ReadTimeoutError(endpoint_url=f"https://{service}.invalid")
        if call_fault is CallFault.REPEATED:
            world.log(task.life.name, "  {}: the answer is lost, boto3 asks again", what)
            world.interruptions += 1
            world.pause(limits.read_ms + world.between(0, limits.back_off_ms(1)))
            answer = effect()
        if world.now_ms < self.fault_plan.faults_end_ms and world.chance(self.fault_plan.slow_answer_probability):
            slow_ms = world.between(50, limits.read_ms)
            if slow_ms > _SLOW_MS:
                task.delays += 1
                world.interruptions += 1
            world.pause(slow_ms)
        self.after(task, call_fault, what)
        return answer

    def before(
        self, task: Task, call_fault: CallFault | None, what: str, longest_delay_ms: int = _LONGEST_DELAY_MS
    ) -> None:
        """Before the call takes effect."""
        world = self.world
        if call_fault is CallFault.DELAYED:
            task.delays += 1
            world.interruptions += 1
            delay_ms = world.between(self.fault_plan.shortest_delay_ms, longest_delay_ms)
            world.log(task.life.name, "  delayed for {} ms before {}", delay_ms, what)
            world.pause(delay_ms)
        world.pause(1 + int(_FAST_CALL_MS * world.random.random() ** 2))
        if call_fault is CallFault.CRASH_BEFORE:
            world.log(task.life.name, "  ✗ dies before {}", what)
            world.crash()

    def after(self, task: Task, call_fault: CallFault | None, what: str) -> None:
        """After the call took effect."""
        world = self.world
        if call_fault is CallFault.CRASH_AFTER:
            world.log(task.life.name, "  ✗ dies after {}", what)
            world.crash()
        world.pause(1 + int(_FAST_CALL_MS * world.random.random() ** 2))

    def _refuse_late(self, task: Task, service: str, what: str, shared: bool) -> NoReturn:
        """Lambda froze the thread after it had signed the request."""
        _fault(self.world, task, shared)
        self.world.log(task.life.name, "  {}: {} refuses the old signature", what, service)
        raise _refusal("InvalidSignatureException", 403, what)

    def _refuse(self, task: Task, service: str, what: str, why: str, shared: bool) -> None:
        world, limits = self.world, LIMITS[service]
        _fault(world, task, shared)
        world.log(task.life.name, "  {}: {} is {}", what, service, why)
        unreachable = world.chance(0.5)
        longest_ms = limits.connect_ms if unreachable else limits.read_ms
        for attempt in range(1, limits.attempts + 1):
            world.pause(world.between(20, longest_ms))
            if attempt < limits.attempts:
                world.pause(world.between(0, limits.back_off_ms(attempt)))
        if unreachable:
            raise EndpointConnectionError(endpoint_url=f"https://{service}.invalid")
        raise _refusal("ServiceUnavailable", 503, what)

    def _wait_in_vain(self, limits: ClientLimits, effect: Callable[[], object]) -> None:
        """Each attempt runs into the time limit. Each but the first may take effect again."""
        world = self.world
        for attempt in range(1, limits.attempts + 1):
            world.pause(limits.read_ms)
            if attempt < limits.attempts:
                world.pause(world.between(0, limits.back_off_ms(attempt)))
                if world.chance(0.5):
                    effect()


def _refusal(code: str, status: int, what: str) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, what)


def _fault(world: World, task: Task, shared: bool) -> None:
    task.faults += 1
    if shared:
        task.life.shared_fault()
    world.interruptions += 1


def alive() -> Task:
    """The calling task. Raises `Crashed` in a dead worker, whose cleanup code must reach nothing outside."""
    task = current()
    if task.life.dead:
        raise Crashed
    return task
