"""A backtest: judging stored results beside parsing them alone, and the memory of reading and judging many."""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from rich.console import Console

from benchmarks import view
from benchmarks.child import Progress, measured
from benchmarks.view import Verdict

if TYPE_CHECKING:
    from adapters.dynamodb.keys import Key
    from adapters.dynamodb.outcomes_by_day import Found, OutcomesByDay
    from domain.backtest.stored import NotJudged, StoredOutcome
    from domain.rules.document import RuleSet

RESULTS_BYTES = 2_600
BODIES = 500
ROUNDS = 15
MANY = 100_000
TARGET_RATIO = 1.5
TARGET_A_SECOND = 20_000
TARGET_MB = 300
_NAMES = ("Verify identity", "Offer follow-up", "Confirm the order", "Greeting", "Ask for consent", "Sum up")
_BEFORE: list[dict[str, Any]] = [
    {"id": "verify-identity", "when": "goal_unmet", "goal_names": ["Verify identity"], "severity": "critical"},
    {"id": "unmet-goal", "when": "goal_unmet", "score_below": 0.3, "severity": "warning"},
    {"id": "long-pause", "when": "pause_too_long", "longer_than_ms": 6_000, "severity": "warning"},
    {"id": "mostly-silent", "when": "silence_too_much", "longer_than_ms": 20_000, "severity": "info"},
]
_NOW = [
    *_BEFORE[:2],
    {**_BEFORE[2], "longer_than_ms": 5_000},
    _BEFORE[3],
    {**_BEFORE[0], "id": "greeting", "goal_names": ["Greeting"], "mode": "shadow"},
]


def body(number: int) -> bytes:
    """A results body of about 2.6 KB, as evaluation stores it. One in five has something to find."""
    chance = random.Random(number)  # noqa: S311 - the same bodies every time
    said = "The agent named the reason of the call, listened, and agreed on what happens next. "
    goals = [
        {
            "goal_id": place,
            "goal_name": name,
            "met": (score := round(chance.uniform(0.05, 1), 2)) > 0.075,
            "score": score,
            "explanation": said * 2,
        }
        for place, name in enumerate(_NAMES)
    ]
    pauses = [
        {
            "start_ms": place * 30_000,
            "end_ms": place * 30_000 + (length := chance.randint(500, 5_150)),
            "duration_ms": length,
            "compliant": chance.random() < 0.7,
            "after_dialogue_id": 400 + place,
        }
        for place in range(6)
    ]
    keywords = [
        {
            "keyword_id": place,
            "keyword_name": f"keyword {place}",
            "sentiment": "neutral",
            "count": 1,
            "timestamps_ms": [chance.randint(0, 200_000)],
        }
        for place in range(3)
    ]
    data = {"recording_id": number + 1, "goals": goals, "pauses": pauses, "keywords": keywords, "summary": ""}
    data["summary"] = "x" * (RESULTS_BYTES - len(json.dumps(data, separators=(",", ":"))))
    return json.dumps(data, separators=(",", ":")).encode()


def documents() -> tuple[RuleSet, RuleSet]:
    from domain.rules.document import parse_rules

    now, before = (parse_rules(json.dumps({"version": 1, "rules": rules})) for rules in (_NOW, _BEFORE))
    return now, before


def outcome(number: int) -> StoredOutcome:
    from domain.backtest.stored import StoredOutcome

    return StoredOutcome(number + 1, "2026-11-23T12:00:00.000Z", body(number % BODIES).decode(), rules_version="r")


class _Table:
    """Stands in for the table: `MANY` outcomes of one day, made as they are read."""

    def find(self, *_: str) -> Iterator[list[Found]]:
        from adapters.dynamodb.keys import Key
        from adapters.dynamodb.outcomes_by_day import Found

        for start in range(0, MANY, 2_000):
            yield [Found(Key(str(number), "OUTCOME"), None) for number in range(start, start + 2_000)]

    def read(self, keys: Sequence[Key]) -> list[StoredOutcome | NotJudged]:
        return [outcome(int(key.pk)) for key in keys]


def inside(progress: Progress) -> Any:
    """Microseconds of CPU a result, parsed alone and judged, by turns; the ratio of each round; MB at the peak."""
    from pydantic_core import SchemaValidator

    from domain.backtest.backtest import Backtest
    from domain.recording import Results

    outcomes = [outcome(number) for number in range(BODIES)]
    parse = SchemaValidator(Results.__pydantic_core_schema__).validate_json
    trial = Backtest(*documents())

    def alone() -> None:
        for each in outcomes:
            parse(each.results)

    def judged() -> None:
        for each in outcomes:
            trial.add(each)

    spent: dict[str, list[float]] = {"parsed": [], "judged": []}
    alone()  # warm, and not counted
    judged()
    for number in range(ROUNDS):
        spent["parsed"].append(_cpu(alone))
        spent["judged"].append(_cpu(judged))
        progress((number + 1) / ROUNDS / 2)
    ratios = [much / little for much, little in zip(spent["judged"], spent["parsed"], strict=True)]
    found = {name: median(values) for name, values in spent.items()}
    return found | {"ratio": median(ratios), "megabytes": _peak(progress)}


def _cpu(work: Callable[[], None]) -> float:
    """Microseconds a result."""
    before = time.process_time()
    work()
    return (time.process_time() - before) / BODIES * 1e6


def _peak(progress: Progress) -> float:
    """Megabytes at the peak of a backtest of many outcomes, read as the command reads them."""
    from adapters.dynamodb.past_calls import PastCalls
    from domain.backtest.backtest import Backtest
    from domain.backtest.period import Period
    from domain.backtest.stored import StoredOutcome

    trial = Backtest(*documents())
    table: OutcomesByDay = _Table()  # type: ignore[assignment]
    past = PastCalls(table, Period(0, 1))
    for number, each in enumerate(past()):
        assert isinstance(each, StoredOutcome)
        trial.add(each)
        if number % 1_000 == 0:
            progress(0.5 + number / MANY / 2)
    past.close()
    assert trial.tally.judged == MANY
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1_000_000


def show(console: Console) -> list[Verdict]:
    with view.progress(console, "Backtest") as progress:
        found = measured("backtest", {}, progress)
    a_second = 1e6 / found["judged"]
    table = view.table("", "CPU, µs a result", "a second and core")
    for title, name in (("parsed by pydantic_core alone", "parsed"), ("judged by two documents", "judged")):
        table.add_row(title, f"{found[name]:.1f}", f"{1e6 / found[name]:,.0f}")
    view.show(
        console,
        "Backtest",
        table,
        f"Stored results of {RESULTS_BYTES:,} bytes; documents of {len(_BEFORE)} and {len(_NOW)} rules, of which one "
        "differs and one is new. Parsed alone: the validator of the results' model. Judged: the command's own work for "
        f"each outcome, after it was read. Medians of {ROUNDS} rounds of {BODIES} results.",
        f"Peak resident size of reading and judging {MANY:,} outcomes: {found['megabytes']:.0f} MB.",
    )
    return [
        Verdict(
            "Backtest: judged ÷ parsed", f"{found['ratio']:.2f}", f"≤ {TARGET_RATIO}", found["ratio"] <= TARGET_RATIO
        ),
        Verdict(
            "Backtest: results a second", f"{a_second:,.0f}", f"≥ {TARGET_A_SECOND:,}", a_second >= TARGET_A_SECOND
        ),
        Verdict(
            "Backtest: peak memory", f"{found['megabytes']:.0f} MB", f"< {TARGET_MB}", found["megabytes"] < TARGET_MB
        ),
    ]
