"""Every kind: those of `simple`, and those made of them."""

from functools import reduce
from operator import or_
from typing import Annotated, Any, Final

from pydantic import Field

from domain.rules.condition import Condition
from domain.rules.kinds.all_of import AllOf
from domain.rules.kinds.any_of import AnyOf
from domain.rules.kinds.simple import SIMPLE

KINDS: Final[tuple[type[Condition], ...]] = (*SIMPLE, AllOf, AnyOf)
"""In the order of an alert's headline."""

CONDITIONS: Final[Any] = Annotated[reduce(or_, KINDS), Field(discriminator="when")]
FINDINGS: Final[Any] = Annotated[reduce(or_, (kind.finding for kind in KINDS)), Field(discriminator="kind")]
"""The unions for pydantic. Type checkers cannot follow how they are made."""
