"""What is known of each thing that a customer asked for, before it is whole."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from regulars.support.order.actions import Action, OfOrder
from regulars.support.order.things import Address


class Asked(BaseModel):
    """An item that is spoken of: what it may be called, and the words about it before and after "to"."""

    names: tuple[str, ...]
    old: str = ""
    """Words about the item that was bought."""
    new: str | None = None
    """Words about the one that is wanted; None if nothing tells the two apart."""
    is_several: bool = False
    """Whether all of that name are meant: "both lamps"."""
    item_id: str = ""
    """The one that is meant, once the customer was asked."""
    new_item_id: str = ""


class Draft(BaseModel):
    """One thing that a customer asks for; empty where it is not known yet."""

    intent: str
    text: str = ""
    """The words that it was read from."""
    order_id: str = ""
    items: list[Asked] = []
    is_everything: bool = False
    """All items of the order."""
    is_of_all: bool = False
    """All orders that it can be done with."""
    payment_ids: tuple[str, ...] | None = None
    """What the words may mean of the customer's payment methods; None if they name none."""
    is_original: bool = False
    """The payment method of the order."""
    reason: str = ""
    address: Address | None = None
    address_of: str = ""
    """The order whose address is meant, or "default" for the profile's."""
    amount: str = ""
    arguments: dict[str, Any] | None = None
    """Of the action, all of them, where a language model has given them: nothing is read from words then."""

    @property
    def is_told(self) -> bool:
        """Whether it is known of which order, item or address it is."""
        return bool(
            self.order_id or self.items or self.address or self.address_of or self.is_everything or self.is_of_all
        )

    @property
    def has_payment(self) -> bool:
        """Whether a payment method is named."""
        return self.is_original or self.payment_ids is not None


def given(action: Action) -> Draft:
    """What a language model asks for, as a draft that is whole."""
    order_id = action.order_id if isinstance(action, OfOrder) else ""
    return Draft(intent=action.name, order_id=order_id, arguments=action.model_dump(mode="json"))


def stored(drafts: list[Draft]) -> list[Any]:
    """As JSON."""
    return [draft.model_dump(mode="json") for draft in drafts]


def loaded(stored_drafts: list[Any]) -> list[Draft]:
    """From JSON."""
    return [Draft.model_validate(one) for one in stored_drafts]
