"""One message on its way to a reply: who is it, is it a yes, an answer to a question, or something new?"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from logging import getLogger
from typing import Any

from regulars import clock
from regulars.errors import NotFoundError, UnavailableError
from regulars.support.dialogue.asking import order_shown
from regulars.support.dialogue.drafts import Draft, given, loaded
from regulars.support.dialogue.forms import FOR_A_PERSON, Forms
from regulars.support.dialogue.given import Agent, Answer, AtRisk, Offers
from regulars.support.dialogue.intents import ANGRY, GOODBYE, GREETING, PERSON, STATUS, is_both, mood, verbs
from regulars.support.dialogue.phrases import asked
from regulars.support.dialogue.reply import Handed, Kind, Memory, Reply
from regulars.support.dialogue.resolve import Account
from regulars.support.dialogue.slots import give, place_in
from regulars.support.dialogue.texts import ASKS_FOR_RULES, TEXTS, UNDERSTOOD, Texts
from regulars.support.dialogue.understand import PAYING, understand
from regulars.support.dialogue.wants import Reader, intent_of, named_in, shown, task_of
from regulars.support.entities import addresses, identity_in, order_numbers, payments
from regulars.support.handover.copilot import next_actions
from regulars.support.intent.message import mood as temper
from regulars.support.order.actions import ChangeAddress, ChangeDefaultAddress
from regulars.support.order.desk import Desk
from regulars.support.order.policy import RefusedError
from regulars.support.order.things import Customer
from regulars.support.order.yes import is_no, is_yes

LOG = getLogger("regulars.support")
AWAY = "system_away"
"""Why a person goes on where the shop's own system does not answer."""
FAULT = "fault"
"""Why one goes on where something failed that should not have."""
REQUEST = 4_000
"""Characters of what was asked that are kept until it is known by whom."""
CHOICE = "choice"
"""The question which of some intents is meant."""
MISUNDERSTANDINGS = 2
"""After so many in a row a person goes on."""
OWN_ORDER = re.compile(r"\bmy (?:\w+ ){0,2}(?:order|purchase)s?\b|我[^，。,.?？]{0,8}订单", re.IGNORECASE)
"""Where that order is, no text of the shop knows."""


class Turn:
    """One message on its way to a reply. It writes into the memory that it is given."""

    def __init__(
        self, desk: Desk, answer: Answer | None, read: Reader | None, conversation: str, memory: Memory, language: str,
        customer_id: str | None, agent: Agent | None = None, offers: Offers | None = None,
        at_risk: AtRisk | None = None, proposal: int | None = None,
    ) -> None:  # fmt: skip
        self._at_risk, self._seen_last = at_risk, proposal
        self.desk, self._read, self.conversation = desk, read, conversation
        self._agent = agent
        self.memory, self.language, self.customer_id = memory, language, customer_id
        self._seen: Account | None = None
        self._is_away = False
        self._texts = Texts(answer, offers, memory, language, self._customer)
        self._forms = Forms(desk, conversation, memory, language, self._account)

    def reply_to(self, text: str) -> Reply:
        """The reply to a cleaned message: whatever fails on the way, there is an answer or a person."""
        return self._safely(lambda: self._replied(text), text)

    def _safely(self, replied: Callable[[], Reply], text: str = "") -> Reply:
        try:
            return self._or_away(replied, text)
        except Exception:
            LOG.exception("A message to support came to nothing; a person goes on.")
            self._is_away = True
            return self._to_person(FAULT)

    def _or_away(self, replied: Callable[[], Reply], text: str) -> Reply:
        try:
            return replied()
        except UnavailableError:
            # The shop's own system is away. What needs none of it is answered all the same.
            self._is_away = True
            is_question = bool(text) and (ASKS_FOR_RULES.search(text) or not verbs(text))
            told = self._texts.answer(text) if is_question else None
            return told or self._to_person(AWAY)
        except RefusedError as error:
            # Only a person may decide; or it knows the customer no more, or has an order otherwise than a moment ago.
            return self._to_person(error.reason if error.reason in FOR_A_PERSON else AWAY)

    def _replied(self, text: str) -> Reply:
        found = mood(text)
        if found in (PERSON, ANGRY):
            return self._to_person("asked" if found == PERSON else "angry")
        if temper(text) == "unhappy" and self._is_at_risk():
            return self._to_person("at_risk")
        chosen = self._chosen(text)
        if chosen is not None:
            return chosen
        if self.customer_id is None:
            return self._identified(text)
        waiting = self.desk.waiting(self.conversation)
        if waiting is None:
            return self._anew(text, found)
        return self._answered(waiting, text) or self._beside(text, found)

    def _anew(self, text: str, found: str | None) -> Reply:
        told = self._by_model(text)
        if told is not None:
            return told
        if self.memory.question and self.memory.drafts:
            return self._given(text)
        return self._asked_for(text, found)

    def _beside(self, text: str, found: str | None) -> Reply:
        """A reply to something else than what waits for a yes.

        After an answer that is said again, after anything else it waits no longer: a yes is to what was said last.
        """
        if self._agent is not None:
            # Whatever a model says next may be a question of its own; the yes to that must do nothing.
            self.desk.decline(self.conversation)
            return self._anew(text, found)
        drafts, later = self.memory.drafts, self.memory.later
        reply = self._anew(text, found)
        if reply.action == "answer":
            self.memory.drafts, self.memory.later = drafts, later
            return self._forms.again(reply)
        if reply.action != "confirm":
            self.desk.decline(self.conversation)
        return reply

    def _is_at_risk(self) -> bool:
        return self._at_risk is not None and self.customer_id is not None and self._at_risk(self.customer_id)

    def _identified(self, text: str) -> Reply:
        """Who is it? What else the message asks for waits until that is known."""
        memory = self.memory
        if not self.desk.identifies(self.conversation):
            return self._by_anybody(text)
        who = identity_in(text, memory.name, memory.zip_code)
        if verbs(text):
            memory.request = f"{memory.request}\n{text}".strip()[:REQUEST]
        if not who.is_enough:
            is_news = (who.name, who.zip_code) != (memory.name, memory.zip_code) or bool(verbs(text))
            memory.name, memory.zip_code = who.name, who.zip_code
            return self._ask_identity(is_news=is_news, text=text)
        try:
            customer = self.desk.identify(
                self.conversation, email=who.email, name=who.name, zip_code=who.zip_code
            )  # fmt: skip
        except RefusedError as error:
            if error.reason == "too_many_tries":
                return self._to_person(error.reason)
            memory.name = memory.zip_code = ""
            return self._say("identity_failed", "ask")
        self.customer_id = customer.customer_id
        request, memory.request = memory.request, ""
        if request:
            return self._wanted(memory.wish, request) if memory.wish else self._asked_for(request, None)
        memory.misunderstood = 0
        return self._say("request", "ask", name=customer.name.first_name)

    def _by_anybody(self, text: str) -> Reply:
        """Questions are answered; orders are for who is signed in."""
        if is_both(text):
            return self._texts.beside(text, self._say("sign_in", "ask"))
        told = self._texts.answer(text)
        if told is None and (verbs(text) or mood(text) == GREETING or identity_in(text).is_enough):
            return self._say("sign_in", "ask")
        return told or self._by_intent(text) or self._lost(text, "not_understood")

    def _ask_identity(self, *, is_news: bool, text: str) -> Reply:
        if is_news or mood(text) == GREETING:
            return self._say("identity", "ask")
        return self._texts.answer(text) or self._by_intent(text) or self._lost(text, "identity")

    def _answered(self, number: int, text: str) -> Reply | None:
        """A yes or a no to what was put before the customer; None if it is neither."""
        if self._seen_last not in (None, number) and (is_yes(text) or is_no(text)):
            # The same answer sent twice, or one to what was shown before: what waits now was not read yet.
            return self._forms.again(self._say("answered", "ask"))
        try:
            reply = self._forms.done(number, text)
        except RefusedError:
            if is_no(text):
                self.desk.decline(self.conversation)
                return self._declined()
            return self._corrected(text)
        self.memory.drafts, self.memory.question, self.memory.misunderstood = [], "", 0
        self._seen = None  # the orders are others now
        return self._then(reply)

    def _declined(self) -> Reply:
        """That nothing is changed, and what was wanted besides."""
        self.memory.drafts, self.memory.question = [], ""
        return self._then(self._say("kept", "ask") if self.memory.later else self._say("declined", "ask"))

    def _then(self, reply: Reply) -> Reply:
        """A reply to the end of one thing, and the next one, if more was wanted."""
        later = loaded(self.memory.later)
        if not later:
            return reply
        after = self._safely(lambda: self._forms.go_on(later))
        said = "\n".join(one.text for one in (reply, after) if one.text)
        return replace(after, text=said, results=reply.results)

    def _corrected(self, text: str) -> Reply | None:
        """What was restated, with another payment method or address; None if the message is about something else."""
        account, drafts = self._account(), loaded(self.memory.drafts)
        if self._agent is not None and all(draft.arguments is not None for draft in drafts):
            return None  # a model proposed it, and reads what is to be different
        if understand(text, account.customer, account.known()):
            return None
        ways, places = payments(text, account.customer.payment_methods.values()), addresses(text)
        for draft in drafts:
            if ways and draft.intent in PAYING:
                draft.is_original, draft.payment_ids = ways[0].is_original, ways[0].ids
            if places and draft.intent in (ChangeAddress.name, ChangeDefaultAddress.name):
                draft.address = places[0].address
        if (ways or places) and drafts:
            return self._go_on(drafts)
        told = self._texts.answer(text, account.customer) or self._unread(text, "yes_or_no")
        return told if told.action == "hand_over" else self._forms.again(told)

    def _go_on(self, drafts: list[Draft]) -> Reply:
        """What is in hand, as it is now, and then what was wanted besides."""
        return self._forms.go_on([*drafts, *loaded(self.memory.later)])

    def _given(self, text: str) -> Reply:
        """An answer to a question; or something else, which then is asked for."""
        memory, account = self.memory, self._account()
        drafts = loaded(memory.drafts)
        if is_no(text) and memory.question != "reason":
            return self._declined()
        if verbs(text, account.known().options) and understand(text, account.customer, account.known()):
            memory.question = ""
            return self._asked_for(text, None)
        if not give(drafts[0], memory.question, memory.item, memory.listed, text, account):
            return self._texts.answer(text, account.customer) or self._by_intent(text) or self._lost(text, "")
        before = (memory.question, memory.item, drafts[0].intent, drafts[0].order_id)
        reply = self._go_on(drafts)
        first = loaded(memory.drafts[:1])
        if not first or (memory.question, memory.item, first[0].intent, first[0].order_id) != before:
            memory.misunderstood = 0
            return reply
        # The answer has brought it no further; who is asked the same for ever is not helped.
        memory.misunderstood += 1
        return reply if memory.misunderstood < MISUNDERSTANDINGS else self._to_person("not_understood")

    def _asked_for(self, text: str, found: str | None) -> Reply:
        account = self._account()
        is_of_order = order_numbers(text, [order.order_id for order in account.orders]) or (
            OWN_ORDER.search(text) and any(one.intent == STATUS for one in verbs(text))
        )
        if ASKS_FOR_RULES.search(text) and not is_of_order and not is_both(text):
            told = self._texts.answer(text, account.customer)
            if told is not None:
                return told
        drafts = understand(text, account.customer, account.known())
        if drafts:
            self.memory.misunderstood = 0
            reply = replace(self._forms.go_on(drafts), intent=intent_of(drafts[0].intent))
            return reply if reply.action == "hand_over" else self._texts.beside(text, reply)
        if found == GOODBYE:
            self.desk.decline(self.conversation)
            return self._say("goodbye", "end")
        if found == GREETING:
            return self._say("request", "ask", name=account.customer.name.first_name)
        return self._texts.answer(text, account.customer) or self._by_intent(text) or self._lost(text, "not_understood")

    def _by_intent(self, text: str) -> Reply | None:
        """By what the message wants as a whole: done where that is sure, three choices where it is not."""
        if self._read is None or self.language not in UNDERSTOOD:
            return None
        found = self._read(text)
        if found.intents:
            return self._wanted(found.intents[0], text)
        if found.whole.verdict == "unknown" or self.memory.misunderstood:
            return None
        texts = self._texts.offer(text)
        if texts is not None:
            return texts
        self.memory.misunderstood = 1
        self.memory.request, self.memory.question = text, CHOICE
        self.memory.listed = [intent for intent, _ in found.whole.choices]
        offered = [f"{place}. {shown(one, self.language)}" for place, one in enumerate(self.memory.listed, 1)]
        said = ("；" if self.language == "zh" else "; ").join(offered)
        return replace(self._say("choices", "ask", choices=said), choices=tuple(self.memory.listed))

    def _customer(self) -> Customer | None:
        return None if self.customer_id is None else self._account().customer

    def _chosen(self, text: str) -> Reply | None:
        """Which of the offered intents or texts the customer means; None if the message says something else."""
        memory = self.memory
        if memory.question == TEXTS:
            try:
                return self._texts.picked(text)
            except NotFoundError:
                return self._to_person("unanswered", question=memory.request)
        if memory.question != CHOICE:
            return None
        memory.question = ""
        place = place_in(text, len(memory.listed))
        intent = memory.listed[place] if place is not None else named_in(text, memory.listed, self.language)
        if intent is None:
            return None
        return replace(self._wanted(intent, memory.request), learned=(memory.request, intent))

    def _wanted(self, intent: str, text: str) -> Reply:
        """What is done about an intent: a task here, the shop's texts, else a person."""
        memory, task = self.memory, task_of(intent)
        memory.misunderstood = 0
        if task == PERSON:
            return self._to_person("asked", intent)
        if task is not None and self.customer_id is None:
            if not self.desk.identifies(self.conversation):
                return replace(self._say("sign_in", "ask"), intent=intent)
            memory.request, memory.wish = text, intent
            return replace(self._say("identity", "ask"), intent=intent)
        memory.wish = ""
        if task is not None:
            return replace(self._forms.go_on([Draft(intent=task, text=text)]), intent=intent)
        told = self._texts.answer(shown(intent, self.language), self._customer()) or self._texts.offer(text)
        return self._to_person("unanswered", intent, text) if told is None else replace(told, intent=intent)

    def _by_model(self, text: str) -> Reply | None:
        """The reply of a language model that has tools; None without one, or where it finds none that may be said.

        Of several things that it would do each gets a yes of its own.
        """
        if self._agent is None:
            return None
        told = self._agent(self.desk, self.conversation, text, self.language)
        if told is None:
            return None
        self.memory.drafts, self.memory.later, self.memory.question, self.memory.misunderstood = [], [], "", 0
        if not isinstance(told, Reply):
            return self._forms.go_on(list(map(given, told)))
        return self._to_person("unanswered") if told.action == "hand_over" else told

    def _lost(self, text: str, again: str) -> Reply:
        """Not understood: once it is asked again, then a person goes on. So it is at once in a language not read."""
        return self._texts.offer(text) or self._unread(text, again)

    def _unread(self, text: str, again: str) -> Reply:
        memory = self.memory
        memory.misunderstood += 1
        if self.language not in UNDERSTOOD:
            return self._to_person("language")
        if memory.misunderstood >= MISUNDERSTANDINGS:
            return self._to_person("not_understood")
        return self._say(again or "not_understood", "ask")

    def _to_person(self, reason: str, intent: str | None = None, question: str = "") -> Reply:
        self.desk.decline(self.conversation)
        account = self._reached()
        orders = () if account is None else account.orders
        facts = {
            "customer": self.customer_id,
            "orders": [order_shown(order, "en") for order in orders],
            "drafts": [*self.memory.drafts, *self.memory.later],
            "next_actions": next_actions(orders),
        }
        name = "" if account is None else f" {account.customer.name.first_name}"
        proposed = asked("proposed_sorry" if reason in ("angry", "at_risk") else "proposed", self.language, name=name)
        handed = Handed(reason, facts=facts, proposed=proposed, question=question)
        return Reply("", "hand_over", self.language, hand_over=handed, intent=intent)

    def _reached(self) -> Account | None:
        """What can be seen of the customer, if it is known who that is and where it lies answers."""
        if self.customer_id is None or self._is_away:
            return None
        try:
            return self._account()
        except (UnavailableError, RefusedError):
            return None

    def _say(self, phrase: str, action: Kind, **about: Any) -> Reply:
        return Reply(asked(phrase, self.language, **about), action, self.language)

    def _account(self) -> Account:
        """What can be seen of the customer; read once in a turn."""
        if self._seen is None:
            customer = self.desk.customer(self.conversation)
            orders = self.desk.backend.orders_of(customer.customer_id)
            today = clock.today(self.desk.zone)
            self._seen = Account(customer, tuple(orders), cache(self.desk.product), self.desk.policy, today)
        return self._seen
