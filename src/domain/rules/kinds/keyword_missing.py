"""`keyword_missing`: a keyword was not said, in the whole call or near its beginning."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain import wording
from domain.rules.call import Call, FactMissing
from domain.rules.condition import Condition, Fact, Match, Milliseconds, Name, Named, folded, named
from domain.rules.kinds.occurrences import NEVER, occurrences
from domain.rules.violation import Finding


class MissingKeyword(Finding):
    """`within_first_ms`: the beginning of the call in which it was not said; the whole call if absent."""

    title: ClassVar = "Keyword not said"

    kind: Literal["keyword_missing"] = "keyword_missing"
    keyword_name: str
    within_first_ms: int | None = None

    @property
    def subject(self) -> str:
        return _subject(self.keyword_name)

    @property
    def detail(self) -> str:
        return wording.clean(self.keyword_name)

    @property
    def measure(self) -> str:
        if self.within_first_ms is None:
            return "in the whole call"
        return f"in the first {wording.duration(self.within_first_ms)}"

    @classmethod
    def headline(cls, count: int, /) -> str:
        return f"{wording.counted(count, 'keyword', 'keywords')} not said"


class KeywordMissing(Condition):
    """One of `keyword_names` (case ignored) was not said, or not within `within_first_ms`. Each is a subject."""

    finding = MissingKeyword

    when: Literal["keyword_missing"]
    keyword_names: Annotated[tuple[Name, ...], Field(strict=False, min_length=1, max_length=100)]
    within_first_ms: Milliseconds | None = None

    @property
    def needs(self) -> Fact:
        return Fact.KEYWORDS

    @property
    def named_keywords(self) -> Named:
        return named(None, self.keyword_names)

    def matches(self, call: Call) -> Iterator[Match]:
        said = {folded(name): NEVER for name in self.keyword_names}
        for keyword in call.keywords:
            name = folded(keyword.keyword_name)
            if name in said:
                said[name] += occurrences(keyword, call, self.within_first_ms, None)
        for name in self.keyword_names:
            if said[folded(name)].possible <= 0:
                found = partial(MissingKeyword, keyword_name=name, within_first_ms=self.within_first_ms)
                yield _subject(name), found
        if any(often.certain <= 0 < often.possible for often in said.values()):
            raise FactMissing("the places where a keyword was said")


def _subject(keyword_name: str) -> str:
    return f"keyword:{folded(keyword_name)}"
