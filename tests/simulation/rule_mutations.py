"""Broken variants of what rules decide: what is fetched for them, whom they concern, and when they alert."""

from typing import Final

from domain.evaluation import fetch, outcome
from domain.rules import judge as judging
from domain.rules import scope
from tests.simulation.substitution import Change, Substitution

MUTATIONS: Final[dict[str, tuple[Change, ...]]] = {
    "no goals under earlier rules": (
        Substitution(fetch, "_first_step", "step is Step.RESULTS_WITHOUT_GOALS and wait_for_goals", "False"),
    ),
    "the digest covers what no rule reads": (
        Substitution(outcome.Snapshot, "digest", "hashlib.sha256(text)", "hashlib.sha256(self.json)"),
    ),
    "shadow rules alert": (Substitution(judging, "judge", "in rules.live:", "in rules.live + rules.shadow:"),),
    "scope not heeded": (Substitution(scope.Scope, "unknown", "if False in agree.values():", "if False:"),),
    "an unknown language is out of scope": (
        Substitution(scope.Scope, "_agreements", "if language else None", "if language else False"),
    ),
    "details not fetched for rules": (
        Substitution(fetch, "_first_step", "reads.reads_details and not history.details", "False"),
    ),
}
