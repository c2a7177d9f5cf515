"""The simulated services keep the limits of the real ones."""

from typing import Any

import pytest

from runtime.outside import AWS_CONFIG, PUBLISH_CONFIG
from tests.simulation.client_limits import ClientLimits
from tests.simulation.drawn_scenarios import scenario_of
from tests.simulation.queue import DEAD_LETTERS_KEPT_MS, QUEUE_KEEPS_MS, Facts, Queue
from tests.simulation.world import START_MS, Violated, World


def test_a_call_takes_as_long_as_its_clients_configuration_lets_it() -> None:
    every, publish = ClientLimits.of(AWS_CONFIG), ClientLimits.of(PUBLISH_CONFIG)
    assert (every.attempts, every.longest_ms) == (2, 2 * (1_000 + 3_000) + 1_000)
    assert (publish.attempts, publish.longest_ms) == (1, 1_000 + 3_000)


@pytest.mark.parametrize("keeps_ms", [QUEUE_KEEPS_MS, DEAD_LETTERS_KEPT_MS])
def test_a_message_older_than_its_queue_keeps_it_is_lost(keeps_ms: int) -> None:
    world = World("retention")
    queue = Queue(world, "queue", keeps_ms=keeps_ms)
    queue.send("body", Facts("event", None, START_MS, START_MS))
    world.now_ms += keeps_ms - 1
    [message] = queue.receive(1)
    queue.show_again(message, 0)
    world.now_ms += 1
    with pytest.raises(Violated, match="keeps no message so long"):
        queue.receive(1)


def test_seeds_bring_every_kind_of_scenario() -> None:
    scenarios = [scenario_of(seed) for seed in range(200)]
    kinds: dict[str, Any] = {
        "nothing fails": [each for each in scenarios if each.calm],
        "no mailbox for a while": [each for each in scenarios if each.email],
        "no e-mail": [each for each in scenarios if each.email is None],
        "many alerts at once": [each for each in scenarios if len(each.recordings) > 10],
        "slow Slack": [each for each in scenarios if each.slow_slack],
    }
    assert [kind for kind, found in kinds.items() if not found] == []
