"""How a backtest reads: a table with its sentences for people, an object for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.console import print_json
from domain import wording
from domain.backtest.backtest import Backtest
from domain.backtest.stored import NotJudged
from domain.backtest.tally import RuleTally
from domain.rules.document import RuleSet
from domain.rules.rule import Mode

if TYPE_CHECKING:
    from cli.rules.backtest_report import Report

_WHY: Final = {
    NotJudged.OMITTED: "their results did not fit the table",
    NotJudged.ABSENT: "no results are stored",
    NotJudged.UNREADABLE: "what is stored cannot be read",
    NotJudged.NOT_FOUND: "the vendor does not know the recording",
    NotJudged.ANALYSIS_FAILED: "the analysis failed",
    NotJudged.ERASED: "they were erased",
}
_IDS_SHOWN: Final = 1_000


def show_json(report: Report) -> None:
    """`rules` maps each rule id to its counts; beside it what could not be judged."""
    backtest, tally = report.backtest, report.backtest.tally
    print_json(
        {
            "from": report.period.from_at,
            "to": report.period.to_at,
            "outcomes": tally.outcomes,
            "judged": tally.judged,
            "not_judged": {reason.value: tally.not_judged[reason] for reason in NotJudged if tally.not_judged[reason]},
            "rules": {rule_id: _rule(report, rule_id, counts) for rule_id, counts in tally.rules.items()},
            "alerts": {"now": tally.alerts_now, "before": tally.alerts_before},
            "alerts_a_day": {
                "now": round(tally.alerts_now / report.days, 2),
                "before": round(tally.alerts_before / report.days, 2),
            },
            "false_alarms_removed": tally.false_alarms_removed,
            "confirmed_lost": tally.confirmed_lost,
            "may_lose": report.may_lose,
            "never_seen": {
                rule_id: {"goals": list(goals), "keywords": list(keywords)}
                for rule_id, goals, keywords in (backtest.names.unseen() if tally.judged else ())
            },
            "not_in_index": {"looked_at": report.unindexed[0], "lacking": report.unindexed[1]},
        }
    )


def _rule(report: Report, rule_id: str, counts: RuleTally) -> dict[str, Any]:
    told: dict[str, Any] = {
        "mode": _mode(report.backtest.now, rule_id),
        "mode_before": _mode(report.backtest.before, rule_id),
        "now": counts.now,
        "before": counts.before,
        "new": counts.new,
        "gone": counts.gone,
        "changed": counts.changed,
        "scope_unknown": counts.scope_unknown,
        "unjudged": dict(counts.unjudged),
        "unjudged_before": dict(counts.unjudged_before),
        "false_alarms_removed": counts.false_alarms_removed,
        "confirmed_lost": counts.confirmed_lost,
    }
    if report.lists_ids:
        told |= {
            "new_ids": list(report.backtest.new_ids.get(rule_id, ())),
            "gone_ids": list(report.backtest.gone_ids.get(rule_id, ())),
        }
    if report.words.get(rule_id):
        told["words"] = report.words[rule_id]
    return told


def _mode(rules: RuleSet, rule_id: str) -> str | None:
    """`None` where the document has no such rule."""
    return next((rule.in_mode.value for rule in rules.rules if rule.id == rule_id), None)


def show_table(report: Report, console: Console) -> None:
    tally = report.backtest.tally
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("calls in which it fires", overflow="fold")
    for heading in ("now", "before", "new", "gone", "changed", "unjudged"):
        table.add_column(heading, justify="right")
    for rule_id, counts in tally.rules.items():
        numbers = (counts.now, counts.before, counts.new, counts.gone, counts.changed, counts.unjudged.total())
        table.add_row(_titled(report.backtest, rule_id), *(f"{number:,}" for number in numbers))
    console.print(table)
    for line in _sentences(report):
        console.print(escape(line), soft_wrap=True)


def _titled(backtest: Backtest, rule_id: str) -> str:
    """A rule's id, and its mode where it does not alert or the documents differ: `long-pause (shadow)`."""
    now, before = _mode(backtest.now, rule_id), _mode(backtest.before, rule_id)
    if now == before:
        return rule_id if now == Mode.LIVE else f"{rule_id} ({now})"
    if now and before:
        return f"{rule_id} ({before} → {now})"
    change, mode = ("added", now) if now else ("removed", before)
    return f"{rule_id} ({change})" if mode == Mode.LIVE else f"{rule_id} ({change}, {mode})"


def _sentences(report: Report) -> Iterator[str]:
    tally = report.backtest.tally
    read = wording.counted(tally.outcomes, "outcome", "outcomes")
    yield f"{read} since {wording.moment(report.period.from_at)}, {tally.judged:,} judged by both documents."
    yield (
        f"Alerts a day: {tally.alerts_now / report.days:,.1f} now, {tally.alerts_before / report.days:,.1f} before "
        f"({tally.alerts_now:,} and {tally.alerts_before:,} in {report.days:,.1f} days)."
    )
    removed = wording.counted(tally.false_alarms_removed, "false alarm", "false alarms")
    yield f"By the supervisors' answers: removes {removed}, loses {tally.confirmed_lost:,} confirmed."
    yield from _unjudged(report)
    if tally.judged:
        yield from _never_seen(report.backtest)
    yield from _calls(report)


def _unjudged(report: Report) -> Iterator[str]:
    tally = report.backtest.tally
    for reason in NotJudged:
        if number := tally.not_judged[reason]:
            yield f"Not judged: {wording.counted(number, 'outcome', 'outcomes')}; {_WHY[reason]}."
    for rule_id, counts in tally.rules.items():
        for document, unjudged in (("", counts.unjudged), (" before", counts.unjudged_before)):
            for missing, number in sorted(unjudged.items()):
                calls = wording.counted(number, "call", "calls")
                yield f"{rule_id}{document} could not be judged in {calls}: they lack {missing}."
        if counts.scope_unknown:
            calls = wording.counted(counts.scope_unknown, "call", "calls")
            yield f"{rule_id} fires in {calls} that may be out of its scope: not all of it is known."


def _never_seen(backtest: Backtest) -> Iterator[str]:
    for rule_id, goals, keywords in backtest.names.unseen():
        for kind, names in (("goal", goals), ("keyword", keywords)):
            if names:
                told = wording.listed(str(name) if isinstance(name, int) else f"“{name}”" for name in names)
                yield f"{rule_id} names the {kind if len(names) == 1 else f'{kind}s'} {told}: in none of these results."


def _calls(report: Report) -> Iterator[str]:
    backtest = report.backtest
    for rule_id in backtest.tally.rules if report.lists_ids else ():
        for title, ids in (("new", backtest.new_ids.get(rule_id)), ("gone", backtest.gone_ids.get(rule_id))):
            if ids:
                more = (
                    f" and {len(ids) - _IDS_SHOWN:,} more (all of them with -o json)" if len(ids) > _IDS_SHOWN else ""
                )
                yield f"{rule_id}, {title}: {', '.join(map(str, ids[:_IDS_SHOWN]))}{more}"
    for rule_id, lines in report.words.items():
        for line in lines:
            yield f"{rule_id}, {line}"
