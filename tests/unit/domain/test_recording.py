"""Recording ids as senders write them, and the vendor's answers as the models take or refuse them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.recording import MAX_FINDINGS, InvalidRecordingId, RecordingDetails, Results, parse_recording_id
from tests.fakes.make import UUID, body, goal, pause


@pytest.mark.parametrize(
    ("written", "read"),
    [(123, 123), ("123", 123), (1, 1), ("9" * 19, 9_999_999_999_999_999_999), (UUID, UUID), (UUID.upper(), UUID)],
)
def test_an_id_is_read_however_it_is_written(written: object, read: int | str) -> None:
    assert parse_recording_id(written) == read


BAD_IDS = [
    *("../1", "1/../2", "1/results", "1?x=1", "1#", "%31", "0", "-1", "+1", "01", "1e3", "１２３", "١٢٣", "²", "idc_x"),
    *("1" * 20, "", " 1", "1\n", "1\x00", "x" * 1_000_000),
    *(UUID.replace("-", ""), "{" + UUID + "}", UUID + "\n", UUID[:-1] + "g"),
    *(0, -1, 10**19, True, False, None, 1.0, 1.5, json.loads("1e400"), float("nan"), [], [1], {}, {"id": 1}, b"123"),
]


@pytest.mark.parametrize("written", BAD_IDS, ids=lambda value: repr(value)[:30])
def test_any_other_id_is_refused_and_not_repeated_at_length(written: object) -> None:
    with pytest.raises(InvalidRecordingId) as refused:
        parse_recording_id(written)
    assert len(str(refused.value)) < 200


@given(st.text() | st.integers() | st.floats() | st.binary())
def test_an_id_that_is_read_is_safe_in_a_path_and_in_a_key(written: object) -> None:
    try:
        read = parse_recording_id(written)
    except InvalidRecordingId:
        return
    assert set(str(read)) <= set("0123456789abcdef-")
    assert parse_recording_id(str(read)) == read


TAKEN: dict[str, dict[str, Any]] = {
    "unknown fields, at every level": body(1, goal() | {"mood": "🙂"}, pause() | {"x": [1]}) | {"keywords": [{}]},
    "no goals, no pauses": body(1),
    "no explanation": body(1, goal(why=None)),
    "the explanation left out": body(1, {name: value for name, value in goal().items() if name != "explanation"}),
    "no dialogue before the pause": body(1, pause(after=None)),
    "a whole number for a score": body(1, goal() | {"score": 1}),
    "text of any script": body(1, goal(name="挨拶とご紹介", why="لم يعرض الموظف المتابعة 👩‍👩‍👧‍👦 \u202e")),
    "an empty goal name": body(1, goal(name="")),
    "10,000 pauses": body(1, *(pause(start_ms=number) for number in range(10_000))),
    "as many as are allowed": body(1, *(pause(start_ms=number) for number in range(MAX_FINDINGS))),
}


@pytest.mark.parametrize("data", TAKEN.values(), ids=TAKEN)
def test_results_with_unusual_values_are_taken(data: dict[str, Any]) -> None:
    read = Results.model_validate(data)
    assert (len(read.goals), len(read.pauses)) == (len(data["goals"]), len(data["pauses"]))


ODD: dict[str, list[Any]] = {
    "recording_id": ["123", 123.0, True, 2**63, None],
    "goals": [{"1": goal()}, None, "none", [None]],
    "pauses": [[{"end_ms": 1, "duration_ms": 1, "compliant": False}]],
}
ODD_IN_A_GOAL: dict[str, list[Any]] = {
    "met": ["false", 0, None],
    "score": ["0.3", True, json.loads("1e400"), float("nan")],
    "goal_name": [None],
    "explanation": [["a"]],
}
ODD_IN_A_PAUSE: dict[str, list[Any]] = {"duration_ms": ["7000", 7000.5], "compliant": [None]}

REFUSED: dict[str, Any] = {
    "not an object": [1, 2],
    "null": None,
    **{f"no {name}": {key: value for key, value in body().items() if key != name} for name in body()},
    **{f"{name} {odd!r}": body() | {name: odd} for name, values in ODD.items() for odd in values},
    **{f"{name} {odd!r}": body(1, goal() | {name: odd}) for name, values in ODD_IN_A_GOAL.items() for odd in values},
    **{f"{name} {odd!r}": body(1, pause() | {name: odd}) for name, values in ODD_IN_A_PAUSE.items() for odd in values},
    "more findings than a call can have": body(1, *(pause(start_ms=number) for number in range(MAX_FINDINGS + 1))),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_results_of_another_shape_are_refused(data: Any) -> None:
    with pytest.raises(ValidationError):
        Results.model_validate(data)


def test_a_refusal_of_a_million_items_holds_the_faults_of_the_first_only() -> None:
    with pytest.raises(ValidationError) as refused:
        Results.model_validate({"recording_id": 1, "goals": [{}] * 1_000_000, "pauses": [{}] * 1_000_000})
    assert refused.value.error_count() == 4 + 4


def test_a_refusal_never_shows_what_people_said() -> None:
    with pytest.raises(ValidationError) as refused:
        Results.model_validate(body(1, goal(why="my card number is 4111") | {"met": "my card number is 4111"}))
    assert "4111" not in str(refused.value)


@pytest.mark.parametrize("data", [{}, {"status": "some new status", "speakers": []}, {"name": None, "id": None}])
def test_details_may_leave_everything_out(data: dict[str, Any]) -> None:
    assert RecordingDetails.model_validate(data).name is None


@pytest.mark.parametrize("told", [None, 7, {"code": "de"}, ["de"]])
def test_a_language_that_is_no_text_counts_as_not_told(told: Any) -> None:
    assert RecordingDetails.model_validate({"language": told, "name": "Call"}).language is None


@pytest.mark.parametrize(
    "data", [[], {"id": "1"}, {"name": 1}, {"duration_ms": "long"}, {"goals_evaluated": "yes"}, {"created_at": 1}]
)
def test_details_of_wrong_types_are_refused(data: Any) -> None:
    with pytest.raises(ValidationError):
        RecordingDetails.model_validate(data)
