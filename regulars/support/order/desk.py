"""The desk: the one way to an order. Identity first, then the policy, then an explicit yes; each change once, logged.

Whatever speaks for a customer (the offline dialogue, a language model, a page) has these verbs and no others. A
conversation belongs to one customer from the moment that one is identified, and every verb acts for that customer
alone: a model that obeys an attacker in full can propose, and nothing happens until the customer's own message says
yes to what this code has restated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from regulars import clock
from regulars.errors import NotFoundError, UnavailableError
from regulars.state import State
from regulars.support.order.actions import (
    Action,
    Coupon,
    OfOrder,
    Unsubscribe,
    parse,
)
from regulars.support.order.backend import Backend, folded
from regulars.support.order.policy import Change, Policy, RefusedError, inverse, outcome
from regulars.support.order.things import Customer, Order, Product
from regulars.support.order.wording import restated
from regulars.support.order.yes import is_yes
from regulars.support.record import write_event
from regulars.support.tables import conversations, coupons, journal, prepare, proposals, tries

COUPON_DAYS = 365
TRIES = 20
"""So often in a day somebody may claim in vain to be one and the same customer, over all conversations."""
TRIES_ARE_KEPT = timedelta(days=1)
WAITING = ("shown", "confirmed")
"""States of a proposal that is not done: one that was confirmed, and then the process died, goes on by a new yes."""
LAPSES = timedelta(days=1)
"""After so long nobody knows any more what a yes would be to."""


@dataclass(frozen=True)
class Proposal:
    """What a customer is asked to confirm: the actions, and the words that restate them."""

    number: int
    actions: tuple[Action, ...]
    summary: str


@dataclass(frozen=True)
class Result:
    """What became of one action: `refused` is the reason why it was not done, None if it was.

    `inverse` is the action that would take it back, None if there is none.
    """

    action: Action
    refused: str | None
    why: str = ""
    inverse: Action | None = None

    @property
    def is_done(self) -> bool:
        """Whether it was done."""
        return self.refused is None


class Desk:
    """The verbs of support, bound to a shop's things and policy.

    Parameters
    ----------
    state : of the shop: proposals and the journal.
    backend : where customers, orders and products lie.
    policy : what support may do.
    zone : of the shop: by it a customer's "yesterday" is a day.
    """

    def __init__(self, state: State, backend: Backend, policy: Policy | None = None, zone: str = "UTC") -> None:
        self.state, self.backend, self.policy, self.zone = prepare(state), backend, policy or Policy(), zone

    def open(self, customer_id: str | None = None, language: str = "en", *, is_public: bool = False) -> str:
        """Begin a conversation; its id.

        Parameters
        ----------
        customer_id : who is signed in, by the word of the program that opens it, never by that of a message.
        is_public : whether anybody could open it, as in a page: then words never tell who the customer is.

        Raises
        ------
        NotFoundError
            If there is no such customer.
        """
        if customer_id is not None and not self._may_be(customer_id):
            raise NotFoundError(f'There is no customer "{customer_id}" among the shop\'s own.')
        now, name = clock.now(), uuid4().hex
        row: dict[str, Any] = {
            "conversation_id": name, "customer_id": customer_id, "language": language, "status": "open", "tries": 0,
            "memory": {}, "opened_at": now, "changed_at": now, "is_public": is_public,
        }  # fmt: skip
        with self.state.write() as change:
            change.execute(sa.insert(conversations).values(row))
        return name

    def _may_be(self, customer_id: str) -> bool:
        try:
            return self.backend.customer(customer_id) is not None
        except UnavailableError:
            return True  # who is signed in says the program; a shop's system that is away must not turn anybody away

    def identifies(self, conversation: str) -> bool:
        """Whether words may tell who the customer of a conversation is."""
        with self.state.read() as view:
            return self.policy.identify_in_words and not self._row(view, conversation).is_public

    def identify(self, conversation: str, *, email: str = "", name: str = "", zip_code: str = "") -> Customer:
        """Find out who the customer is: by e-mail, or by first and last name and zip code.

        Raises
        ------
        RefusedError
            If nobody is found, if it was tried too often, here or of that customer in all, if that is another than the
            conversation's customer, or if only who is signed in is served.
        """
        if not self.identifies(conversation):
            raise RefusedError("sign_in")
        claims = [_digest(told) for told in (email, name) if told]
        with self.state.write(alone="support identify") as change:
            row = self._row(change, conversation)
            change.execute(sa.delete(tries).where(tries.c.at <= clock.now() - TRIES_ARE_KEPT))
            of = sa.select(sa.func.count()).group_by(tries.c.about).where(tries.c.about.in_(claims))
            if row.tries >= self.policy.identify_tries or max(change.execute(of).scalars(), default=0) >= TRIES:
                raise RefusedError("too_many_tries")
            # Counted before it is looked up, or many at once would all pass.
            for claim in claims:
                change.execute(sa.insert(tries).values(about=claim, at=clock.now()))
            which = conversations.c.conversation_id == conversation
            change.execute(sa.update(conversations).where(which).values(tries=conversations.c.tries + 1))
        found = self.backend.customer_by_email(email) if email else None
        found = found or (self.backend.customer_by_name(name, zip_code) if name and zip_code else None)
        reason = None
        if found is None:
            reason = "not_identified"
        elif row.customer_id is not None and row.customer_id != found.customer_id:
            reason = "other_customer"
        with self.state.write() as change:
            if reason is not None or found is None:
                self._note(change, conversation, None, "identify", {}, reason or "not_identified")
            else:
                # Only while it is nobody's: of two at once, one wins.
                mine = which & (conversations.c.customer_id.is_(None))
                change.execute(sa.update(conversations).where(mine).values(customer_id=found.customer_id))
                change.execute(sa.update(conversations).where(which).values(tries=conversations.c.tries - 1))
                change.execute(sa.delete(tries).where(tries.c.about.in_(claims)))
                self._note(change, conversation, found.customer_id, "identify", {}, "done")
        if reason is not None or found is None:
            raise RefusedError(reason or "not_identified")
        return found

    def customer(self, conversation: str) -> Customer:
        """Who is served; RefusedError (`not_identified`) while that is not known."""
        with self.state.read() as view:
            row = self._row(view, conversation)
        found = None if row.customer_id is None else self.backend.customer(row.customer_id)
        if found is None:
            raise RefusedError("not_identified")
        return found

    def orders(self, conversation: str) -> list[Order]:
        """The customer's orders; no other's can be had."""
        return self.backend.orders_of(self.customer(conversation).customer_id)

    def order(self, conversation: str, order_id: str) -> Order:
        """One order of the customer; RefusedError (`unknown_order`) for any other, whether there is one or not."""
        customer, found = self.customer(conversation), self.backend.order(order_id)
        if found is None or found.customer_id != customer.customer_id:
            raise RefusedError("unknown_order", order_id=order_id)
        return found

    def product(self, product_id: str) -> Product | None:
        """A product with its items; these are everybody's to see."""
        return self.backend.product(product_id)

    def propose(self, conversation: str, actions: Sequence[Action], language: str = "en") -> Proposal:
        """Put actions before the customer: checked now in their order, restated, done only after a yes.

        A newer proposal takes the place of an older one.

        Raises
        ------
        RefusedError
            If the policy forbids one of them; nothing is put before the customer then.
        """
        proposal, _, refused = self.offer(conversation, actions, language, whole=True)
        if proposal is None:
            raise refused[0][1]
        return proposal

    def offer(
        self, conversation: str, actions: Sequence[Action], language: str = "en", *, whole: bool = False
    ) -> tuple[Proposal | None, list[Change], list[tuple[Action, RefusedError]]]:
        """Put those of some actions before the customer that the policy allows; and say why the others are not.

        Parameters
        ----------
        whole : put all before the customer, or nothing.

        Returns
        -------
        The proposal, None if there is nothing to propose; what it would change; each that was refused, and why.
        """
        customer = self.customer(conversation)
        changes, refused = self._foresee(customer, actions)
        kept = [] if whole and refused else changes
        number = 0
        with self.state.write() as change:
            for action, error in refused:
                self._note(change, conversation, customer.customer_id, action.name, _arguments(action), error.reason)
            if kept:
                self._supersede(change, conversation)
                row = {
                    "conversation_id": conversation, "customer_id": customer.customer_id, "results": [],
                    "actions": [[one.action.name, _arguments(one.action)] for one in kept],
                    "status": "shown", "shown_at": clock.now(),
                }  # fmt: skip
                number = change.execute(sa.insert(proposals).values(row).returning(proposals.c.id)).scalar_one()
        if not kept:
            return None, [], refused
        summary = "\n".join(restated(one, language) for one in kept)
        return Proposal(number, tuple(one.action for one in kept), summary), kept, refused

    def _foresee(
        self, customer: Customer, actions: Sequence[Action], key: str = ""
    ) -> tuple[list[Change], list[tuple[Action, RefusedError]]]:
        """What would actions do, one after the other? Those that can be done, and those that cannot with why.

        `key` is that of a change that may have been begun before.
        """
        find = cache(self.backend.product)
        seen: dict[str, Order | None] = {}
        changes: list[Change] = []
        refused: list[tuple[Action, RefusedError]] = []
        for action in actions:
            if isinstance(action, OfOrder) and action.order_id not in seen:
                seen[action.order_id] = self.backend.order(action.order_id)
            order = seen[action.order_id] if isinstance(action, OfOrder) else None
            try:
                if isinstance(action, Coupon):
                    with self.state.read() as view:
                        _must_have_no_coupon(view, customer.customer_id, key)
                    if any(isinstance(one.action, Coupon) for one in changes):
                        raise RefusedError("had_coupon")
                found = outcome(action, customer, order, find, self.policy)
            except RefusedError as error:
                refused.append((action, error))
                continue
            changes.append(found)
            customer = found.customer
            if found.after is not None:
                seen[found.after.order_id] = found.after
        return changes, refused

    def waiting(self, conversation: str) -> int | None:
        """The number of the proposal that waits for the customer's yes; None if there is none."""
        with self.state.read() as view:
            return _waiting(view, conversation, *WAITING)

    def again(self, conversation: str, language: str = "en") -> Proposal:
        """Put what waits for a yes before the customer once more, as it would be done now.

        Raises
        ------
        RefusedError
            `not_confirmed` if nothing waits that can be shown again; or why the policy forbids it by now.
        """
        with self.state.read() as view:
            number = _waiting(view, conversation, "shown")
            actions = view.execute(sa.select(proposals.c.actions).where(proposals.c.id == number)).scalar()
        if actions is None:
            raise RefusedError("not_confirmed")
        return self.propose(conversation, [parse(name, arguments) for name, arguments in actions], language)

    def confirm(self, conversation: str, message: str, number: int | None = None) -> list[Result]:
        """Do what was put before the customer, if the customer's message is a plain yes.

        Each action is checked again against the things as they are now. Confirming again does nothing, and says
        what was done: after a crash too, for each change bears a key of its own.

        Parameters
        ----------
        message : what the customer wrote, as it came.
        number : of the proposal; default: the one that waits.

        Raises
        ------
        RefusedError
            `not_confirmed` if the message is no plain yes, or nothing waits for one, for a day at most; `superseded`
            if the customer was shown something newer.
        """
        with self.state.write(alone="support confirm") as change:
            if number is None:
                number = _waiting(change, conversation, *WAITING)
            mine = (proposals.c.id == number) & (proposals.c.conversation_id == conversation)
            row = change.execute(sa.select(proposals).where(mine)).one_or_none()
            if row is None or row.status == "declined":
                raise RefusedError("not_confirmed")
            if row.status == "superseded":
                raise RefusedError("superseded")
            actions = [parse(name, arguments) for name, arguments in row.actions]
            if row.status == "done":
                return [_read(action, said) for action, said in zip(actions, row.results, strict=True)]
            # Of one that was confirmed and never done, too: whatever else is said is no yes to it.
            is_late = row.shown_at <= clock.now() - LAPSES
            if is_late or not is_yes(message, {action.name for action in actions}):
                raise RefusedError("not_confirmed")
            if row.status == "shown":
                values = {"status": "confirmed", "confirmed_at": clock.now(), "said": message.strip()}
                change.execute(sa.update(proposals).where(proposals.c.id == row.id).values(values))
        results = [
            self._do(conversation, f"{conversation}-{row.id}-{place}", action, is_again=row.status == "confirmed")
            for place, action in enumerate(actions)
        ]
        with self.state.write() as change:
            values = {"status": "done", "results": [_written(result) for result in results]}
            mine = (proposals.c.id == row.id) & (proposals.c.status == "confirmed")
            if change.execute(sa.update(proposals).where(mine).values(values)).rowcount == 0:
                # Of two yes at once the first has written what was done; each change was made once.
                said = change.execute(sa.select(proposals.c.results).where(proposals.c.id == row.id)).scalar_one()
                return [_read(action, one) for action, one in zip(actions, said, strict=True)] if said else results
            for result in results:
                about = _arguments(result.action)
                said = result.refused or "done"
                self._note(change, conversation, row.customer_id, result.action.name, about, said, number=row.id)
                if result.is_done and isinstance(result.action, Unsubscribe):
                    # Both, for a shop may ask for a consent, or only heed an objection.
                    for kind in ("consent_withdrawn", "objection_made"):
                        write_event(change, conversation, row.customer_id, kind, text="marketing")
        return results

    def decline(self, conversation: str) -> None:
        """What waits for a yes is no longer asked for: the customer does not want it, or a person goes on."""
        with self.state.write() as change:
            waiting = (proposals.c.conversation_id == conversation) & proposals.c.status.in_(WAITING)
            change.execute(sa.update(proposals).where(waiting).values(status="declined"))

    def undo(self, conversation: str, language: str = "en") -> Proposal:
        """Put before the customer what takes the newest changes of this conversation back, the last first.

        Raises
        ------
        RefusedError
            `not_undone`, if nothing was done, or nothing takes it back; or why the policy forbids that by now.
        """
        with self.state.read() as view:
            number = _newest(view, conversation, "done")
            results = view.execute(sa.select(proposals.c.results).where(proposals.c.id == number)).scalar() or []
        back = [parse(*said["inverse"]) for said in reversed(results) if said["inverse"]]
        if not back:
            raise RefusedError("not_undone", action="this")
        return self.propose(conversation, back, language)

    def _do(self, conversation: str, key: str, action: Action, *, is_again: bool) -> Result:
        if is_again and self.backend.is_applied(key):
            return Result(action, None)
        customer = self.customer(conversation)
        changes, refused = self._foresee(customer, [action], key)
        try:
            if refused:
                raise refused[0][1]
            if isinstance(action, Coupon):
                self._claim(customer.customer_id, key)
            self.backend.commit(changes[0], key)
        except RefusedError as error:
            if is_again and self.backend.is_applied(key):
                return Result(action, None)  # by another yes, since it was asked above
            return Result(action, error.reason, str(error))
        return Result(action, None, inverse=inverse(changes[0]))

    def _claim(self, customer_id: str, key: str) -> None:
        """Note that a customer is given a coupon, before it is given: of two at once one is refused."""
        with self.state.write(alone="support coupons") as change:
            _must_have_no_coupon(change, customer_id, key)
            if change.execute(sa.select(coupons.c.key).where(coupons.c.key == key)).scalar() is None:
                change.execute(sa.insert(coupons).values(key=key, customer_id=customer_id, at=clock.now()))

    def _row(self, connection: sa.Connection, conversation: str) -> Any:
        row = connection.execute(
            sa.select(conversations).where(conversations.c.conversation_id == conversation)
        ).one_or_none()
        if row is None:
            raise NotFoundError(f'There is no conversation "{conversation}". Begin one: Desk.open')
        return row

    def _supersede(self, change: sa.Connection, conversation: str) -> None:
        waiting = (proposals.c.conversation_id == conversation) & proposals.c.status.in_(WAITING)
        change.execute(sa.update(proposals).where(waiting).values(status="superseded"))

    def _note(
        self, change: sa.Connection, conversation: str, customer_id: str | None, action: str, arguments: Any,
        said: str, **about: Any,
    ) -> None:  # fmt: skip
        row = {
            "at": clock.now(), "conversation_id": conversation, "customer_id": customer_id, "who": "customer",
            "action": action, "arguments": arguments, "outcome": said, "about": about,
        }  # fmt: skip
        change.execute(sa.insert(journal).values(row))


def _must_have_no_coupon(view: sa.Connection, customer_id: str, key: str) -> None:
    since = clock.now() - timedelta(days=COUPON_DAYS)
    others = (coupons.c.customer_id == customer_id) & (coupons.c.key != key) & (coupons.c.at > since)
    if view.execute(sa.select(coupons.c.key).where(others).limit(1)).scalar() is not None:
        raise RefusedError("had_coupon")


def _digest(told: str) -> str:
    return sha256(folded(told).encode()).hexdigest()


def _arguments(action: Action) -> dict[str, Any]:
    return action.model_dump(mode="json")


def _written(result: Result) -> dict[str, Any]:
    back = result.inverse
    return {
        "refused": result.refused,
        "why": result.why,
        "inverse": None if back is None else [back.name, _arguments(back)],
    }


def _read(action: Action, said: dict[str, Any]) -> Result:
    back = said["inverse"]
    return Result(action, said["refused"], said["why"], None if back is None else parse(*back))


def _newest(connection: sa.Connection, conversation: str, *statuses: str) -> int | None:
    asked = sa.select(sa.func.max(proposals.c.id)).where(proposals.c.conversation_id == conversation)
    return connection.execute(asked.where(proposals.c.status.in_(statuses))).scalar()


def _waiting(connection: sa.Connection, conversation: str, *statuses: str) -> int | None:
    """The newest proposal, if it has one of some states and is not too old to say yes to."""
    newest = sa.select(proposals.c.id, proposals.c.shown_at).where(
        proposals.c.conversation_id == conversation, proposals.c.status.in_(statuses)
    )
    found = connection.execute(newest.order_by(proposals.c.id.desc()).limit(1)).one_or_none()
    return None if found is None or found.shown_at <= clock.now() - LAPSES else int(found.id)
