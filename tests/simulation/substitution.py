"""A change of the running code: a function's source with a substitution, or a constant with another value.

A text that the real code does not hold any more is an error: a mutation that does nothing would prove nothing.
"""

import inspect
import sys
import textwrap
from dataclasses import dataclass
from types import CodeType
from typing import Any


@dataclass(frozen=True)
class Substitution:
    """In the source of `owner.function`, `old` (which must be there exactly once) becomes `new`."""

    owner: Any
    function: str
    old: str
    new: str

    @property
    def target(self) -> Any:
        return _function(inspect.getattr_static(self.owner, self.function))

    def mutated(self) -> CodeType:
        """The function's code, broken: put in place of the real one it changes every reference to the function."""
        source = textwrap.dedent(inspect.getsource(self.target))
        if source.count(self.old) != 1:
            raise LookupError(f"{self.function} does not hold once: {self.old!r}")
        scope: dict[str, Any] = {}
        exec(source.replace(self.old, self.new), dict(vars(sys.modules[self.target.__module__])), scope)  # noqa: S102
        code: CodeType = _function(scope[self.function]).__code__
        return code

    def replacement(self) -> tuple[Any, str, Any]:
        """Of what object which attribute becomes what."""
        return self.target, "__code__", self.mutated()


def _function(found: Any) -> Any:
    return found.fget if isinstance(found, property) else found


@dataclass(frozen=True)
class Constant:
    """`owner.name` becomes `value`."""

    owner: Any
    name: str
    value: Any

    def replacement(self) -> tuple[Any, str, Any]:
        return self.owner, self.name, self.value


Change = Substitution | Constant
