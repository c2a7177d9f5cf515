"""The kinds of conditions, a file each: those of `simple`, and those made of them."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from domain.rules.condition import Condition
from domain.rules.kinds.all_of import AllOf
from domain.rules.kinds.any_of import AnyOf
from domain.rules.kinds.simple import SIMPLE
from domain.rules.violation import Finding

KINDS: Final[tuple[type[Condition], ...]] = (*SIMPLE, AllOf, AnyOf)
"""In the order of an alert's headline."""

if TYPE_CHECKING:
    AnyCondition = Condition
    AnyFinding = Finding
else:
    # pydantic needs the union of all kinds. Type checkers cannot follow how it is made from `KINDS`.
    AnyCondition = Annotated[reduce(or_, KINDS), Field(discriminator="when")]
    AnyFinding = Annotated[reduce(or_, (kind.finding for kind in KINDS)), Field(discriminator="kind")]
