"""Broken variants of the notifier: the ledger of deliveries, Slack, and e-mail."""

from typing import Final

from adapters import email_topic
from adapters.dynamodb import delivery_table
from adapters.slack import webhook
from domain.alerts import deliver
from tests.simulation.substitution import Change, Constant, Substitution

_Ledger: Final = delivery_table.DynamoDeliveryLedger
_Deliver: Final = deliver.DeliverAlert

MUTATIONS: Final[dict[str, tuple[Change, ...]]] = {
    "Slack claim without condition": (
        Substitution(
            _Ledger,
            "claim",
            '"attribute_not_exists(pk) OR (#state <> :sent AND lease_until_ms <= :now)"',
            '"attribute_not_exists(pk) OR lease_until_ms >= :until OR lease_until_ms < :until"',
        ),
    ),
    "Slack claim never given back": (
        Substitution(
            _Deliver, "_claim_and_send", "raise InFlight(", "return SentBefore()\n            raise InFlight("
        ),
    ),
    "Slack post recorded before it is sent": (
        Substitution(
            _Deliver,
            "_claim_and_send",
            "self.ledger.record_sent(alert, self._send(alert, claim))",
            'self.ledger.record_sent(alert, "ok")\n            self._send(alert, claim)',
        ),
    ),
    "shared ledger entry of two destinations": (Substitution(_Ledger, "_key", "self._destination)", '"all")'),),
    "the subscription is not looked at": (
        Substitution(email_topic.EmailTopic, "send", "if not confirmed:", "if False:"),
    ),
    "no pause between e-mails": (Constant(email_topic, "PAUSE_S", 0),),
    "Slack's time-out of 28 s": (Constant(webhook, "TIMEOUT_S", 28),),
}
