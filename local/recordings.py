"""The call recordings that the vendor's stub serves: one of every kind, as plain data.

What each should come to stands beside it, written by hand, in `cases.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

FIXTURES = Path(__file__).parent / "fixtures"


@dataclass(frozen=True)
class Recording:
    """What the vendor knows of a call. Shapes as the vendor's API has them."""

    id: int
    name: str
    goals: list[dict[str, Any]] = field(default_factory=list)
    pauses: list[dict[str, Any]] = field(default_factory=list)
    keywords: list[dict[str, Any]] | None = None
    extra: dict[str, Any] = field(default_factory=dict)  # fields of the results that the product does not know
    duration_ms: int = 262_000
    created_at: str = "2026-11-20T09:14:00Z"
    language: str = "en"
    speakers: tuple[str, ...] = ("Dana Whitfield", "Caller")
    status: Literal["pending", "processing", "completed", "failed"] = "completed"
    goals_evaluated: bool = True
    verbatim_results: str | None = None  # served as it is, byte for byte
    dialogues: list[dict[str, Any]] | None = None  # None: made up to fit the pauses

    @property
    def public_id(self) -> str:
        """A UUIDv7 that shows whose it is: recording 1014 ends in 1014."""
        return f"01938c5e-7a10-7000-8000-{self.id:012d}"

    @property
    def goal_achievement(self) -> int:
        return round(100 * sum(goal["met"] for goal in self.goals) / len(self.goals)) if self.goals else 0


def goal(number: int, name: str, score: float, explanation: str | None, *, met: bool | None = None) -> dict[str, Any]:
    return {
        "goal_id": number,
        "goal_name": name,
        "met": score >= 0.5 if met is None else met,
        "score": score,
        "explanation": explanation,
    }


def pause(start_ms: int, length_ms: int, *, compliant: bool, after: int | None = 458) -> dict[str, Any]:
    return {
        "start_ms": start_ms,
        "end_ms": start_ms + length_ms,
        "duration_ms": length_ms,
        "compliant": compliant,
        "after_dialogue_id": after,
    }


GREETED = goal(1, "Greeting and Introduction", 0.95, "The agent greeted the customer by name.")
EMAIL_TAKEN = goal(2, "Collect Email Address", 0.91, "The address was taken and read back.")
FOLLOW_UP = goal(3, "Offer Follow-up", 0.84, "A call back on Thursday was offered.")
NO_FOLLOW_UP = goal(3, "Offer Follow-up", 0.22, "The call ended without an offer to call back.")
ALL_MET = [GREETED, EMAIL_TAKEN, FOLLOW_UP]
SHORT_PAUSE = pause(15_000, 3_500, compliant=True)

RECORDINGS: tuple[Recording, ...] = (
    Recording(
        123,
        "Refund for order 48213",
        verbatim_results=(FIXTURES / "recording_123.json").read_text(),
        goals=[{"met": True}, {"met": True}, {"met": False}],
    ),
    Recording(1001, "Delivery address changed", ALL_MET, [SHORT_PAUSE]),
    Recording(1002, "Router keeps restarting", [GREETED, EMAIL_TAKEN, NO_FOLLOW_UP], [SHORT_PAUSE]),
    Recording(
        1003,
        "Angry about a late technician",
        [
            goal(1, "Greeting and Introduction", 0.12, "The agent started with “Yes?” and gave no name."),
            goal(2, "Collect Email Address", 0.0, "No address was asked for."),
            NO_FOLLOW_UP,
        ],
    ),
    Recording(1004, "Contract renewal", ALL_MET, [pause(61_000, 14_200, compliant=False)]),
    Recording(1005, "Hold agreed with the caller", ALL_MET, [pause(40_000, 30_000, compliant=True)]),
    Recording(1006, "Pause exactly at the limit", ALL_MET, [pause(52_000, 5_000, compliant=False)]),
    Recording(1007, "Pause one millisecond over", ALL_MET, [pause(52_000, 5_001, compliant=False)]),
    Recording(
        1008,
        "Cancellation after price rise",
        [GREETED, goal(2, "Collect Email Address", 0.35, "Asked for, but never spelled."), NO_FOLLOW_UP],
        [pause(95_000, 7_000, compliant=False), SHORT_PAUSE, pause(180_000, 12_500, compliant=False)],
        duration_ms=611_000,
    ),
    Recording(
        1009,
        "استفسار عن الفاتورة",
        [goal(11, "تحية العميل", 0.31, "لم يذكر الموظف اسمه في بداية المكالمة."), EMAIL_TAKEN],
        language="ar",
    ),
    Recording(
        1010,
        "账单查询",
        [GREETED, goal(12, "确认客户身份", 0.28, "客服没有核对客户的出生日期。")],
        language="zh",
    ),
    Recording(
        1011,
        "Happy caller 🎉",
        [GREETED, goal(13, "Say thank you 🙏", 0.4, "No thanks were said 😕 👩🏽‍💻")],
    ),
    Recording(
        1012,
        "Rückfrage zur Überweisung",
        [goal(14, "Begrüßung", 0.33, "Der Gruß fiel aus: „Ja, bitte?“ – kein Name, keine Firma.")],
        language="de",
    ),
    Recording(
        1013,
        "<script>alert(1)</script>",
        [
            goal(
                15,
                "*Bold* & <b>brave</b>",
                0.2,
                "<!channel> *bold* <https://evil.example|click me> <@U123> & `code`",
            ),
        ],
    ),
    Recording(1014, "Reached by its UUID", [GREETED, NO_FOLLOW_UP]),
    # 1015 does not exist
    Recording(1016, "Still being transcribed", status="processing"),
    Recording(1017, "Broken audio file", status="failed"),
    Recording(1018, "Goals not judged yet", goals_evaluated=False, pauses=[SHORT_PAUSE]),
    Recording(
        1019,
        "A newer body with keywords",
        ALL_MET,
        keywords=[
            {
                "keyword_id": 7,
                "keyword_name": "cancel",
                "sentiment": "negative",
                "count": 2,
                "timestamps_ms": [31_000, 88_500],
            }
        ],
        extra={"talk_ratio": 0.61, "compliance": {"version": 3}},
    ),
    Recording(
        1020,
        "Sixty goals, none met",
        [goal(n, f"Goal number {n}", 0.1, f"Reason number {n}.") for n in range(1, 61)],
    ),
    Recording(
        1021,
        "Ten thousand pauses, three too long",
        ALL_MET,
        [
            pause(n * 10_000, 6_000 if n in (100, 5_000, 9_999) else 400, compliant=False, after=n)
            for n in range(1, 10_001)
        ],
        duration_ms=100_020_000,
    ),
    Recording(
        1022,
        "Nothing explained",
        [GREETED, goal(3, "Offer Follow-up", 0.18, None)],
        [pause(70_000, 8_000, compliant=False, after=None)],
    ),
    Recording(1023, "No goals are set up"),
    Recording(1024, "Details cannot be read", [NO_FOLLOW_UP]),
    Recording(1025, "Named by two triggers", [NO_FOLLOW_UP]),
    Recording(1026, "Unmet with a high score", [goal(2, "Collect Email Address", 0.72, "Wrong address.", met=False)]),
    Recording(1027, "Announced by nobody", [NO_FOLLOW_UP]),
)
