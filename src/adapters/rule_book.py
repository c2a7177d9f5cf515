"""The operator's rules from Parameter Store, parsed once for each text; the default rules while none are stored."""

from functools import lru_cache
from threading import Lock
from typing import Final

from adapters.parameters import Parameters
from domain.rules.document import RuleSet, default_rules, parse_rules

RULES: Final = "rules"

_parsed = lru_cache(maxsize=2)(parse_rules)
_parsing = Lock()
"""One thread builds the models and parses; the others find the result."""


class StoredRules:
    def __init__(self, parameters: Parameters, max_pause_ms: int) -> None:
        self._parameters = parameters
        self._defaults = default_rules(max_pause_ms)

    def __call__(self) -> RuleSet:
        document = (self._parameters[RULES] or "").strip()
        if not document:
            return self._defaults
        with _parsing:
            return _parsed(document)
