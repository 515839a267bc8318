"""One message on its way to a reply: who is it, is it a yes, an answer to a question, or something new?"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from logging import getLogger
from typing import Any

from regulars.errors import NotFoundError, UnavailableError
from regulars.support.dialogue.asking import order_shown, question, status_of
from regulars.support.dialogue.drafts import Draft, loaded, stored
from regulars.support.dialogue.given import Agent, Answer, AtRisk, Offers
from regulars.support.dialogue.intents import ANGRY, GOODBYE, GREETING, PERSON, STATUS, UNDO, mood, verbs
from regulars.support.dialogue.phrases import asked
from regulars.support.dialogue.reply import Handed, Kind, Memory, Reply
from regulars.support.dialogue.resolve import Account, Missing, joined, resolve, spread
from regulars.support.dialogue.slots import give, place_in
from regulars.support.dialogue.texts import TEXTS, UNDERSTOOD, Texts
from regulars.support.dialogue.understand import PAYING, understand
from regulars.support.dialogue.wants import Reader, intent_of, named_in, shown, task_of
from regulars.support.entities import addresses, identity_in, order_numbers, payments
from regulars.support.handover.copilot import next_actions
from regulars.support.intent.message import mood as temper
from regulars.support.order.actions import Action, ChangeAddress, ChangeDefaultAddress, ChangeItems, OfOrder
from regulars.support.order.desk import Desk
from regulars.support.order.policy import RefusedError
from regulars.support.order.things import Customer
from regulars.support.order.wording import done, refusal
from regulars.support.order.yes import is_no

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
ASKS_FOR_RULES = re.compile(
    r"\b(?:how (?:long|many|much|do|does)|what (?:is|are|happens)|policy|policies|rules?)\b"
    r"|多久|多少天|几天|怎么|如何|政策|规定",
    re.IGNORECASE,
)
"""Such a question, of no order by its number, is answered from texts where they do: it asks for nothing to be done."""
OWN_ORDER = re.compile(r"\bmy (?:\w+ ){0,2}(?:order|purchase)s?\b|我[^，。,.?？]{0,8}订单", re.IGNORECASE)
"""Where that order is, no text of the shop knows."""
FOR_A_PERSON = ("too_many_tries", "needs_person", "over_limit", "not_offered", "had_coupon")
"""What the policy forbids here, and a person may still decide."""


class Turn:
    """One message on its way to a reply. It writes into the memory that it is given."""

    def __init__(
        self, desk: Desk, answer: Answer | None, read: Reader | None, conversation: str, memory: Memory, language: str,
        customer_id: str | None, agent: Agent | None = None, offers: Offers | None = None,
        at_risk: AtRisk | None = None,
    ) -> None:  # fmt: skip
        self._at_risk = at_risk
        self.desk, self._read, self.conversation = desk, read, conversation
        self._agent = agent
        self.memory, self.language, self.customer_id = memory, language, customer_id
        self._seen: Account | None = None
        self._is_away = False
        self._texts = Texts(answer, offers, memory, language, self._customer)

    def reply_to(self, text: str) -> Reply:
        """The reply to a cleaned message: whatever fails on the way, there is an answer or a person."""
        try:
            return self._or_away(text)
        except Exception:
            LOG.exception("A message to support came to nothing; a person goes on.")
            self._is_away = True
            return self._to_person(FAULT)

    def _or_away(self, text: str) -> Reply:
        try:
            return self._replied(text)
        except UnavailableError:
            # The shop's own system is away. What needs none of it is answered all the same.
            self._is_away = True
            told = self._texts.answer(text) if ASKS_FOR_RULES.search(text) or not verbs(text) else None
            return told or self._to_person(AWAY)
        except RefusedError:
            # It knows the customer no more, or has an order otherwise than a moment ago.
            return self._to_person(AWAY)

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
        drafts = self.memory.drafts
        reply = self._anew(text, found)
        if reply.action == "answer":
            self.memory.drafts = drafts
            return self._again(reply)
        if reply.action != "confirm":
            self.desk.decline(self.conversation)
        return reply

    def _again(self, reply: Reply) -> Reply:
        """A reply, and after it what waits for a yes, as it would be done now; if it cannot, it waits no longer."""
        try:
            proposal = self.desk.again(self.conversation, self.language)
        except RefusedError:
            self.desk.decline(self.conversation)
            return reply
        said = asked("confirm", self.language, summary=proposal.summary)
        return replace(reply, text=f"{reply.text}\n{said}", action="confirm", proposal=proposal.number)

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
        try:
            results = tuple(self.desk.confirm(self.conversation, text, number))
        except RefusedError:
            if is_no(text):
                self.desk.decline(self.conversation)
                self.memory.drafts, self.memory.question = [], ""
                return self._say("declined", "ask")
            return self._corrected(text)
        self.memory.drafts, self.memory.question, self.memory.misunderstood = [], "", 0
        said = []
        for result in results:
            order = self.desk.backend.order(result.action.order_id) if isinstance(result.action, OfOrder) else None
            said.append(
                done(result.action, order, self.language)
                if result.is_done
                else asked("cannot", self.language, why=result.why)
            )
        said.append(asked("more", self.language))
        return Reply("\n".join(said), "done", self.language, results=results)

    def _corrected(self, text: str) -> Reply | None:
        """What was restated, with another payment method or address; None if the message is about something else."""
        account, drafts = self._account(), loaded(self.memory.drafts)
        if self._agent is not None and not drafts:
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
            return self._go_on(drafts, account)
        told = self._texts.answer(text, account.customer) or self._unread(text, "yes_or_no")
        return told if told.action == "hand_over" else self._again(told)

    def _given(self, text: str) -> Reply:
        """An answer to a question; or something else, which then is asked for."""
        memory, account = self.memory, self._account()
        drafts = loaded(memory.drafts)
        if is_no(text) and memory.question != "reason":
            memory.drafts, memory.question = [], ""
            return self._say("declined", "ask")
        if verbs(text, account.known().options) and understand(text, account.customer, account.known()):
            memory.question = ""
            return self._asked_for(text, None)
        if not give(drafts[0], memory.question, memory.item, memory.listed, text, account):
            return self._texts.answer(text, account.customer) or self._by_intent(text) or self._lost(text, "")
        before = (memory.question, memory.item, drafts[0].intent, drafts[0].order_id)
        reply = self._go_on(drafts, account)
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
        if ASKS_FOR_RULES.search(text) and not is_of_order:
            told = self._texts.answer(text, account.customer)
            if told is not None:
                return told
        drafts = understand(text, account.customer, account.known())
        if drafts:
            self.memory.misunderstood = 0
            reply = replace(self._go_on(drafts, account), intent=intent_of(drafts[0].intent))
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
            return replace(self._go_on([Draft(intent=task, text=text)], self._account()), intent=intent)
        told = self._texts.answer(shown(intent, self.language), self._customer()) or self._texts.offer(text)
        return self._to_person("unanswered", intent, text) if told is None else replace(told, intent=intent)

    def _by_model(self, text: str) -> Reply | None:
        """The reply of a language model that has tools; None without one, or where it finds none that may be said."""
        if self._agent is None:
            return None
        told = self._agent(self.desk, self.conversation, text, self.language)
        if told is None:
            return None
        self.memory.drafts, self.memory.question, self.memory.misunderstood = [], "", 0
        if told.action == "hand_over":
            return self._to_person("unanswered")
        return told

    def _go_on(self, drafts: list[Draft], account: Account) -> Reply:
        """From drafts to a proposal, or to the first question that has to be asked."""
        memory, said, citations = self.memory, list[str](), list[str]()
        whole: list[Action] = []
        drafts = spread(drafts, account)
        is_asking = any(draft.intent != STATUS for draft in drafts)
        for place, draft in enumerate(drafts):
            if draft.intent == UNDO:
                return self._undo()
            try:
                found = status_of(draft, account, self.language) if draft.intent == STATUS else resolve(draft, account)
            except RefusedError as error:
                if error.reason in FOR_A_PERSON:
                    return self._to_person(error.reason)
                said.append(asked("cannot", self.language, why=refusal(error, self.language)))
                continue
            if isinstance(found, str):
                said.append(found)
                citations.append(draft.order_id)
            elif isinstance(found, Missing) and draft.intent == STATUS and is_asking:
                continue  # "and how much do I get back?": what is restated says it
            elif isinstance(found, Missing):
                text, memory.listed = question(found, self.language)
                memory.question, memory.item = found.question, found.item
                memory.drafts = stored([draft, *drafts[:place], *drafts[place + 1 :]])
                if found.question == "no_orders":
                    memory.drafts, memory.question = [], ""
                return Reply("\n".join([*said, text]), "ask", self.language, citations=tuple(citations))
            else:
                whole.append(found)
        # Kept until the yes: "with PayPal instead" is about what was restated.
        memory.drafts, memory.question = stored(drafts), ""
        return self._propose(whole, said, citations)

    def _propose(self, whole: list[Action], said: list[str], citations: list[str]) -> Reply:
        # Items last: after that the order cannot be changed any more.
        whole = sorted(joined(whole), key=lambda action: isinstance(action, ChangeItems))
        proposal, changes, refused = self.desk.offer(self.conversation, whole, self.language)
        for _, error in refused:
            if error.reason in FOR_A_PERSON:
                return self._to_person(error.reason)
            said.append(asked("cannot", self.language, why=refusal(error, self.language)))
        citations += [change.before.order_id for change in changes if change.before is not None]
        cited = tuple(dict.fromkeys(citations))
        if proposal is None:
            if self.desk.waiting(self.conversation) is None:
                said.append(asked("more", self.language))
            return Reply("\n".join(said), "answer", self.language, citations=cited)
        said.append(asked("confirm", self.language, summary=proposal.summary))
        return Reply("\n".join(said), "confirm", self.language, proposal.number, citations=cited)

    def _undo(self) -> Reply:
        try:
            proposal = self.desk.undo(self.conversation, self.language)
        except RefusedError as error:
            said = asked("cannot", self.language, why=refusal(error, self.language))
            return Reply(said, "answer", self.language)
        said = asked("confirm", self.language, summary=proposal.summary)
        return Reply(said, "confirm", self.language, proposal.number)

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
            "drafts": self.memory.drafts,
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
            self._seen = Account(customer, tuple(orders), cache(self.desk.product), self.desk.policy)
        return self._seen
