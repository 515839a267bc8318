"""Who waits for a person, why, how long, and what could that person answer?"""

from regulars.support.handover.copilot import Suggestion, next_actions, suggest
from regulars.support.handover.hours import Hours
from regulars.support.handover.queue import (
    Handover,
    close,
    expected_wait,
    give_back,
    hand_over,
    one,
    past_answers,
    send,
    take,
    transcript,
    waiting,
)

__all__ = [
    "Handover", "Hours", "Suggestion", "close", "expected_wait", "give_back", "hand_over", "next_actions",
    "one", "past_answers", "send", "suggest", "take", "transcript", "waiting",
]  # fmt: skip
