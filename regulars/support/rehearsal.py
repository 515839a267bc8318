"""Conversations that were written down, held again: does support still answer as it should, each time?

Nothing of the shop is changed by it: what is done is kept beside its orders, and forgotten after each conversation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import comb
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regulars.errors import InputError
from regulars.support.dialogue import Chat, Reply
from regulars.support.order import Backend
from regulars.support.order.policy import Change
from regulars.support.order.things import Customer, Order, Product


class Case(BaseModel):
    """A conversation, and how it should end. What is empty is not looked at.

    Examples
    --------
    >>> Case.model_validate({"name": "returns", "say": ["how long may I return it?"], "cites": "returns.md"}).cites
    'returns.md'
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    say: tuple[str, ...] = Field(min_length=1)
    customer: str | None = Field(None, alias="as")
    """Who is signed in."""
    action: str = ""
    """Of the last reply: answer, ask, confirm, done, hand_over, end."""
    done: tuple[str, ...] = ()
    """The actions that are done in all, in their order."""
    cites: str = ""
    """The beginning of a citation of the last reply."""
    contains: str = ""
    """A part of its text."""
    reason: str = ""
    """Of a hand-over."""

    def faults(self, replies: Sequence[Reply]) -> list[str]:
        """What of a conversation is not as it should be."""
        last = replies[-1]
        done = tuple(one.action.name for reply in replies for one in reply.results if one.is_done)
        reason = "" if last.hand_over is None else last.hand_over.reason
        looked_at = (
            (self.action, last.action, last.action == self.action),
            (self.cites, ", ".join(last.citations), any(one.startswith(self.cites) for one in last.citations)),
            (self.contains, last.text, self.contains in last.text),
            (self.reason, reason, reason == self.reason),
            (", ".join(self.done), ", ".join(done), self.done == done),
        )
        return [f'"{wanted}" expected, not "{found}"' for wanted, found, is_so in looked_at if wanted and not is_so]


@dataclass(frozen=True)
class Rehearsed:
    """How a conversation went, held several times: `faults` of each time, empty where all was as it should be."""

    name: str
    faults: tuple[tuple[str, ...], ...]

    @property
    def passed(self) -> int:
        """How often all was as it should be."""
        return sum(not each for each in self.faults)


def read_cases(path: Path) -> list[Case]:
    """The cases of a file: JSON lines.

    Raises
    ------
    InputError
        If it cannot be read; the message names the line.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}.") from None
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(Case.model_validate(json.loads(line)))
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{path}, line {number}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
        except ValueError as error:
            raise InputError(f"{path}, line {number}: no JSON: {error}.") from None
    if not found:
        raise InputError(
            f'{path}: no case. Write one a line: {{"name": "returns", "say": ["..."], "action": "answer"}}'
        )
    return found


def rehearse(chat: Chat, beside: Beside, cases: Sequence[Case], times: int = 1) -> list[Rehearsed]:
    """Hold each conversation so many times.

    Parameters
    ----------
    chat : whose desk stands on `beside`, and whose state is one that may be thrown away.
    """
    found = []
    for case in cases:
        faults = []
        for _ in range(times):
            beside.forget()
            conversation = chat.open(case.customer)
            faults.append(tuple(case.faults([chat.say(conversation, message) for message in case.say])))
        found.append(Rehearsed(case.name, tuple(faults)))
    return found


def pass_k(found: Sequence[Rehearsed], k: int) -> float:
    """The chance that all of k times go well, over conversations that were held at least k times.

    Source
    ------
    Yao et al. (2024), tau-bench: A Benchmark for Tool-Agent-User Interaction in Real-World Domains, section 3.

    Examples
    --------
    >>> round(pass_k([Rehearsed("a", ((), ())), Rehearsed("b", ((), ("late",)))], 2), 2)
    0.5
    """
    return sum(comb(one.passed, k) / comb(len(one.faults), k) for one in found) / len(found)


@dataclass
class Beside:
    """A backend in front of another, which keeps to itself what is changed."""

    behind: Backend
    customers: dict[str, Customer] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    def forget(self) -> None:
        """As if nothing had been changed."""
        self.customers.clear()
        self.orders.clear()
        self.keys.clear()

    def customer(self, customer_id: str) -> Customer | None:
        """See `Backend.customer`."""
        return self.customers.get(customer_id) or self.behind.customer(customer_id)

    def customer_by_email(self, email: str) -> Customer | None:
        """See `Backend.customer_by_email`."""
        return self._now(self.behind.customer_by_email(email))

    def customer_by_name(self, name: str, zip_code: str) -> Customer | None:
        """See `Backend.customer_by_name`."""
        return self._now(self.behind.customer_by_name(name, zip_code))

    def order(self, order_id: str) -> Order | None:
        """See `Backend.order`."""
        return self.orders.get(order_id) or self.behind.order(order_id)

    def orders_of(self, customer_id: str) -> list[Order]:
        """See `Backend.orders_of`."""
        return [self.orders.get(order.order_id, order) for order in self.behind.orders_of(customer_id)]

    def product(self, product_id: str) -> Product | None:
        """See `Backend.product`."""
        return self.behind.product(product_id)

    def commit(self, change: Change, key: str) -> None:
        """See `Backend.commit`."""
        if key not in self.keys:
            self.keys.add(key)
            self.customers[change.customer.customer_id] = change.customer
            if change.after is not None:
                self.orders[change.after.order_id] = change.after

    def is_applied(self, key: str) -> bool:
        """See `Backend.is_applied`."""
        return key in self.keys

    def _now(self, found: Customer | None) -> Customer | None:
        return None if found is None else self.customers.get(found.customer_id, found)
