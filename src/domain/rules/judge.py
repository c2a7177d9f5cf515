"""The judgement: which rules a recording breaks."""

from domain.errors import Unusable
from domain.recording import MAX_FINDINGS
from domain.rules.call import Call
from domain.rules.document import RuleSet
from domain.rules.violation import Violation


def judge(rules: RuleSet, call: Call) -> tuple[Violation, ...]:
    """One violation for each rule and subject: the most severe first, then in the order of the rules.

    Raises `Unusable` if there are more than a real call can have.
    """
    found: dict[tuple[str, str], Violation] = {}
    for rule in rules.enabled:
        for finding in rule.condition.findings(call):
            found.setdefault((rule.id, finding.subject), Violation(rule.id, rule.severity, finding))
    if len(found) > MAX_FINDINGS:
        raise Unusable(f"Recording {call.results.recording_id}: more than {MAX_FINDINGS} violations in one recording.")
    return tuple(sorted(found.values(), key=lambda violation: -violation.severity.urgency))
