"""The desk as tools for a language model: it may read what is the customer's and propose. It cannot confirm.

Whatever a model is made to say, these are its hands: bound to one conversation, and so to one customer. A yes is read
by code from the customer's own message (`Desk.confirm`), which no tool can write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regulars.errors import InputError, RegularsError
from regulars.support.order.actions import ACTIONS, Action, parse, schemas
from regulars.support.order.desk import Desk
from regulars.support.order.policy import RefusedError

_READ: dict[str, tuple[str, dict[str, Any]]] = {
    "orders": ("The customer's orders.", {}),
    "order": ("One order of the customer.", {"order_id": {"type": "string"}}),
    "product": ("A product with all its items, options and prices.", {"product_id": {"type": "string"}}),
    "profile": ("The customer's name, addresses and payment methods.", {}),
}


class Tools:
    """What a language model may call in one conversation.

    Parameters
    ----------
    desk : of the shop.
    conversation : the one; its customer is the only one that is ever seen or served.
    language : in which a proposal is restated.
    """

    def __init__(self, desk: Desk, conversation: str, language: str = "en") -> None:
        self._desk, self._conversation, self._language = desk, conversation, language

    @staticmethod
    def schemas() -> list[dict[str, Any]]:
        """Name, description and parameters (JSON Schema) of each tool.

        >>> [tool["name"] for tool in Tools.schemas()][:5]
        ['orders', 'order', 'product', 'profile', 'cancel']
        """
        reading = [
            {
                "name": name,
                "description": about,
                "parameters": {"type": "object", "properties": properties, "required": list(properties)},
            }
            for name, (about, properties) in _READ.items()
        ]
        return reading + schemas()

    def checked(self, asked: Sequence[tuple[str, Any]]) -> list[Action]:
        """All that a model asks for, where the policy allows it, one after the other; nothing is proposed by this.

        Raises
        ------
        InputError
            If there is no such action, or the arguments are not its own.
        RefusedError
            If the policy forbids one of them.
        """
        actions = [parse(name, arguments) for name, arguments in asked]
        self._desk.check(self._conversation, actions)
        return actions

    def call(self, name: str, arguments: Any) -> dict[str, Any]:
        """Call a tool as a model asked for it; what went wrong is an answer too, for the model to read.

        Returns
        -------
        {"found": ...} of what was read; {"proposal": number, "summary": words} of what waits for the customer's yes;
        {"refused": reason, "why": words} of what cannot be done, whose reason is "invalid" where a call is none.
        """
        try:
            if name not in ACTIONS:
                return {"found": self._read(name, arguments)}
            proposal = self._desk.propose(self._conversation, [parse(name, arguments)], self._language)
        except RegularsError as error:
            return refused(error)
        return {"proposal": proposal.number, "summary": proposal.summary}

    def _read(self, name: str, arguments: Any) -> Any:
        if name not in _READ:
            raise InputError(f'There is no tool "{name}". There are: {", ".join([*_READ, *ACTIONS])}.')
        needed = _READ[name][1]
        if not isinstance(arguments, dict) or set(arguments) != set(needed):
            raise InputError(f"{name} takes: {', '.join(needed) or 'nothing'}.")
        if not all(isinstance(value, str) for value in arguments.values()):
            raise InputError(f"{name} takes texts.")
        if name == "orders":
            return [order.model_dump(mode="json") for order in self._desk.orders(self._conversation)]
        if name == "order":
            return self._desk.order(self._conversation, arguments["order_id"]).model_dump(mode="json")
        if name == "profile":
            return self._desk.customer(self._conversation).model_dump(mode="json")
        product = self._desk.product(arguments["product_id"])
        return None if product is None else product.model_dump(mode="json")


def refused(error: RegularsError) -> dict[str, Any]:
    """Why something cannot be done, for a model to read."""
    return {"refused": error.reason if isinstance(error, RefusedError) else "invalid", "why": str(error)}
