"""The outages of a seed: of the vendor, of Slack, and of AWS."""

from random import Random
from typing import Final

from tests.simulation import slack
from tests.simulation.faults import AwsOutage
from tests.simulation.mailbox import Unconfirmed
from tests.simulation.slack import SlackOutage
from tests.simulation.times import HOUR, MINUTE, SECOND
from tests.simulation.vendor import Outage
from tests.simulation.vendor_answers import DOWN
from tests.simulation.world import START_MS

_FEW_EVENTS: Final = 4


def period(random: Random, longest: int) -> tuple[int, int]:
    from_ms = START_MS + random.choice((0, random.randrange(MINUTE), random.randrange(15 * MINUTE)))
    return from_ms, from_ms + random.choice((random.randint(SECOND, MINUTE), random.randint(SECOND, longest)))


def vendor_outages(random: Random, events: int) -> list[Outage]:
    """Most are short, some take hours, few more than a day. Many events would only wait the same hours many times."""
    outages = []
    while random.random() < 0.3:
        longest = random.choices((20 * MINUTE, 6 * HOUR, 26 * HOUR), (10, 3, 1))[0]
        from_ms, until_ms = period(random, longest)
        if events > _FEW_EVENTS:
            until_ms = min(until_ms, from_ms + HOUR)
        outages.append(Outage(from_ms, until_ms, random.choice((*DOWN, "401", "403"))))
    return outages


def slack_outages(random: Random) -> list[SlackOutage]:
    outages = []
    while random.random() < 0.2:
        outages.append(SlackOutage(*period(random, 2 * HOUR), random.choice((*slack.FAULTS, *slack.REFUSALS))))
    return outages


def email_outages(random: Random) -> tuple[Unconfirmed, ...]:
    """The times without a confirmed mailbox: before the confirmation, and after a loss."""
    lost = random.random() < 0.5
    if random.random() < 0.6:
        return ()
    from_ms, until_ms = period(random, 2 * HOUR)
    return (Unconfirmed(from_ms if lost else START_MS, until_ms, lost),)


def aws_outages(random: Random) -> tuple[AwsOutage, ...]:
    """Some are so long that a message is received five times."""
    if random.random() < 0.87:
        return ()
    from_ms = START_MS + random.randrange(3 * MINUTE)
    until_ms = from_ms + random.choice((random.randint(SECOND, MINUTE), random.randint(4 * MINUTE, 15 * MINUTE)))
    return (AwsOutage(random.choice(("dynamodb", "dynamodb", "sns", "sqs", "ssm")), from_ms, until_ms),)
