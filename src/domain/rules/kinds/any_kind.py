"""A condition or a finding of any kind, as a field of a model.

The kinds are imported when pydantic builds the model, which `defer_build` puts off. So a cold start under the default
rules imports two kinds instead of all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema

from domain.rules.condition import Condition
from domain.rules.violation import Finding


@dataclass(frozen=True, slots=True)
class _BuiltLate:
    union: Callable[[], Any]

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(self.union())


def _conditions() -> Any:
    from domain.rules.kinds.every import CONDITIONS  # noqa: PLC0415 - see above

    return CONDITIONS


def _findings() -> Any:
    from domain.rules.kinds.every import FINDINGS  # noqa: PLC0415 - see above

    return FINDINGS


AnyCondition = Annotated[Condition, _BuiltLate(_conditions)]
AnyFinding = Annotated[Finding, _BuiltLate(_findings)]
