"""A call as rules judge it, from a body as the vendor writes it or its `data` alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from cli.rules.files import FileInvalid
from domain.recording import MAX_FINDINGS, Keyword, RecordingDetails, Results
from domain.rules.call import Call
from domain.rules.faults import blind_faults_of

T = TypeVar("T")


def call_of(path: Path, results_at: str, results: Any, details_at: str, details: Any) -> Call:
    """A call with these results, and these details unless they are `None`. What is there is all there will be.

    Raises `FileInvalid` with every fault, each below one of the two paths. No fault shows what stands there.
    """
    data = _data(results)
    faults: list[tuple[str, str]] = []
    judged = _parsed(Results.model_validate, data, results_at, faults)
    keywords = data.get("keywords") if isinstance(data, dict) else None
    if keywords is not None:
        _parsed(_keywords().validate_python, keywords, f"{results_at}.keywords", faults)
    known = None if details is None else _parsed(RecordingDetails.model_validate, _data(details), details_at, faults)
    if faults or judged is None:
        raise FileInvalid(path, tuple(faults))
    return Call(judged, None if keywords is None else to_json(keywords, inf_nan_mode="null"), known)


def _data(body: Any) -> Any:
    """Of a whole body its `data`."""
    return body["data"] if isinstance(body, dict) and "data" in body and "recording_id" not in body else body


def _parsed(read: Callable[[Any], T], given: Any, at: str, faults: list[tuple[str, str]]) -> T | None:
    try:
        return read(given)
    except ValidationError as error:
        faults += blind_faults_of(error, at)
        return None


@cache
def _keywords() -> TypeAdapter[tuple[Keyword, ...]]:
    return TypeAdapter(Annotated[tuple[Keyword, ...], Field(strict=False, max_length=MAX_FINDINGS)])
