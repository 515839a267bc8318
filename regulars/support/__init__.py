"""What does a customer ask, what may be done about it, and when does a person go on?

A desk does what the shop's policy allows, after an explicit yes; a dialogue completes whole tasks without a language
model; questions are answered from the shop's own texts and the customer's own orders; and what it cannot do goes to a
queue of people. Begin: `assistant(shop)`, or `Chat(Desk(state, OwnTables(state)))`.
"""

from regulars.support.assistant import assistant
from regulars.support.describe import table
from regulars.support.dialogue import Chat, Reply
from regulars.support.evaluate import evaluate, learn
from regulars.support.handover import Hours
from regulars.support.order import Desk, OwnTables, Policy, RefusedError
from regulars.support.record import deliver

__all__ = [
    "Chat", "Desk", "Hours", "OwnTables", "Policy", "RefusedError", "Reply", "assistant", "deliver", "evaluate",
    "learn", "table",
]  # fmt: skip
