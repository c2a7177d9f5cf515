"""What an outcome's item keeps beside its violations: the recording's details, unjudged rules, shadow findings."""

from typing import Final

from adapters.dynamodb.keys import Item
from domain.evaluation.outcome import NO_SHADOW, Outcome, Shadow
from domain.recording import RecordingDetails

_TEXTS: Final = ("name", "created_at", "language")


def judged_attributes(outcome: Outcome) -> Item:
    """Each attribute only where there is something to say. `recording` holds what is known."""
    item: Item = {}
    if outcome.details:
        item["recording"] = {"M": _details_map(outcome.details)}
    if outcome.unjudged:
        item["unjudged"] = {"L": [{"S": rule_id} for rule_id in outcome.unjudged]}
    if outcome.shadow.total:
        found = ({"rule_id": {"S": rule_id}, "subject": {"S": subject}} for rule_id, subject in outcome.shadow.found)
        item["shadow"] = {"L": [{"M": each} for each in found]}
        item["shadow_total"] = {"N": str(outcome.shadow.total)}
    if outcome.shadow.unjudged:
        item["shadow_unjudged"] = {"L": [{"S": rule_id} for rule_id in outcome.shadow.unjudged]}
    return item


def read_details(item: Item) -> RecordingDetails | None:
    if "recording" not in item:
        return None
    known = item["recording"]["M"]
    texts = {name: known[name]["S"] for name in _TEXTS if name in known}
    return RecordingDetails(duration_ms=int(known["duration_ms"]["N"]) if "duration_ms" in known else None, **texts)


def read_rule_ids(item: Item, attribute: str) -> tuple[str, ...]:
    return tuple(rule_id["S"] for rule_id in item[attribute]["L"]) if attribute in item else ()


def read_shadow(item: Item) -> Shadow:
    unjudged = read_rule_ids(item, "shadow_unjudged")
    if "shadow" not in item:
        return Shadow(unjudged=unjudged) if unjudged else NO_SHADOW
    found = tuple((each["M"]["rule_id"]["S"], each["M"]["subject"]["S"]) for each in item["shadow"]["L"])
    return Shadow(found, int(item["shadow_total"]["N"]), unjudged)


def _details_map(details: RecordingDetails) -> Item:
    known: Item = {name: {"S": text} for name in _TEXTS if (text := getattr(details, name)) is not None}
    if details.duration_ms is not None:
        known["duration_ms"] = {"N": str(details.duration_ms)}
    return known
