"""Which event types are ours: the rule of `domain.triggers.webhook_event`, as data."""

import pytest

from domain.triggers.webhook_event import tells_of_an_analysed_recording

OURS = [
    *("recording.analyzed", "recording.analysed", "Recording Analyzed", "RecordingCompleted", "RECORDING_READY"),
    *("recording:goals_evaluated", "recording/analysis/completed/v2", "call_processed", "analysis.finished"),
    "results.ready",
]
NOT_OURS = [
    *("ping", "test", "", "recording", "recording.created", "recording.deleted", "recording.updated"),
    *("recording.analysis_failed", "recording.incompleted", "录音完成"),
]
OF_SOMETHING_ELSE = ["project.completed", "export.ready", "transcription.completed", "done"]


@pytest.mark.parametrize("field", ["event", "type"])
@pytest.mark.parametrize("name", OURS)
def test_an_analysed_recording_is_ours(name: str, field: str) -> None:
    assert tells_of_an_analysed_recording({field: name, "data": {"id": 1}})


@pytest.mark.parametrize("field", ["event", "type", "detail-type"])
@pytest.mark.parametrize("name", NOT_OURS)
def test_anything_else_about_a_recording_is_not(name: str, field: str) -> None:
    assert not tells_of_an_analysed_recording({field: name, "data": {"recording_id": 1}})


@pytest.mark.parametrize("name", OF_SOMETHING_ELSE)
def test_something_done_is_ours_only_where_a_recording_is_named(name: str) -> None:
    assert not tells_of_an_analysed_recording({"type": name, "data": {"id": 1}})
    assert tells_of_an_analysed_recording({"type": name, "data": {"recording_id": 1}})
    assert tells_of_an_analysed_recording({"type": name, "recording_id": 1})


@pytest.mark.parametrize("event", [{"recording_id": 1}, {}, {"type": 5}, {"event": None}, [], "ping", 1, None])
def test_what_names_no_type_is_left_to_the_reader(event: object) -> None:
    assert tells_of_an_analysed_recording(event)


def test_one_of_two_types_is_enough() -> None:
    assert tells_of_an_analysed_recording({"type": "notification", "event": "recording.completed", "data": {"id": 1}})
    assert not tells_of_an_analysed_recording({"type": "notification", "event": "recording.deleted", "data": {"id": 1}})
