"""The answer to a batch while the table is out of reach. The roles of the template are enforced."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from local.deployment import EVALUATION
from local.stack import LocalStack
from tests.e2e.conftest import MET, MakeRecording
from tests.fakes.sqs import batch, failures


@contextmanager
def table_out_of_reach(stack: LocalStack) -> Iterator[None]:
    """The function's role may not touch the table; that it notices shows that roles are enforced here."""
    named = {"RoleName": stack.role_of(EVALUATION), "PolicyName": "table-out-of-reach"}
    statement = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stack.client("iam").put_role_policy(**named, PolicyDocument=document)
    try:
        yield
    finally:
        stack.client("iam").delete_role_policy(**named)


def test_a_record_whose_table_is_out_of_reach_is_the_only_failed_one(
    stack: LocalStack, make_recording: MakeRecording
) -> None:
    recording = make_recording(goals=[MET])
    with table_out_of_reach(stack):
        answer = stack.invoke(batch("unreadable", {"recording_id": recording.id}))
    assert answer == failures(2)
    assert stack.outcome(recording.id) is None
