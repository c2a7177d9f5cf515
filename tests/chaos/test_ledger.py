"""The ledger notices everything that can be wrong, and lets pass only what a fact explains."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.chaos.ledger import (
    Books,
    DeadLetter,
    Expected,
    Post,
    PublishedAlert,
    Request,
    StoredOutcome,
    busiest_window,
    imbalances,
)

GOAL, PAUSE = "unmet-goal goal:3", "long-pause pause:60000-65001"

BALANCED = Books(
    expected={
        1: Expected("clear"),
        2: Expected("violations", frozenset({GOAL, PAUSE})),
        3: Expected("violations", frozenset({GOAL})),
        4: Expected("analysis_failed"),
    },
    malformed=("malformed-001", "malformed-002"),
    outcomes=(
        StoredOutcome(1, "clear", frozenset()),
        StoredOutcome(2, "violations", frozenset({GOAL, PAUSE}), "published"),
        StoredOutcome(3, "violations", frozenset({GOAL}), "published"),
        StoredOutcome(4, "analysis_failed", frozenset()),
    ),
    published=(PublishedAlert(2, "two", frozenset({GOAL, PAUSE})), PublishedAlert(3, "three", frozenset({GOAL}))),
    posts=(Post(2), Post(3)),
    recorded={"two", "three"},
    dead_letters=(
        DeadLetter("not JSON, malformed-001", "malformed_event"),
        DeadLetter('{"mark": "malformed-002"}', "malformed_event"),
    ),
    requests=(Request(0.0, 200), Request(10.0, 500, injected=True), Request(60.0, 200)),
    limit=2,
)

REPEATED_ALERT = replace(BALANCED, published=(*BALANCED.published, BALANCED.published[0]), counted_alerts=1)
TAKEN_OVER = (*BALANCED.outcomes[:1], replace(BALANCED.outcomes[1], taken_over=True), *BALANCED.outcomes[2:])
REPEATED_POST = replace(BALANCED, posts=(*BALANCED.posts, Post(2)), unfinished_posts=1, counted_posts=1)
LOST_ANSWER = replace(BALANCED, posts=(Post(2, answered=False), Post(2), Post(3)), counted_posts=1)
REPEATED_DEAD_LETTER = replace(BALANCED, dead_letters=(*BALANCED.dead_letters, BALANCED.dead_letters[0]))

WRONG = {
    "an outcome is missing": replace(BALANCED, outcomes=BALANCED.outcomes[1:]),
    "an outcome is there twice": replace(BALANCED, outcomes=(*BALANCED.outcomes, BALANCED.outcomes[0])),
    "an outcome that nobody asked for": replace(
        BALANCED, outcomes=(*BALANCED.outcomes, StoredOutcome(5, "clear", frozenset()))
    ),
    "judged wrongly": replace(
        BALANCED, outcomes=(*BALANCED.outcomes[:3], replace(BALANCED.outcomes[3], status="not_found"))
    ),
    "a violation was overlooked": replace(
        BALANCED,
        outcomes=(
            BALANCED.outcomes[0],
            replace(BALANCED.outcomes[1], violations=frozenset({GOAL})),
            *BALANCED.outcomes[2:],
        ),
    ),
    "an alert stayed pending": replace(
        BALANCED, outcomes=(*BALANCED.outcomes[:2], replace(BALANCED.outcomes[2], alert_state="pending"), TAKEN_OVER[3])
    ),
    "a clear recording has an alert": replace(
        BALANCED, outcomes=(replace(BALANCED.outcomes[0], alert_state="published"), *BALANCED.outcomes[1:])
    ),
    "an alert was lost": replace(BALANCED, published=BALANCED.published[1:], posts=BALANCED.posts[1:]),
    "an alert lacks a violation": replace(
        BALANCED, published=(PublishedAlert(2, "two", frozenset({GOAL})), BALANCED.published[1])
    ),
    "an alert without need": replace(
        BALANCED,
        published=(*BALANCED.published, PublishedAlert(1, "one", frozenset({GOAL}))),
        posts=(*BALANCED.posts, Post(1)),
        recorded={"one", "two", "three"},
    ),
    "an alert doubled under another id": replace(
        BALANCED,
        published=(*BALANCED.published, PublishedAlert(3, "other", frozenset({GOAL}))),
        posts=(*BALANCED.posts, Post(3)),
        recorded={"two", "three", "other"},
        outcomes=(*BALANCED.outcomes[:2], replace(BALANCED.outcomes[2], taken_over=True), BALANCED.outcomes[3]),
    ),
    "an alert doubled without a reason": REPEATED_ALERT,
    "an alert doubled, and no other worker took it over": replace(REPEATED_ALERT, interrupted=Counter({"2": 1})),
    "an alert doubled, and no worker was interrupted": replace(REPEATED_ALERT, outcomes=TAKEN_OVER),
    "an alert tripled, and one worker was interrupted": replace(
        REPEATED_ALERT,
        published=(*REPEATED_ALERT.published, BALANCED.published[0]),
        outcomes=TAKEN_OVER,
        interrupted=Counter({"2": 1}),
    ),
    "an alert repeated and not counted": replace(
        REPEATED_ALERT, outcomes=TAKEN_OVER, interrupted=Counter({"2": 1}), counted_alerts=0
    ),
    "a message was lost": replace(BALANCED, posts=BALANCED.posts[1:]),
    "a message about nothing": replace(BALANCED, posts=(*BALANCED.posts, Post(1))),
    "a message doubled without a reason": REPEATED_POST,
    "more messages repeated than were being posted": replace(
        BALANCED,
        posts=(*BALANCED.posts, *BALANCED.posts),
        interrupted=Counter({"two": 1, "three": 1}),
        unfinished_posts=1,
        counted_posts=2,
    ),
    "a message whose answer was lost is not repeated": replace(BALANCED, posts=(Post(2, answered=False), Post(3))),
    "a message repeated once too often": replace(LOST_ANSWER, posts=(*LOST_ANSWER.posts, Post(2)), counted_posts=2),
    "a lost answer's repeat is not counted": replace(LOST_ANSWER, counted_posts=0),
    "a killed notifier's repeat is not counted": replace(
        REPEATED_POST, interrupted=Counter({"two": 1}), counted_posts=0
    ),
    "a delivery is not recorded": replace(BALANCED, recorded={"two"}),
    "a dead letter is missing": replace(BALANCED, dead_letters=BALANCED.dead_letters[1:]),
    "a dead letter doubled without a reason": REPEATED_DEAD_LETTER,
    "more dead letters doubled than sends unanswered": replace(
        BALANCED, dead_letters=(*BALANCED.dead_letters, *BALANCED.dead_letters), unanswered_sends=1
    ),
    "a dead letter without its reason": replace(
        BALANCED, dead_letters=(DeadLetter("not JSON, malformed-001", ""), BALANCED.dead_letters[1])
    ),
    "a recording in the dead-letter queue": replace(
        BALANCED, dead_letters=(*BALANCED.dead_letters, DeadLetter('{"recording_id": 1}', "upstream_down"))
    ),
    "too many requests in 60 seconds": replace(BALANCED, requests=(*BALANCED.requests, Request(59.9, 200))),
    "the vendor's limit was hit": replace(BALANCED, requests=(Request(0.0, 429),)),
    "something is left in a queue": replace(BALANCED, left=('{"recording_id": 1}',)),
}

TOLD = {
    "an outcome is missing": "recording 1 has 0 outcomes, not 1",
    "an outcome is there twice": "recording 1 has 2 outcomes, not 1",
    "an outcome that nobody asked for": "recording 5 has an outcome, and nobody named it",
    "judged wrongly": "recording 4 is not_found [], not ",
    "a violation was overlooked": "recording 2 is violations ['unmet-goal goal:3'], not ",
    "an alert stayed pending": "recording 3: its alert is pending",
    "a clear recording has an alert": "recording 1: its alert is published",
    "an alert was lost": "recording 2: long-pause pause:60000-65001 is in 0 alerts, not in 1",
    "an alert lacks a violation": "recording 2: long-pause pause:60000-65001 is in 0 alerts, not in 1",
    "an alert without need": "recording 1: unmet-goal goal:3 is in 1 alerts, not in 0",
    "an alert doubled under another id": "recording 3: unmet-goal goal:3 is in 2 alerts, not in 1",
    "an alert doubled without a reason": "recording 2: alert two was published 2 times",
    "an alert doubled, and no other worker took it over": "recording 2: alert two was published 2 times",
    "an alert doubled, and no worker was interrupted": "recording 2: alert two was published 2 times",
    "an alert tripled, and one worker was interrupted": "recording 2: alert two was published 3 times",
    "an alert repeated and not counted": "1 alerts were published again, and only 0 were counted as such",
    "a message was lost": "recording 2: 0 messages in Slack, not 1 to 1",
    "a message about nothing": "recording 1: 1 messages in Slack, not 0 to 0",
    "a message doubled without a reason": "recording 2: 2 messages in Slack, not 1 to 1",
    "more messages repeated than were being posted": "2 messages in Slack are repeats of some that were answered",
    "a message whose answer was lost is not repeated": "recording 2: 1 messages in Slack, not 2 to 2",
    "a message repeated once too often": "recording 2: 3 messages in Slack, not 2 to 2",
    "a lost answer's repeat is not counted": "1 messages in Slack are repeats, and only 0 were counted as such",
    "a killed notifier's repeat is not counted": "1 messages in Slack are repeats, and only 0 were counted as such",
    "a delivery is not recorded": "recording 3: the delivery of alert three is not recorded",
    "a dead letter is missing": "event malformed-001 has 0 dead letters, not 1 to 1",
    "a dead letter doubled without a reason": "event malformed-001 has 2 dead letters, not 1 to 1",
    "more dead letters doubled than sends unanswered": "event malformed-001 has 2 dead letters, not 1 to 1",
    "a dead letter without its reason": "event malformed-001 was buried for no reason",
    "a recording in the dead-letter queue": 'dead letter without need: upstream_down, {"recording_id": 1}',
    "too many requests in 60 seconds": "over 2 requests in the 60 s from 0.000",
    "the vendor's limit was hit": "the vendor refused 1 requests for being over its limit",
    "something is left in a queue": 'left in a queue: {"recording_id": 1}',
}
"""How each of these is told, from the start of a sentence."""

EXPLAINED = {
    "nothing is there twice": BALANCED,
    "an alert taken over": replace(REPEATED_ALERT, outcomes=TAKEN_OVER, interrupted=Counter({"2": 1})),
    "an alert taken over that was published once after all": replace(BALANCED, outcomes=TAKEN_OVER),
    "a lost answer": LOST_ANSWER,
    "a notifier killed after its post": replace(REPEATED_POST, interrupted=Counter({"two": 1}), unfinished_posts=1),
    "an evaluation killed after burying": replace(REPEATED_DEAD_LETTER, interrupted=Counter({"malformed-001": 1})),
    "a burial that was never answered": replace(REPEATED_DEAD_LETTER, unanswered_sends=1),
    "a 429 that was ordered": replace(BALANCED, requests=(Request(0.0, 429, injected=True),)),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told(what: str) -> None:
    assert imbalances(WRONG[what])[0].startswith(TOLD[what])


@pytest.mark.parametrize("books", EXPLAINED.values(), ids=EXPLAINED.keys())
def test_what_is_explained_balances(books: Books) -> None:
    assert imbalances(books) == []


def test_the_busiest_window() -> None:
    assert busiest_window([Request(at, 200) for at in (0.0, 30.0, 59.9, 60.0, 119.9)]) == 3
    assert busiest_window([]) == 0
