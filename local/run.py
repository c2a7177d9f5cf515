"""`make run`: every kind of recording through the whole local stack, checked by reading back what really arrived.

With API_KEY, RECORDINGS and, where it differs, API_URL in the environment it judges real recordings instead.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from local import preflight, rules_shown, view, webhooks
from local.cases import CASES, PUBLIC_IDS, Case, Way
from local.mailbox import ADDRESS
from local.observation import HISTORY_ATTRIBUTE, Observation, mentions, observe
from local.places import LocalStackError, shown
from local.recordings import RECORDINGS
from local.slack_view import as_seen, builder_link
from local.stack import LocalStack

SETTLED_WITHIN_SECONDS = 60.0
SECONDS_A_REAL_RECORDING = 2.0  # two requests each, at 60 a minute
LONG_WAITS = {"no_api_key", "unauthorized", "forbidden", "not_found", "not_analysed", "goals_not_evaluated"}
DEFAULT_API_URL = "https://api.identitycall.ai/api/v1/public"
_API_KEY = re.compile(r"idc_[A-Za-z0-9]{32}")
_RECORDING_ID = re.compile(r"[1-9][0-9]{0,18}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WAYS: dict[Way, str] = {
    "queue": "SQS",
    "eventbridge": "EventBridge",
    "webhook": "Webhook",
    "discovery": "Discovery",
    "queue by UUID": "SQS, UUID",
    "eventbridge by UUID": "EventBridge, UUID",
    "webhook by UUID": "Webhook, UUID",
}


class UsageError(Exception):
    """The arguments contradict each other. The message says how to correct them."""


@dataclass(frozen=True)
class Asked:
    """One recording to be judged. `names` are all ids its events carry; `case` is None where nothing is expected."""

    recording: int | str
    names: tuple[str, ...]
    ways: tuple[Way, ...] = ("queue",)
    what: str = ""
    case: Case | None = None

    def settled(self, seen: Observation) -> bool:
        return not seen.differences(self.case) if self.case else seen.complete

    def hopeless(self, seen: Observation) -> bool:
        """Whether a real recording waits for something that takes longer than a person watches."""
        return self.case is None and seen.deferred in LONG_WAITS


def run(console: Console) -> bool:
    """True if everything arrived that should have."""
    began = time.monotonic()
    api_key = os.environ.get("API_KEY", "")
    api_url = os.environ.get("API_URL") or DEFAULT_API_URL
    asked = _asked_for(api_key, os.environ.get("RECORDINGS", "")) if api_key else examples()
    if api_key and (problem := preflight.trouble(api_url, api_key)):
        raise LocalStackError(problem)
    with view.Progress(console) as progress:
        if api_key:
            console.print(f"Judging {len(asked)} recordings of {escape(api_url)}. Alerts stay on this machine.")
            stack = LocalStack(
                api_url=api_url, api_key=api_key, overrides={"AlertEmail": ADDRESS}, report=progress.begin
            )
        else:
            # The examples show judging, not waiting: 60 requests a minute would hold the last ones up.
            overrides = {"RequestsPerMinute": "1200", "AlertEmail": ADDRESS}
            rules = rules_shown.RULES.read_text()
            stack = LocalStack(overrides=overrides, rules=rules, report=progress.begin)
        with stack:
            progress.finish()
            failures = _judge(stack, asked, console, progress)
            _show_slack(stack, console)
            _show_mail(stack, console)
            if not api_key:
                failures += rules_shown.show_shadow(stack, console)
                failures += rules_shown.show_backtest(stack, console)
            stack.keep_logs()
    for failure in failures:
        console.print(f"[red]✗[/] {escape(failure)}", soft_wrap=True)
    _close(console, len(asked), failures, stack, time.monotonic() - began)
    return not failures


def examples() -> list[Asked]:
    """The stub's recordings, each with its expected outcome."""
    asked = []
    for case in CASES:
        names = [str(case.recording_id)]
        if case.recording_id in PUBLIC_IDS:
            names.append(PUBLIC_IDS[case.recording_id])
        asked.append(Asked(case.recording_id, tuple(names), case.ways, case.shows, case))
    return asked


def _asked_for(api_key: str, recordings: str) -> list[Asked]:
    if not _API_KEY.fullmatch(api_key):
        raise UsageError("API_KEY is not of the form idc_ and 32 letters and digits.")
    ids = recordings.lower().split()
    if not ids:
        raise UsageError('Say which recordings: API_KEY=idc_… RECORDINGS="123 124" make run')
    for each in ids:
        if not _RECORDING_ID.fullmatch(each):
            raise UsageError(f"{each} is no recording id: a number, or a UUID.")
    return [Asked(int(each) if each.isdigit() else each, (each,)) for each in dict.fromkeys(ids)]


def _judge(stack: LocalStack, asked: list[Asked], console: Console, progress: view.Progress) -> list[str]:
    """Send everything, show each as it settles; what did not come out as it should, in words."""
    view.header(console)
    send_all(stack, asked)
    sent = time.monotonic()
    open_ones = {each.recording: each for each in asked}
    names = {each.recording: each.names for each in asked}
    patience = SETTLED_WITHIN_SECONDS + sum(SECONDS_A_REAL_RECORDING for each in asked if not each.case)
    while open_ones and time.monotonic() < sent + patience:
        seen = observe(stack, {recording: names[recording] for recording in open_ones})
        for recording, each in list(open_ones.items()):
            if each.settled(seen[recording]):
                _row(console, each, seen[recording], time.monotonic() - sent, good=True)
                del open_ones[recording]
        if all(each.hopeless(seen[recording]) for recording, each in open_ones.items()):
            break
        progress.say(f"{len(asked) - len(open_ones)} of {len(asked)} recordings settled …")
        time.sleep(0.1)
    _await_rest(stack)
    seen = observe(stack, names)  # once more, all of them: an alert sent twice shows only now
    failures = []
    for each in asked:
        what_is_wrong = _faults(each, seen[each.recording])
        if each.recording in open_ones:
            _row(console, each, seen[each.recording], time.monotonic() - sent, good=not what_is_wrong)
        failures += [f"Recording {each.recording}: {fault}" for fault in what_is_wrong]
    return failures


def send_all(stack: LocalStack, asked: list[Asked]) -> None:
    """Announce each recording through its triggers. Those that discovery must find are not announced."""
    new: list[int | str] = []
    for each in asked:
        if each.case and each.case.fault:
            stack.vendor.set_fault(each.case.fault, each.recording)
        for way in each.ways:
            name = each.names[-1] if way.endswith("UUID") else each.recording
            event = {"recording_id": name}
            if way.startswith("eventbridge"):
                stack.put_event(event)
            elif way == "discovery":
                new.append(each.recording)
            elif way.startswith("webhook"):
                webhooks.announce(stack, name)
            else:
                stack.send(event)
    if new:
        now = datetime.now(UTC).isoformat()
        stack.vendor.put(*(replace(recording, created_at=now) for recording in RECORDINGS if recording.id in new))
        stack.invoke({}, "DiscoveryFunction")


def _await_rest(stack: LocalStack) -> None:
    """Wait until only deferred events are left in the queues."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and (
        any(HISTORY_ATTRIBUTE not in message.attributes for message in stack.waiting()) or stack.waiting_for_slack()
    ):
        time.sleep(0.1)


def _faults(each: Asked, seen: Observation) -> list[str]:
    if each.case:
        faults = seen.differences(each.case)
    else:
        faults = [] if seen.outcome else [f"no outcome is stored: {seen.verdict}, {seen.deferred}".rstrip(", ")]
    return faults + ([f"it lies in the dead-letter queue, {seen.dead_lettered}"] if seen.dead_lettered else [])


def _row(console: Console, each: Asked, seen: Observation, after: float, *, good: bool) -> None:
    sent = " + ".join(_WAYS[way] for way in each.ways)
    name, what = str(each.recording), each.what
    if each.case is None and seen.outcome:
        name = str(seen.outcome.get("recording_id", name))
        what = next((alert.recording_name for alert in seen.alerts), "")
    view.row(console, name, what, sent, seen, after, good=good)


def _show_slack(stack: LocalStack, console: Console) -> None:
    """The first message that arrived, as a supervisor reads it."""
    messages = stack.slack.messages()
    if not messages:
        return
    first = next((message for message in messages if mentions(message, 123)), messages[0])
    console.print()
    console.print(as_seen(first))
    console.print("The same message in Slack's Block Kit Builder:")
    console.print(builder_link(first), soft_wrap=True, highlight=False, markup=False, style="blue")


def _show_mail(stack: LocalStack, console: Console) -> None:
    """The mail about the same recording."""
    mails = stack.mails()
    if mails:
        mail = next((mail for mail in mails if mail.recording_id == 123), mails[0])
        console.print()
        console.print(view.mail(mail, ADDRESS))


def _close(console: Console, asked: int, failures: list[str], stack: LocalStack, took: float) -> None:
    console.print()
    if failures:
        wrong = "1 thing is" if len(failures) == 1 else f"{len(failures)} things are"
        console.print(f"[bold red]{wrong} not as it should be.[/] What the functions said: {shown(stack.folder)}/*.log")
        return
    console.print(
        f"[bold green]All as it should be.[/] {asked} recordings, every outcome read back from the table, every alert "
        f"from the topic's subscriber, Slack and the mailbox. [dim]{took:.0f} s. Logs: {shown(stack.folder)}/[/]"
    )
