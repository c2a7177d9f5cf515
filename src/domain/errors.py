"""Failures of the outside, as types. No code matches on an error's text.

AlertsError
├── NotNow                    transient: the same attempt can succeed later, so the event is deferred.
│   ├── Throttled             the other side asked for a pause (429).
│   ├── Unavailable           5xx, 3xx, time-out, refused or cut connection, an answer that is not JSON.
│   ├── KeyMissing            no `api-key` is stored.           ┐
│   ├── KeyRefused            401: unknown, revoked, expired.   │ An operator must act.
│   ├── KeyForbidden          403: the key lacks a permission.  │
│   ├── RulesInvalid          the `rules` document is refused.  │
│   ├── SlackUrlInvalid       `slack-webhook-url` is not a URL. │
│   ├── EmailUnconfirmed      no confirmed e-mail subscription. ┘
│   ├── NotAnalysed           422: results were requested too early.
│   ├── GoalsNotEvaluated     results without goals, and the vendor is still evaluating them.
│   ├── BudgetSpent           no request is free before this worker's deadline.
│   ├── OutOfTime             too little of the invocation is left to start.
│   ├── NotTaken              the event queue refused some of the events sent together.
│   ├── InFlight              another attempt to send the same alert may still be running.
│   └── Contended             other workers kept writing the same item first.
├── NotFound                  404: three tries, then an outcome of its own.
├── Unusable                  wrong types, another recording's id, too large: three tries, then dead-lettered.
├── Refused                   permanent, dead-lettered at once: 400, a malformed event, an unreadable outcome.
└── Conflict                  another worker wrote first: read again and start over.
"""

from typing import ClassVar, Final


class AlertsError(Exception):
    """`reason` is a word for metrics and dead-letter attributes. The error's text is a sentence for people.

    `perhaps_done`: the request was sent and its answer lost, so it may have taken effect.
    """

    reason: ClassVar[str] = "error"
    perhaps_done: bool = False


class NotNow(AlertsError):
    """A transient failure. `retry_at_ms` (epoch) is the earliest time for another attempt, if known."""

    def __init__(self, message: str, retry_at_ms: int | None = None) -> None:
        super().__init__(message)
        self.retry_at_ms = retry_at_ms


class Throttled(NotNow):
    reason = "throttled"


class Unavailable(NotNow):
    reason = "upstream_down"

    def __init__(self, message: str, retry_at_ms: int | None = None, *, perhaps_done: bool = False) -> None:
        super().__init__(message, retry_at_ms)
        self.perhaps_done = perhaps_done


class KeyMissing(NotNow):
    reason = "no_api_key"


class KeyRefused(NotNow):
    reason = "unauthorized"


class KeyForbidden(NotNow):
    reason = "forbidden"


class RulesInvalid(NotNow):
    """`faults`: each is a path in the document (`rules[2].scope.languages`) and a sentence."""

    reason = "rules_invalid"

    def __init__(self, message: str, faults: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class SlackUrlInvalid(NotNow):
    reason = "slack_url_invalid"


class EmailUnconfirmed(NotNow):
    reason = "email_unconfirmed"


OPERATOR_NEEDED: Final = frozenset(
    error.reason for error in (KeyMissing, KeyRefused, KeyForbidden, RulesInvalid, SlackUrlInvalid, EmailUnconfirmed)
)
"""Reasons that last until an operator acts. One alarm of each function covers its own."""


class NotAnalysed(NotNow):
    reason = "not_analysed"


class GoalsNotEvaluated(NotNow):
    reason = "goals_not_evaluated"


class BudgetSpent(NotNow):
    reason = "budget"


class OutOfTime(NotNow):
    reason = "out_of_time"


class NotTaken(NotNow):
    reason = "queue_refused"


class InFlight(NotNow):
    reason = "in_flight"


class Contended(NotNow):
    reason = "contended"


class NotFound(AlertsError):
    reason = "not_found"


class Unusable(AlertsError):
    reason = "unusable_results"


class Refused(AlertsError):
    """A permanent failure. `word` is a short reason, from the other side or our own."""

    reason = "refused"

    def __init__(self, word: str, message: str) -> None:
        super().__init__(message)
        self.word = word


class Conflict(AlertsError):
    reason = "conflict"
