"""Which event types are ours: the rule of `domain.triggers.webhook_event`, as data."""

import pytest

from domain.triggers.webhook_event import may_announce_results

OURS = [
    *("recording.analyzed", "recording.analysed", "Recording Analyzed", "RecordingCompleted", "RECORDING_READY"),
    *("recording:goals_evaluated", "recording/analysis/completed/v2", "call_processed", "analysis.finished"),
    *("results.ready", "recording.reanalyzed", "RecordingReanalysed", "recording.reprocessed", "recording.updated"),
    *("recording.processing_completed", "recording.something_new", "call"),
]
NOT_OURS = [
    *("ping", "test", "recording.created", "recording.deleted", "recording.uploaded", "recording.processing"),
    *("recording.analysis_failed", "RecordingArchived"),
]
OF_SOMETHING_ELSE = ["project.completed", "export.ready", "transcription.completed", "done", "", "录音完成"]


@pytest.mark.parametrize("field", ["event", "type"])
@pytest.mark.parametrize("name", OURS)
def test_an_analysed_recording_is_ours(name: str, field: str) -> None:
    assert may_announce_results({field: name, "data": {"id": 1}})


@pytest.mark.parametrize("field", ["event", "type", "detail-type"])
@pytest.mark.parametrize("name", NOT_OURS)
def test_anything_else_about_a_recording_is_not(name: str, field: str) -> None:
    assert not may_announce_results({field: name, "data": {"recording_id": 1}})


@pytest.mark.parametrize("name", OF_SOMETHING_ELSE)
def test_any_other_type_is_ours_only_if_it_names_a_recording(name: str) -> None:
    assert not may_announce_results({"type": name, "data": {"id": 1}})
    assert may_announce_results({"type": name, "data": {"recording_id": 1}})
    assert may_announce_results({"type": name, "recording_id": 1})


@pytest.mark.parametrize("event", [{"recording_id": 1}, {}, {"type": 5}, {"event": None}, [], "ping", 1, None])
def test_an_event_without_a_type_is_left_to_the_reader(event: object) -> None:
    assert may_announce_results(event)


def test_one_of_two_types_is_enough() -> None:
    assert may_announce_results({"type": "notification", "event": "recording.completed", "data": {"id": 1}})
    assert not may_announce_results({"type": "notification", "event": "recording.deleted", "data": {"id": 1}})
