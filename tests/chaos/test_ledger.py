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

REPEATED_ALERT = replace(BALANCED, published=(*BALANCED.published, BALANCED.published[0]))
TAKEN_OVER = (*BALANCED.outcomes[:1], replace(BALANCED.outcomes[1], taken_over=True), *BALANCED.outcomes[2:])
REPEATED_POST = replace(BALANCED, posts=(*BALANCED.posts, Post(2)))
LOST_ANSWER = replace(BALANCED, posts=(Post(2, answered=False), Post(2), Post(3)), repeats_counted=1)
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
    "a message was lost": replace(BALANCED, posts=BALANCED.posts[1:]),
    "a message about nothing": replace(BALANCED, posts=(*BALANCED.posts, Post(1))),
    "a message doubled without a reason": replace(REPEATED_POST, repeats_counted=1),
    "more messages repeated than were being posted": replace(
        BALANCED,
        posts=(*BALANCED.posts, *BALANCED.posts),
        interrupted=Counter({"two": 1, "three": 1}),
        unfinished_posts=1,
    ),
    "a message whose answer was lost is not repeated": replace(BALANCED, posts=(Post(2, answered=False), Post(3))),
    "a message repeated once too often": replace(LOST_ANSWER, posts=(*LOST_ANSWER.posts, Post(2)), repeats_counted=2),
    "a repeat is not counted": replace(LOST_ANSWER, repeats_counted=0),
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


@pytest.mark.parametrize("books", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told(books: Books) -> None:
    assert imbalances(books) != []


@pytest.mark.parametrize("books", EXPLAINED.values(), ids=EXPLAINED.keys())
def test_what_is_explained_balances(books: Books) -> None:
    assert imbalances(books) == []


def test_one_thing_wrong_is_told_in_one_sentence() -> None:
    assert imbalances(WRONG["a message was lost"]) == ["recording 2: 0 messages in Slack, not 1 to 1"]
    assert imbalances(REPEATED_ALERT) == ["recording 2: alert two was published 2 times, and nothing explains it"]


def test_the_busiest_window() -> None:
    assert busiest_window([Request(at, 200) for at in (0.0, 30.0, 59.9, 60.0, 119.9)]) == 3
    assert busiest_window([]) == 0
