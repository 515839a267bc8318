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
from typing import Any

import sqlalchemy as sa

from regulars import clock
from regulars.support.order.actions import (
    Action,
    Coupon,
    OfOrder,
    Unsubscribe,
    parse,
)
from regulars.support.order.policy import Change, RefusedError, inverse, outcome
from regulars.support.order.reception import Reception
from regulars.support.order.things import Customer, Order, Product
from regulars.support.order.wording import restated
from regulars.support.order.yes import is_yes
from regulars.support.record import note, write_event
from regulars.support.tables import coupons, proposals

COUPON_DAYS = 365
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


class Desk(Reception):
    """The verbs of support, bound to a shop's things and policy; those of who is served are the reception's.

    Parameters
    ----------
    state : of the shop: proposals and the journal.
    backend : where customers, orders and products lie.
    policy : what support may do.
    zone : of the shop: by it a customer's "yesterday" is a day.
    """

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

    def check(self, conversation: str, actions: Sequence[Action]) -> None:
        """Whether the policy allows actions, one after the other; nothing is put before the customer.

        Raises
        ------
        RefusedError
            Of the first that it forbids; all of these are noted.
        """
        customer = self.customer(conversation)
        _, refused = self._foresee(customer, actions)
        if refused:
            with self.state.write() as change:
                _note_refused(change, conversation, customer, refused)
            raise refused[0][1]

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
            _note_refused(change, conversation, customer, refused)
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
                note(change, conversation, row.customer_id, result.action.name, about, said, number=row.id)
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

    def _supersede(self, change: sa.Connection, conversation: str) -> None:
        waiting = (proposals.c.conversation_id == conversation) & proposals.c.status.in_(WAITING)
        change.execute(sa.update(proposals).where(waiting).values(status="superseded"))


def _note_refused(
    change: sa.Connection, conversation: str, customer: Customer, refused: Sequence[tuple[Action, RefusedError]]
) -> None:
    for action, error in refused:
        note(change, conversation, customer.customer_id, action.name, _arguments(action), error.reason)


def _must_have_no_coupon(view: sa.Connection, customer_id: str, key: str) -> None:
    since = clock.now() - timedelta(days=COUPON_DAYS)
    others = (coupons.c.customer_id == customer_id) & (coupons.c.key != key) & (coupons.c.at > since)
    if view.execute(sa.select(coupons.c.key).where(others).limit(1)).scalar() is not None:
        raise RefusedError("had_coupon")


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
