"""The kinds of conditions, a file each. A kind exists once it is in `KINDS`."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from domain.rules.condition import Condition
from domain.rules.kinds.goal_unmet import GoalUnmet
from domain.rules.kinds.pause_too_long import PauseTooLong
from domain.rules.kinds.silence_too_much import SilenceTooMuch
from domain.rules.violation import Finding

KINDS: Final[tuple[type[Condition], ...]] = (
    GoalUnmet,
    PauseTooLong,
    SilenceTooMuch,
)
"""In the order of an alert's headline."""

if TYPE_CHECKING:
    AnyCondition = Condition
    AnyFinding = Finding
else:
    # pydantic needs the union of all kinds. Type checkers cannot follow how it is made from `KINDS`.
    AnyCondition = Annotated[reduce(or_, KINDS), Field(discriminator="when")]
    AnyFinding = Annotated[reduce(or_, (kind.finding for kind in KINDS)), Field(discriminator="kind")]
