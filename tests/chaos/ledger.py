"""The books of one upheaval, and whether they balance. Pure: read from the outside by `upheaval`, judged here.

Every recording has its one outcome, every violation its one alert and that its one message, every event that cannot be
read its dead letter. Something may be there twice only where a fact says that the outcome of sending it was unknown:

    a dead letter        the event's delivery was interrupted (its worker was killed, or failed), or SQS never answered
    an alert             another worker took it over, after the event's delivery to the first was interrupted
    a Slack message      Slack's answer was lost, or the alert's delivery was interrupted: but of a batch that was, only
                         the one message that was being posted, since one is posted after the other
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

WINDOW_SECONDS = 60.0


@dataclass(frozen=True)
class Expected:
    """What a recording must come to. Violations are written `rule subject`."""

    status: str
    violations: frozenset[str] = frozenset()


@dataclass(frozen=True)
class StoredOutcome:
    """`taken_over`: the alert's lease is not the one its first worker was given, so another has published it since."""

    recording: int
    status: str
    violations: frozenset[str]
    alert_state: str = ""
    taken_over: bool = False


@dataclass(frozen=True)
class PublishedAlert:
    recording: int
    alert_id: str
    violations: frozenset[str]


@dataclass(frozen=True)
class Post:
    """A message that Slack took. `answered`: Slack's answer left whole."""

    recording: int
    answered: bool = True


@dataclass(frozen=True)
class DeadLetter:
    body: str
    reason: str


@dataclass(frozen=True)
class Request:
    """One request as the vendor saw it, at a time in seconds. `injected`: its answer was an ordered fault."""

    at: float
    status: int
    injected: bool = False


@dataclass(frozen=True)
class Books:
    expected: Mapping[int, Expected]
    malformed: Collection[str]  # a text that only this one event holds
    outcomes: Sequence[StoredOutcome]
    published: Sequence[PublishedAlert]
    posts: Sequence[Post]
    recorded: Collection[str]  # alert ids whose delivery to Slack is recorded as sent
    dead_letters: Sequence[DeadLetter]
    requests: Sequence[Request]
    limit: int  # requests in any 60 seconds
    left: Sequence[str] = ()  # what still lies in the queues
    counted_alerts: int = 0  # that the functions themselves counted as perhaps sent before …
    counted_posts: int = 0  # … and messages to Slack
    interrupted: Counter[str] = field(default_factory=Counter)  # deliveries, by malformed event, alert id or recording
    unfinished_posts: int = 0  # how many messages at most were posted and could not be recorded
    unanswered_sends: int = 0  # by SQS, of any message


def imbalances(books: Books) -> list[str]:
    """Everything that does not balance, in words; empty: all is well."""
    return [
        *_outcomes(books),
        *_alerts(books),
        *_messages(books),
        *_dead_letters(books),
        *_requests(books),
        *(f"left in a queue: {what}" for what in books.left),
    ]


def _outcomes(books: Books) -> Iterator[str]:
    times = Counter(outcome.recording for outcome in books.outcomes)
    for recording in books.expected:
        if times[recording] != 1:
            yield f"recording {recording} has {times[recording]} outcomes, not 1"
    for outcome in books.outcomes:
        expected = books.expected.get(outcome.recording)
        if expected is None:
            yield f"recording {outcome.recording} has an outcome, and nobody named it"
        elif (outcome.status, outcome.violations) != (expected.status, expected.violations):
            yield f"recording {outcome.recording} is {outcome.status} {sorted(outcome.violations)}, not {expected}"
        elif outcome.alert_state != ("published" if expected.violations else ""):
            yield f"recording {outcome.recording}: its alert is {outcome.alert_state or 'missing'}"


def _alerts(books: Books) -> Iterator[str]:
    taken_over = {outcome.recording for outcome in books.outcomes if outcome.taken_over}
    copies = Counter((alert.recording, alert.alert_id) for alert in books.published)
    content = {(alert.recording, alert.alert_id): alert.violations for alert in books.published}
    alerted = Counter((recording, each) for (recording, _), violations in content.items() for each in violations)
    wanted = Counter(
        (recording, each) for recording, expected in books.expected.items() for each in expected.violations
    )
    for recording, violation in sorted((wanted | alerted).keys()):
        times = alerted[recording, violation]
        if times != wanted[recording, violation]:
            yield f"recording {recording}: {violation} is in {times} alerts, not in {wanted[recording, violation]}"
    for (recording, alert_id), times in copies.items():
        if times > 1 + (books.interrupted[str(recording)] if recording in taken_over else 0):
            yield f"recording {recording}: alert {alert_id} was published {times} times, and nothing explains it"
    repeats = sum(times - 1 for times in copies.values())
    # Who repeats counts it, unless it is interrupted as well. The first interruption left something to be repeated.
    silent = sum(max(0, books.interrupted[str(recording)] - 1) for (recording, _), times in copies.items() if times > 1)
    if repeats > books.counted_alerts + silent:
        yield f"{repeats} alerts were published again, and only {books.counted_alerts} were counted as such"


def _messages(books: Books) -> Iterator[str]:
    ids: dict[int, set[str]] = {}
    for alert in books.published:
        ids.setdefault(alert.recording, set()).add(alert.alert_id)
    posts = Counter(post.recording for post in books.posts)
    lost = Counter(post.recording for post in books.posts if not post.answered)
    repeats = unfinished = silent = 0
    for recording in posts.keys() | ids.keys():
        alert_ids = ids.get(recording, set())
        interrupted = sum(books.interrupted[alert_id] for alert_id in alert_ids)
        least = len(alert_ids) + lost[recording]
        if not least <= posts[recording] <= least + interrupted:
            yield f"recording {recording}: {posts[recording]} messages in Slack, not {least} to {least + interrupted}"
        for alert_id in alert_ids - set(books.recorded):
            yield f"recording {recording}: the delivery of alert {alert_id} is not recorded"
        unfinished += max(0, posts[recording] - least)
        if posts[recording] > len(alert_ids):
            repeats += posts[recording] - len(alert_ids)
            silent += max(0, interrupted - (0 if lost[recording] else 1))
    if unfinished > books.unfinished_posts:
        yield f"{unfinished} messages in Slack are repeats of some that were answered, {books.unfinished_posts} at most"
    if repeats > books.counted_posts + silent:
        yield f"{repeats} messages in Slack are repeats, and only {books.counted_posts} were counted as such"


def _dead_letters(books: Books) -> Iterator[str]:
    copies: Counter[str] = Counter()
    for letter in books.dead_letters:
        event = next((each for each in books.malformed if each in letter.body), None)
        if event is None:
            yield f"dead letter without need: {letter.reason or 'no reason'}, {letter.body[:120]}"
        elif letter.reason != "malformed_event":
            yield f"event {event} was buried for {letter.reason or 'no reason'}"
        else:
            copies[event] += 1
    excess = {event: copies[event] - 1 - books.interrupted[event] for event in books.malformed}
    unexplained = sum(max(0, each) for each in excess.values()) > books.unanswered_sends
    for event in books.malformed:
        if not copies[event] or (unexplained and excess[event] > 0):
            yield f"event {event} has {copies[event]} dead letters, not 1 to {1 + books.interrupted[event]}"


def _requests(books: Books) -> Iterator[str]:
    times = sorted(request.at for request in books.requests)
    for first, one_too_many in zip(times, times[books.limit :], strict=False):
        if one_too_many - first < WINDOW_SECONDS:
            yield f"over {books.limit} requests in the {WINDOW_SECONDS:.0f} s from {first:.3f}"
            break
    refused = sum(request.status == 429 and not request.injected for request in books.requests)
    if refused:
        yield f"the vendor refused {refused} requests for being over its limit"


def busiest_window(requests: Sequence[Request]) -> int:
    """The most requests that any 60 seconds hold."""
    times = sorted(request.at for request in requests)
    most = last = 0
    for first, start in enumerate(times):
        while last < len(times) and times[last] - start < WINDOW_SECONDS:
            last += 1
        most = max(most, last - first)
    return most
