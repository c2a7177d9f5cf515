"""Promise 1 at the webhook: what is answered with 202 is in the event queue. Promise 6: a stranger reaches nothing."""

from tests.simulation.functions import FAILED, Invocation
from tests.simulation.queue import Facts
from tests.simulation.world import Violated


def check_answer(invocation: Invocation, response: object, facts: Facts, *, authorized: bool) -> None:
    enqueued = any("enqueued" in task.notes for task in invocation.tasks)
    status = response["statusCode"] if isinstance(response, dict) else None
    if not authorized:
        if enqueued or status not in {401, 503, None}:
            raise Violated(6, f"{facts.name} was answered with {status}")
        return
    if status == 202:
        if not enqueued:
            raise Violated(1, f"{facts.name} was answered with 202 and is not in the queue")
    elif response is not FAILED and status != 503:
        raise Violated(1, f"{facts.name} was answered with {status}")
    elif not invocation.excuses(""):
        raise Violated(5, f"{facts.name} was not taken by the webhook though nothing outside failed")
