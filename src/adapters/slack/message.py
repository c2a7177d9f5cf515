"""One alert as one Slack message: Block Kit blocks and the text of the push notification.

Foreign text is cut first, then escaped. `slack_sdk` checks each block's limits when it builds the block. The whole
message stays under Slack's size limit, and what does not fit is counted.
"""

from dataclasses import dataclass
from typing import Final

from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, MarkdownTextObject, SectionBlock

from domain import wording
from domain.alerts.alert import Alert, Told
from domain.rules.violation import Severity

_HEADER: Final = 150
"""Slack's limit for a header block."""
_PUSH: Final = 300
"""The text of the push notification, which counts towards the message's size too."""
_DETAIL: Final = 800
_QUOTE: Final = 1_500
_SECTION: Final = 2_850
"""The parts of one section; what is left of Slack's 3,000 is for line ends and what is counted."""
_TEXT: Final = 11_000
"""Characters of all violations together. Slack refuses messages of more than about 13,000."""
_BLOCKS: Final = 45
"""Blocks for violations. Slack takes 50; header, recording, rest and closing line need some."""
_CLOSING: Final = 1_700
_ICON: Final = {Severity.INFO: "🔵", Severity.WARNING: "🟠", Severity.CRITICAL: "🔴"}


@dataclass(frozen=True, slots=True)
class SlackMessage:
    text: str
    blocks: tuple[Block, ...]


def render(alert: Alert) -> SlackMessage:
    first_line = (
        f"{_ICON[alert.severity]} {alert.severity.capitalize()}: {alert.headline()} in {alert.recording_name()}"
    )
    blocks: list[Block] = [HeaderBlock(text=_escaped_within(first_line, _HEADER))]
    recorded = _recorded(alert)
    if recorded:
        blocks.append(ContextBlock(elements=[_marked_up(recorded)]))
    shown, used = 0, 0
    for told in alert.told():
        text = _finding(told)
        if shown == _BLOCKS or used + len(text) > _TEXT:
            break
        blocks.append(SectionBlock(text=_marked_up(text)))
        shown, used = shown + 1, used + len(text)
    if missing := alert.told_total - shown:
        more = f"_and {wording.counted(missing, 'more violation', 'more violations')}, kept in the recording's outcome_"
        blocks.append(SectionBlock(text=_marked_up(more)))
    blocks.append(ContextBlock(elements=[_marked_up(_closing(alert))]))
    return SlackMessage(_escaped_within(first_line, _PUSH), tuple(blocks))


def escape(text: str) -> str:
    """Slack's three control characters, and nothing else."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _marked_up(text: str) -> MarkdownTextObject:
    """Text with our markup. Without `verbatim` Slack would turn a spoken `@channel` into a mention."""
    return MarkdownTextObject(text=text, verbatim=True)


def _escaped_within(text: str, limit: int) -> str:
    """Cut before escaping, so that no entity is cut in two. The cut gets shorter until the escaped text fits."""
    if len(whole := escape(text)) <= limit:
        return whole
    return next(escaped for room in range(limit, 0, -1) if len(escaped := escape(wording.cut(text, room))) <= limit)


def _finding(told: Told) -> str:
    """One section: what was found, what was said of it, and what to do. Slack takes 3,000 characters of it."""
    finding = told.finding
    lines = [f"*{finding.title}:* {_escaped_within(finding.detail, _DETAIL)} ({escape(finding.measure)})"]
    if finding.quote:
        lines.append(f"> {_escaped_within(finding.quote, _QUOTE)}")
    if told.unchecked:
        lines.append(f"_{escape(told.unchecked)}_")
    room = _SECTION - sum(map(len, lines))
    for number, each in enumerate(told.helps):
        text = f"*What to do:* {escape(each)}"
        room -= len(text)
        if room < 0:
            lines.append(f"_and {wording.counted(len(told.helps) - number, 'more hint', 'more hints')} in the alert_")
            break
        lines.append(text)
    return "\n".join(lines)


def _recorded(alert: Alert) -> str:
    """When it was recorded, in the reader's time zone, and how long it is."""
    known = alert.recording
    parts = []
    if known and known.created_at:
        parts.append(f"Recorded {_local_time(known.created_at)}")
    if known and known.duration_ms is not None:
        parts.append(f"{wording.length(known.duration_ms)} long")
    return " · ".join(parts)


def _closing(alert: Alert) -> str:
    rules = wording.cut(", ".join(alert.rule_ids), _CLOSING)
    return f"Rules: {rules} · Recording {alert.recording_id} · Evaluated {_local_time(alert.evaluated_at)}"


def _local_time(iso: str) -> str:
    parsed = wording.parse_moment(iso)
    if parsed is None:
        return escape(iso)
    return f"<!date^{int(parsed.timestamp())}^{{date_short_pretty}} {{time}}|{wording.moment(iso)}>"
