"""A conversation without a language model: forms that are filled from what the customer says, restated, confirmed.

One message in, one reply out. What it may do is the desk's to decide; when it does not understand, or the policy says
no to what a person could still do, a person goes on.
"""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from regulars import clock
from regulars.language.deadline import within
from regulars.support.answer.aloud import Heard, heard_by
from regulars.support.dialogue.given import Agent, Answer, AtRisk, Offers
from regulars.support.dialogue.languages import NOTICES, language_of
from regulars.support.dialogue.phrases import asked, waiting_time
from regulars.support.dialogue.reply import Handed, Memory, Reply
from regulars.support.dialogue.tone import toned
from regulars.support.dialogue.turn import LOG, Turn
from regulars.support.dialogue.wants import Reader
from regulars.support.entities import cleaned
from regulars.support.handover.hours import Hours
from regulars.support.handover.queue import expected_wait, hand_over
from regulars.support.handover.summary import asked_in, summarised
from regulars.support.intent.message import is_urgent
from regulars.support.order.actions import NOTED
from regulars.support.order.desk import Desk
from regulars.support.record import LABELLED, RATED, write_event, write_message
from regulars.support.tables import conversation_of, conversations, messages

REQUEST = "request"
"""Why a person has something to do for a customer with whom the assistant goes on."""
TOLD = ("unanswered", "language", "system_away", "fault")
"""Of these hand-overs it is known already that no text answers, or that the search for one may fail."""
_STARS = re.compile(r"[1-5]")
_MARKS = re.compile(r"\s?\[\d+\]")


class Chat:
    """Conversations with customers.

    Parameters
    ----------
    desk : what can be done.
    hours : when people are there.
    answer : of questions that ask for no action; without one they are not understood.
    read : what a message wants where nothing else tells; without it the customer is asked to say it again.
    agent : a language model that has tools; without one, or where it gives nothing that may be said, forms are filled.
    language : of the first answer, where the message does not tell.
    seconds : so long is waited in all, for one message, for models, encoders and the shop's system.
    at_risk : with whom much value would leave: once unhappy, these go to a person.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from regulars.state import State
    >>> from regulars.support.order import Customer, Order, OwnTables
    >>> state = State.open(Path(tempfile.mkdtemp()))
    >>> own = OwnTables(state)
    >>> address = {"address1": "1 Elm Street", "zip": "78762"}
    >>> card = {"card_1": {"id": "card_1", "source": "credit_card", "last_four": "9212"}}
    >>> about = {"customer_id": "ada", "name": {"first_name": "Ada"}, "address": address, "payment_methods": card}
    >>> lamp = {"item_id": "1", "product_id": "2", "name": "Desk Lamp", "price": 19.9}
    >>> paid = {"kind": "payment", "amount": 19.9, "payment_method_id": "card_1"}
    >>> order = {"order_id": "#W1001", "customer_id": "ada", "status": "pending", "address": address}
    >>> own.load([Customer(**about)], [Order(**order, lines=[lamp], payments=[paid])])
    >>> chat = Chat(Desk(state, own))
    >>> ada = chat.open("ada")
    >>> print(chat.say(ada, "Please cancel the lamp, I ordered it by mistake").text)
    You are talking to an AI assistant, not a person. You can ask for a person at any time.
    Cancel order #W1001 (Desk Lamp), because: ordered by mistake. 19.90 goes back to card ending in 9212 (card_1).
    Is that right? Please answer yes or no.
    >>> chat.say(ada, "yes").action, own.order("#W1001").status
    ('done', 'cancelled')
    """

    def __init__(
        self, desk: Desk, hours: Hours | None = None, answer: Answer | None = None, read: Reader | None = None,
        agent: Agent | None = None, language: str = "en", offers: Offers | None = None, seconds: float = 20.0,
        at_risk: AtRisk | None = None,
    ) -> None:  # fmt: skip
        self._offers, self._seconds, self._at_risk = offers, seconds, at_risk
        self.desk, self.hours, self._answer = desk, hours or Hours(), answer
        self._read, self._agent, self._language = read, agent, language

    def open(self, customer_id: str | None = None, *, is_public: bool = False) -> str:
        """Begin a conversation; see `Desk.open`."""
        return self.desk.open(customer_id, self._language, is_public=is_public)

    def say(self, conversation: str, message: str, proposal: int | None = None, heard: Heard | None = None) -> Reply:
        """A customer's message, answered.

        Parameters
        ----------
        message : as it came: of any length, in any language, or none.
        proposal : that the customer saw last, by its number: a yes is to no other. Needed where a message may arrive
            twice, or two at once.
        heard : is told what a language model writes while it does, a checked sentence more each time; the reply begins
            with it. Not called where nothing of it is known before the whole.

        Raises
        ------
        NotFoundError
            If there is no such conversation.
        """
        row = self._row(conversation)
        text = cleaned(message)
        # A conversation that ended begins afresh: what was asked before is settled.
        memory = Memory() if row.status == "ended" else Memory(**row.memory)
        language = language_of(text, row.language)
        if row.status == "ended" and _STARS.fullmatch(text):
            return self._rated(row, text)
        if row.status == "person":
            reply = Reply(asked("with_person", language), "with_person", language)
        else:
            turn = Turn(
                self.desk, self._answer, self._read, conversation, memory, language, row.customer_id, self._agent,
                self._offers, self._at_risk, proposal,
            )  # fmt: skip
            with within(self._seconds):
                reply = self._drafted(self._replied(turn, text, heard), text)
        return self._keep(conversation, memory, text, reply)

    def _replied(self, turn: Turn, text: str, heard: Heard | None) -> Reply:
        """The reply of a turn in its tone; it begins with what was heard of it."""
        is_dear = not turn.memory.greeted and self._is_at_risk(turn.customer_id)
        said = ""

        def hear(so_far: str) -> None:
            nonlocal said
            said = toned(Reply(so_far, "answer", turn.language), text, is_dear=is_dear).text
            if heard is not None:
                heard(said if turn.memory.greeted else _with_notice(said, turn.language))

        with heard_by(hear if heard is not None else None):
            reply = toned(turn.reply_to(text), text, is_dear=is_dear)
        # What was heard stays, though something fails after it.
        return reply if reply.text.startswith(said) else replace(reply, text=f"{said}\n{reply.text}".strip())

    def _drafted(self, reply: Reply, text: str) -> Reply:
        """The same, with what the shop's texts say among what a person may begin with."""
        handed = reply.hand_over
        if handed is None or handed.reason in TOLD or self._answer is None:
            return reply
        try:
            told = self._answer(text, None, reply.language)
        except Exception:
            LOG.exception("Texts came to nothing; the person begins without them.")
            return reply
        if told is None:
            return reply
        return replace(
            reply, hand_over=replace(handed, proposed=f"{handed.proposed}\n{_MARKS.sub('', told[0])}".strip())
        )

    def _is_at_risk(self, customer_id: str | None) -> bool:
        return self._at_risk is not None and customer_id is not None and self._at_risk(customer_id)

    def status(self, conversation: str) -> str:
        """Whether a conversation is "open", with a "person", or has "ended"; NotFoundError if there is none."""
        return str(self._row(conversation).status)

    def said(self, conversation: str) -> list[Any]:
        """What was said, in its order: rows with `at`, `who` (customer, ai, or a person's name), `text`, `about`."""
        asked = sa.select(messages).where(messages.c.conversation_id == conversation).order_by(messages.c.id)
        with self.desk.state.read() as view:
            return list(view.execute(asked))

    def _row(self, conversation: str) -> Any:
        with self.desk.state.read() as view:
            return conversation_of(view, conversation)

    def _rated(self, row: Any, text: str) -> Reply:
        """How satisfied the customer is, as was asked when the conversation ended."""
        reply = Reply(asked("rated", row.language), "end", row.language, is_first=False)
        with self.desk.state.write() as change:
            write_event(change, row.conversation_id, row.customer_id, RATED, outcome=text)
        return reply

    def _keep(self, conversation: str, memory: Memory, text: str, reply: Reply) -> Reply:
        """Write down what was said, and hand over if that is the answer, in one change."""
        with self.desk.state.write() as change:
            which = conversations.c.conversation_id == conversation
            row = change.execute(sa.select(conversations).where(which).with_for_update()).one()
            write_message(change, conversation, row.customer_id, "customer", text, {})
            if reply.learned is not None and row.customer_id is not None:  # a stranger teaches nothing
                question, intent = reply.learned
                write_event(change, conversation, row.customer_id, LABELLED, text=question, outcome=intent)
            if reply.hand_over is not None:
                reply = self._handed(change, row, memory, text, reply, reply.hand_over)
            elif row.status != "person":  # by now: another message may have been handed over meanwhile
                status = "ended" if reply.action == "end" else "open"
                if not memory.greeted:
                    memory.greeted = True
                    reply = replace(reply, text=_with_notice(reply.text, reply.language), is_first=True)
                values = {"memory": asdict(memory), "language": reply.language, "status": status}
                change.execute(sa.update(conversations).where(which).values(**values, changed_at=clock.now()))
            write_message(change, conversation, row.customer_id, "ai", reply.text, reply.mark)
            if any(one.is_done and isinstance(one.action, NOTED) for one in reply.results):
                hand_over(
                    change, conversation, customer_id=row.customer_id, language=reply.language, reason=REQUEST,
                    summary=summarised(change, conversation, reply.language),
                    facts={"customer": row.customer_id, "orders": [], "drafts": [], "next_actions": {}},
                    proposed=asked("proposed", reply.language, name=""), is_aside=True,
                )  # fmt: skip
        return reply

    def _handed(
        self, change: sa.Connection, row: Any, memory: Memory, text: str, reply: Reply, handed: Handed
    ) -> Reply:
        wait = expected_wait(change, self.hours, clock.now())
        number = hand_over(
            change, row.conversation_id, customer_id=row.customer_id, language=reply.language, reason=handed.reason,
            summary=summarised(change, row.conversation_id, reply.language),
            facts={
                **handed.facts, "asked": "\n".join(asked_in(change, row.conversation_id)),
                "question": handed.question or text,
            },
            proposed=handed.proposed, is_urgent=is_urgent(text),
        )  # fmt: skip
        opening = self.hours.next_opening(clock.now())
        is_open = self.hours.is_open(clock.now())
        said = [reply.text] * bool(reply.text)
        said += [NOTICES[reply.language]["person"], waiting_time(wait, is_open, opening, reply.language)]
        if not memory.greeted:
            said.insert(0, NOTICES[reply.language]["ai"])
        change.execute(
            sa.update(conversations)
            .where(conversations.c.conversation_id == row.conversation_id)
            .values(language=reply.language)
        )
        handed = replace(handed, number=number, wait_minutes=wait)
        return replace(reply, text="\n".join(said), hand_over=handed, is_first=not memory.greeted)


def _with_notice(text: str, language: str) -> str:
    """After the words that an AI answers."""
    return f"{NOTICES[language]['ai']}\n{text}"
