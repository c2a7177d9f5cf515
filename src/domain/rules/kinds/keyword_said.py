"""`keyword_said`: a keyword was said, perhaps often, early, late or with a certain sentiment."""

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, model_validator

from domain import wording
from domain.recording import Keyword
from domain.rules.call import Call, FactMissing
from domain.rules.condition import Condition, Fact, Match, Milliseconds, Name, Named, folded, named, refused
from domain.rules.kinds.occurrences import NEVER, Occurrences, occurrences
from domain.rules.violation import Finding

_NAME: Final = 120
_PLACES: Final = 5


class SaidKeyword(Finding):
    """It was said `count` times, `times` being the limit. `timestamps_ms`: the first places, five at most."""

    title: ClassVar = "Keyword said"

    kind: Literal["keyword_said"] = "keyword_said"
    keyword_id: int
    keyword_name: str
    count: int
    times: int
    timestamps_ms: tuple[int, ...] = ()

    @classmethod
    def of(cls, keyword: Keyword, said: Occurrences, times: int) -> "SaidKeyword":
        return cls(
            keyword_id=keyword.keyword_id,
            keyword_name=wording.cut(wording.clean(keyword.keyword_name), _NAME),
            count=said.certain,
            times=times,
            timestamps_ms=tuple(sorted(said.places_ms)[:_PLACES]),
        )

    @property
    def subject(self) -> str:
        return _subject(self.keyword_id)

    @property
    def detail(self) -> str:
        """`refund at 1:35, 2:10`"""
        name = self.keyword_name or f"keyword {self.keyword_id}"
        places = ", ".join(wording.position(place_ms) for place_ms in self.timestamps_ms)
        return f"{name} at {places}" if places else name

    @property
    def measure(self) -> str:
        """`3 times, limit 2`"""
        said = wording.counted(self.count, "time", "times")
        return said if self.times == 1 else f"{said}, limit {self.times}"

    @classmethod
    def headline(cls, count: int, /) -> str:
        return f"{wording.counted(count, 'keyword', 'keywords')} said"


class KeywordSaid(Condition):
    """A keyword named by `keyword_ids` or `keyword_names` (names ignore case) was said at least `times` times.

    `sentiments` counts only what was said so; `within_first_ms` or `within_last_ms` only what was said then.
    """

    finding = SaidKeyword

    when: Literal["keyword_said"]
    keyword_ids: Annotated[tuple[int, ...], Field(strict=False, min_length=1, max_length=100)] | None = None
    keyword_names: Annotated[tuple[Name, ...], Field(strict=False, min_length=1, max_length=100)] | None = None
    sentiments: (
        Annotated[tuple[Literal["positive", "neutral", "negative"], ...], Field(strict=False, min_length=1)] | None
    ) = None
    times: Annotated[int, Field(ge=1, le=1_000)] = 1
    within_first_ms: Milliseconds | None = None
    within_last_ms: Milliseconds | None = None

    @model_validator(mode="after")
    def _names_some(self) -> "KeywordSaid":
        if self.keyword_ids is None and self.keyword_names is None:
            raise refused("name the keywords by keyword_ids or keyword_names", "keyword_names")
        if self.within_first_ms is not None and self.within_last_ms is not None:
            raise refused("within_first_ms and within_last_ms exclude each other", "within_last_ms")
        return self

    @property
    def needs(self) -> Fact:
        return Fact.KEYWORDS | (Fact.NONE if self.within_last_ms is None else Fact.DETAILS)

    @property
    def named_keywords(self) -> Named:
        return named(self.keyword_ids, self.keyword_names)

    def matches(self, call: Call) -> Iterator[Match]:
        said: dict[int, tuple[Keyword, Occurrences]] = {}
        for keyword in call.keywords:
            if self._counts(keyword):
                first, so_far = said.get(keyword.keyword_id, (keyword, NEVER))
                more = occurrences(keyword, call, self.within_first_ms, self.within_last_ms)
                said[keyword.keyword_id] = (first, so_far + more)
        for keyword, often in said.values():
            if often.certain >= self.times:
                yield _subject(keyword.keyword_id), partial(SaidKeyword.of, keyword, often, self.times)
        if any(often.certain < self.times <= often.possible for _, often in said.values()):
            raise FactMissing("the places where a keyword was said")

    def _counts(self, keyword: Keyword) -> bool:
        if self.sentiments is not None and keyword.sentiment not in self.sentiments:
            return False
        return keyword.keyword_id in (self.keyword_ids or ()) or folded(keyword.keyword_name) in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(map(folded, self.keyword_names or ()))


def _subject(keyword_id: int) -> str:
    return f"keyword:{keyword_id}"
