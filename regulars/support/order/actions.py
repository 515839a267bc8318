"""What can be asked to be done: each action is a type, and what a program or a model proposes is read strictly."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from regulars.errors import InputError
from regulars.support.order.things import Address, Money

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Short = Annotated[str, StringConstraints(max_length=200, pattern=PRINTABLE)]
Text = Annotated[Short, StringConstraints(min_length=1)]
Items = Annotated[tuple[Text, ...], Field(min_length=1, max_length=200)]


class Action(BaseModel):
    """One thing to do for the customer of a conversation. It says never for whom: the conversation does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    about: ClassVar[str]


class OfOrder(Action):
    """One thing to do with an order."""

    order_id: Text


class _Place(Action):
    address1: Text
    address2: Short = ""
    city: Short = ""
    state: Short = ""
    country: Short = ""
    zip: Short = ""

    @property
    def address(self) -> Address:
        """The new one."""
        return Address(**self.model_dump(include=set(Address.model_fields)))


class Cancel(OfOrder):
    """Cancel an order."""

    name = "cancel"
    about = "Cancel a pending order; what was paid goes back to where it came from."
    reason: Text


class ChangeAddress(OfOrder, _Place):
    """Send an order elsewhere."""

    name = "change_address"
    about = "Change where a pending order is sent."


class ChangePayment(OfOrder):
    """Pay an order otherwise."""

    name = "change_payment"
    about = "Change how a pending order is paid."
    payment_method_id: Text


class ChangeItems(OfOrder):
    """Other items of the same products."""

    name = "change_items"
    about = "Change items of a pending order to others of the same products, all at once: it can be done once."
    item_ids: Items
    new_item_ids: Items
    payment_method_id: Text


class Return(OfOrder):
    """Send items back for money."""

    name = "return"
    about = "Return items of a delivered order; the refund goes to the original payment method or to a gift card."
    item_ids: Items
    payment_method_id: Text


class Exchange(OfOrder):
    """Send items back for others."""

    name = "exchange"
    about = "Exchange items of a delivered order for others of the same products, all at once: it can be done once."
    item_ids: Items
    new_item_ids: Items
    payment_method_id: Text


class Refund(OfOrder):
    """Money back, the goods stay."""

    name = "refund"
    about = "Give money back for a delivered order without a return, within the shop's limit."
    amount: Money
    payment_method_id: Text


class Coupon(Action):
    """A coupon as an apology."""

    name = "coupon"
    about = "Put an amount on a coupon for the customer, within the shop's limit."
    amount: Money


class ChangeDefaultAddress(_Place):
    """Where later orders go."""

    name = "change_default_address"
    about = "Change the address in the customer's profile."


class Unsubscribe(Action):
    """No more advertising."""

    name = "unsubscribe"
    about = "Stop advertising to the customer."


class ExportData(Action):
    """A copy of one's data."""

    name = "export_data"
    about = "Ask for a copy of all that the shop keeps about the customer."


class EraseData(Action):
    """The end of one's data."""

    name = "erase_data"
    about = "Ask that all that the shop keeps about the customer be erased."


ACTIONS: dict[str, type[Action]] = {
    kind.name: kind
    for kind in (
        Cancel, ChangeAddress, ChangePayment, ChangeItems, Return, Exchange, Refund, Coupon, ChangeDefaultAddress,
        Unsubscribe, ExportData, EraseData,
    )
}  # fmt: skip
"""By name: all that can be done."""


NOTED = (Coupon, ExportData, EraseData)
"""What is only noted here: a person does it."""


def parse(name: str, arguments: Any) -> Action:
    """An action as it was proposed, read strictly.

    Parameters
    ----------
    name : one of `ACTIONS`.
    arguments : {field: value}; nothing that the action does not have.

    Raises
    ------
    InputError
        If there is no such action, or the arguments are not its own; the message says which.

    Examples
    --------
    >>> parse("cancel", {"order_id": "#W1", "reason": "no longer needed"})
    Cancel(order_id='#W1', reason='no longer needed')
    >>> parse("cancel", {"order_id": "#W1", "reason": "no longer needed", "customer_id": "bob"})
    Traceback (most recent call last):
    regulars.errors.InputError: cancel: customer_id: Extra inputs are not permitted. It takes: order_id, reason.
    """
    kind = ACTIONS.get(name)
    if kind is None:
        raise InputError(f'There is no action "{name}". There are: {", ".join(ACTIONS)}.')
    try:
        return kind.model_validate(arguments)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "arguments"
        raise InputError(f"{name}: {place}: {first['msg']}. It takes: {', '.join(kind.model_fields)}.") from None


def schemas() -> list[dict[str, Any]]:
    """The actions as tools for a language model: name, description and parameters (JSON Schema) of each."""
    return [
        {"name": kind.name, "description": kind.about, "parameters": kind.model_json_schema()}
        for kind in ACTIONS.values()
    ]
