"""Broken variants of discovery and the webhook."""

from typing import Final

from adapters.dynamodb import discovery_table
from domain import request_budget as schedule
from domain.discovery import decision, discover, recording_list, state, walk
from domain.evaluation import evaluate
from domain.triggers import webhook_event
from handlers import discover_recordings, receive_webhook
from tests.simulation.substitution import Change, Constant, Substitution

_Run: Final = discover._Running
_Memory: Final = discovery_table.DynamoDiscoveryMemory

TRIGGER_MUTATIONS: Final[dict[str, tuple[Change, ...]]] = {
    "lookback in minutes": (Constant(discover_recordings, "_HOUR_MS", 60_000),),
    "discovery's request limit tenfold": (
        Substitution(discover_recordings, "build", "limit = settings", "limit = 10 * settings"),
    ),
    "the key read after the slot": (Substitution(_Run, "_fetch", "self._use_case.recordings.prepare()", "pass"),),
    "no request kept free for evaluation": (Constant(schedule, "_KEPT_FREE", 1 << 30),),
    "discovery forgets Retry-After": (
        Substitution(_Run, "look", "if self._use_case.now_ms() < self._state.not_before_ms:", "if False:"),
    ),
    "grace of half the lookback": (Constant(decision, "SETTLED_MS", 12 * 3_600_000),),
    "a run looks back to the last one only": (Constant(state, "SETTLED_MS", 0),),
    "no sweep of the whole lookback": (
        Substitution(state.DiscoveryState, "run_begun", "if sweep_due and earliest_ms < new_ms:", "if False:"),
    ),
    "history taken for new": (Constant(state, "COMPLETION_MS", 48 * 3_600_000),),
    "an item without a time is set aside": (
        Substitution(
            recording_list, "_read_item", "    # The request", "    if moment is None:\n        return None\n    # "
        ),
    ),
    "what a stopped run leaves is forgotten": (Substitution(_Run, "remembered", "spans=self._walk.spans", "spans=()"),),
    "discovery's state without condition": (Substitution(_Memory, "save", ", **at_revision(state.revision - 1)", ""),),
    "marked before it is announced": (
        Substitution(
            _Run,
            "_announce",
            "taken = self._use_case.queue.send_all(some, Source.DISCOVERY)\n"
            "        self._use_case.memory.mark(taken, Mark.SENT)\n",
            "self._use_case.memory.mark(some, Mark.SENT)\n"
            "        taken = self._use_case.queue.send_all(some, Source.DISCOVERY)\n",
        ),
    ),
    "announced and not marked": (
        Substitution(_Run, "_announce", "self._use_case.memory.mark(taken, Mark.SENT)", "pass"),
    ),
    "an event that waits is not marked": (
        Substitution(evaluate.EvaluateRecording, "_settle", "self.marks.mark_sent(event.recording)", "pass"),
    ),
    "an event that waits is marked under its own id only": (
        Substitution(evaluate.EvaluateRecording, "__call__", "if number and number != event.recording:", "if False:"),
    ),
    "a recording given up counts as known": (Substitution(_Memory, "look_up", "if status in _JUDGED:", "if True:"),),
    "a shifted page counts": (
        Substitution(
            walk.PageWalk, "pages", "(reached and _follows(page, following)) or self._reaches(following)", "True"
        ),
    ),
    "the ends of the list are compared at each run": (
        Substitution(
            walk.PageWalk, "_newest_page", "page.order not in {None, self.order}", "page.order is not self.order"
        ),
    ),
    "the order of a list is read from one page": (
        Substitution(walk.PageWalk, "_newest_page", "if other.total_pages > 1:", "if other.total_pages:"),
    ),
    "an updated recording is not ours": (
        Substitution(
            webhook_event, "may_announce_results", "(words & _DONE or not words & _OTHER_NEWS)", "words & _DONE"
        ),
    ),
    "a webhook accepted though the queue is out of reach": (
        Substitution(
            receive_webhook.WebhookReceiver,
            "_accept",
            "self._queue.send(recording, Source.WEBHOOK)",
            "try:\n        self._queue.send(recording, Source.WEBHOOK)\n    except Exception:\n        pass",
        ),
    ),
    "a webhook of any sender accepted": (
        Substitution(receive_webhook.WebhookReceiver, "_receive", "if refusal:", "if False:"),
    ),
}
