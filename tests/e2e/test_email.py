"""`AlertEmail` gets each alert once, beside Slack. A queue stands in for the mailbox.

The emulator confirms an e-mail subscription at once. What happens while it is not confirmed is tried in
tests/integration/test_notifier.py, and was not verified on AWS.
"""

from local.observation import about, messages_about
from local.stack import LocalStack
from tests.e2e.conftest import MakeRecording


def test_an_alert_is_mailed_once_as_people_read_it(stack: LocalStack, make_recording: MakeRecording) -> None:
    recording = make_recording(name="A call")
    stack.send({"recording_id": recording.id})
    mail = stack.wait_for("its mail", lambda: stack.mails(recording.id))[0]
    assert mail.subject == f"Warning: 1 goal not met in recording {recording.id}"
    assert mail.text.startswith("Warning: 1 goal not met in A call.\n\n- Goal not met: Offer Follow-up, score 0.22\n")
    stack.wait_for("both deliveries, recorded", lambda: sent_to(stack, recording.id) == {"slack", "email"})
    assert (len(messages_about(stack, recording.id)), len(stack.mails(recording.id))) == (1, 1)


def test_a_refusal_by_slack_does_not_stop_it(stack: LocalStack, make_recording: MakeRecording) -> None:
    stack.slack.refuse(410, "channel_is_archived")
    recording = make_recording()
    stack.send({"recording_id": recording.id})
    stack.wait_for("its mail", lambda: stack.mails(recording.id))
    stack.wait_for("Slack's dead letter", lambda: about(stack.slack_dead_letters(), recording.id))
    stack.wait_for("the delivery, recorded", lambda: sent_to(stack, recording.id) == {"email"})


def sent_to(stack: LocalStack, recording_id: int) -> set[str]:
    deliveries = stack.deliveries(recording_id)
    return {each["sk"].rpartition("#")[2] for each in deliveries if each["state"] == "sent"}
