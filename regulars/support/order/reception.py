"""The reception: who is served? A conversation belongs to one customer, from the moment that one is identified."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from regulars import clock
from regulars.errors import NotFoundError, UnavailableError
from regulars.state import State
from regulars.support.order.backend import Backend, folded
from regulars.support.order.policy import Policy, RefusedError
from regulars.support.order.things import Customer
from regulars.support.record import note
from regulars.support.tables import conversation_of, conversations, prepare, tries

TRIES = 20
"""So often in a day somebody may claim in vain to be one and the same customer, over all conversations."""
TRIES_ARE_KEPT = timedelta(days=1)


class Reception:
    """Opens conversations and finds out who their customers are; see `Desk`, which is one."""

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
            return self.policy.identify_in_words and not conversation_of(view, conversation).is_public

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
            row = conversation_of(change, conversation)
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
                note(change, conversation, None, "identify", {}, reason or "not_identified")
            else:
                # Only while it is nobody's: of two at once, one wins.
                mine = which & (conversations.c.customer_id.is_(None))
                change.execute(sa.update(conversations).where(mine).values(customer_id=found.customer_id))
                change.execute(sa.update(conversations).where(which).values(tries=conversations.c.tries - 1))
                change.execute(sa.delete(tries).where(tries.c.about.in_(claims)))
                note(change, conversation, found.customer_id, "identify", {}, "done")
        if reason is not None or found is None:
            raise RefusedError(reason or "not_identified")
        return found

    def customer(self, conversation: str) -> Customer:
        """Who is served; RefusedError (`not_identified`) while that is not known."""
        with self.state.read() as view:
            row = conversation_of(view, conversation)
        found = None if row.customer_id is None else self.backend.customer(row.customer_id)
        if found is None:
            raise RefusedError("not_identified")
        return found


def _digest(told: str) -> str:
    return sha256(folded(told).encode()).hexdigest()
