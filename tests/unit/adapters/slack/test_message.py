"""The Slack message: how it reads, and that nothing an alert holds can break it or speak through it."""

import html
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.message import escape, render
from domain.alerts.alert import Alert
from domain.recording import RecordingDetails
from domain.rules.violation import Severity, Violation
from local.slack_limits import refusal
from tests.fakes.found import known, violations
from tests.fakes.make import alert, details, long_pause, told, unmet

DATE = re.compile(r"<!date\^-?\d+\^\{date_short_pretty\} \{time\}\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>")
"""The one piece of markup that is ours."""


def payload(composed: Alert) -> dict[str, Any]:
    """The message as it is posted."""
    message = render(composed)
    return {"text": message.text, "blocks": [block.to_dict() for block in message.blocks]}


def texts(composed: Alert) -> list[str]:
    """Every text a reader sees, from above to below."""
    blocks = payload(composed)["blocks"]
    return [part["text"] for block in blocks for part in (block.get("elements") or [block["text"]])]


def test_it_reads_as_a_supervisor_needs_it() -> None:
    composed = alert(
        unmet(3, name="Offer Follow-up", score=0.3, why="Did not offer a call."),
        long_pause(),
        known=details(name="Support call 42"),
    )
    evaluated = "<!date^1795435200^{date_short_pretty} {time}|2026-11-23 12:00 UTC>"
    assert texts(composed) == [
        "🟠 Warning: 1 goal not met and 1 pause too long in Support call 42",
        "Recorded <!date^1795338900^{date_short_pretty} {time}|2026-11-22 09:15 UTC> · 4 min 5 s long",
        "*Goal not met:* Offer Follow-up (score 0.30)\n> Did not offer a call.",
        "*Pause too long:* 7.0 s at 1:35 (limit 5.0 s)",
        f"Rules: long-pause, unmet-goal · Recording 123 · Evaluated {evaluated}",
    ]


@pytest.mark.parametrize(
    ("severity", "begins"),
    [(Severity.INFO, "🔵 Info: "), (Severity.WARNING, "🟠 Warning: "), (Severity.CRITICAL, "🔴 Critical: ")],
)
def test_the_severity_is_said_in_words_and_colour(severity: Severity, begins: str) -> None:
    assert render(alert(unmet(severity=severity))).text.startswith(begins)


def test_without_details_the_recording_is_named_by_its_number_and_nothing_is_left_open() -> None:
    first, *rest = texts(alert(unmet()))
    assert first == "🟠 Warning: 1 goal not met in recording 123"
    assert [text.split()[0] for text in rest] == ["*Goal", "Rules:"]


def test_a_goal_without_explanation_is_one_line() -> None:
    assert "*Goal not met:* Offer Follow-up (score 0.30)" in texts(alert(unmet(why=None)))


def test_help_stands_under_what_was_found_escaped_and_once_for_each_rule() -> None:
    found = [told(unmet(rule=rule), text, ("languages",)) for rule, text in (("a", "Ask <Ann>."), ("b", "Then."))]
    assert texts(alert(*found))[1] == (
        "*Goal not met:* Offer Follow-up (score 0.30)\n"
        "> No offer.\n"
        "_Perhaps out of scope: the recording's language is not known._\n"
        "*What to do:* Ask &lt;Ann&gt;.\n"
        "*What to do:* Then."
    )


def test_help_that_does_not_fit_a_section_is_counted() -> None:
    found = [told(unmet(rule=f"{number}"), f"{number:02} " + "&" * 190) for number in range(9)]
    assert texts(alert(*found))[1].endswith("_and 7 more hints in the alert_")


def test_a_time_without_a_zone_is_shown_as_it_came_and_escaped() -> None:
    assert "Recorded &lt;soon&gt; · 4 min 5 s long" in texts(alert(known=details(created_at="<soon>")))


def test_markup_from_outside_is_shown_and_not_obeyed() -> None:
    evil = "<!channel> <@U123> <https://evil.example|click> & &lt;"
    shown = "&lt;!channel&gt; &lt;@U123&gt; &lt;https://evil.example|click&gt; &amp; &amp;lt;"
    composed = alert(unmet(name=evil, why=evil), known=details(name=evil))
    first, _, goal, _ = texts(composed)
    assert first.endswith(f" in {shown}")
    assert goal == f"*Goal not met:* {shown} (score 0.30)\n> {shown}"
    assert render(composed).text == first


def test_slack_may_not_find_mentions_or_links_in_what_people_said() -> None:
    """`verbatim`: otherwise Slack turns a spoken `@channel` or `#general` into a mention by itself."""
    found = [
        part
        for block in payload(alert(known=details()))["blocks"]
        for part in (block.get("elements") or [block["text"]])
        if part["type"] == "mrkdwn"
    ]
    assert len(found) == 4
    assert all(part["verbatim"] for part in found)


@pytest.mark.parametrize(
    ("found", "sections", "rest"),
    [
        ([unmet(number) for number in range(45)], 45, None),
        ([unmet(number) for number in range(46)], 45, "1 more violation"),
        ([unmet(number) for number in range(60)], 45, "15 more violations"),
        ([unmet(number, rule=rule) for rule in "ab" for number in range(20)], 20, None),
        ([unmet(number, why="y" * 300, name="n" * 120) for number in range(45)], 24, "21 more violations"),
        ([unmet(number, why="&" * 300, name="&" * 120) for number in range(45)], 5, "40 more violations"),
    ],
    ids=["all fit", "one block too many", "beyond what is listed", "by two rules", "long texts", "long when escaped"],
)
def test_violations_that_do_not_fit_are_counted(found: list[Violation], sections: int, rest: str | None) -> None:
    shown = texts(alert(*found))
    assert sum(text.startswith("*Goal not met:*") for text in shown) == sections
    more = [text for text in shown if text.startswith("_and ")]
    assert more == ([f"_and {rest}, kept in the recording's outcome_"] if rest else [])


def test_a_long_name_is_cut_visibly_within_the_header() -> None:
    first = texts(alert(unmet(), long_pause(), known=details(name="n" * 500)))[0]
    assert len(first) <= 150
    assert first.endswith("characters)")


def test_no_entity_is_cut_in_two() -> None:
    first = texts(alert(unmet(), long_pause(), known=details(name="&" * 500)))[0]
    assert len(first) <= 150
    assert "&" not in first.replace("&amp;", "")
    assert first.endswith("characters)")


def test_many_rules_are_cut_visibly() -> None:
    closing = texts(alert(*(unmet(number, rule=f"{number:064}") for number in range(50))))[-1]
    assert " characters) · Recording 123 · Evaluated " in closing


@given(found=violations(), details=known())
def test_slack_never_refuses_what_is_posted(found: list[Violation], details: RecordingDetails | None) -> None:
    assert refusal(payload(alert(*found, recording=2**63 - 1, known=details))) is None


@given(found=violations(), details=known())
def test_everything_from_outside_is_escaped(found: list[Violation], details: RecordingDetails | None) -> None:
    composed = alert(*found, known=details)
    for text in [render(composed).text, *texts(composed)]:
        ours_removed = DATE.sub("", text).removeprefix("> ").replace("\n> ", "\n")
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", ours_removed)


@given(st.text())
def test_an_escaped_text_is_shown_as_it_was(text: str) -> None:
    unescaped = escape(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert unescaped == text
    assert html.unescape(escape("a < b & c > d")) == "a < b & c > d"
