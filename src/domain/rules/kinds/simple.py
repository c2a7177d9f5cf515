"""The kinds that judge by themselves, a file each. They may stand in a rule, and inside `all` and `any`."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from domain.rules.condition import Condition
from domain.rules.kinds.goal_unmet import GoalUnmet
from domain.rules.kinds.keyword_missing import KeywordMissing
from domain.rules.kinds.keyword_said import KeywordSaid
from domain.rules.kinds.pause_too_long import PauseTooLong
from domain.rules.kinds.silence_too_much import SilenceTooMuch
from domain.rules.violation import Finding

SIMPLE: Final[tuple[type[Condition], ...]] = (
    GoalUnmet,
    PauseTooLong,
    SilenceTooMuch,
    KeywordSaid,
    KeywordMissing,
)
"""In the order of an alert's headline. A kind exists once it is here."""

if TYPE_CHECKING:
    SimpleCondition = Condition
    SimpleFinding = Finding
else:
    # pydantic needs the union of all kinds. Type checkers cannot follow how it is made from `SIMPLE`.
    SimpleCondition = Annotated[reduce(or_, SIMPLE), Field(discriminator="when")]
    SimpleFinding = Annotated[reduce(or_, (kind.finding for kind in SIMPLE)), Field(discriminator="kind")]
