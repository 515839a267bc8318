"""What a shop knows of a customer, an order and a product, as far as support acts on it: values, read from JSON."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

CENT = Decimal("0.01")


def _exact(value: Any) -> Any:
    # A float is read as it is written: 47.84 is 47.84, not 47.8400000000000034.
    return Decimal(repr(value)) if isinstance(value, float) else value


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError("an amount is a number")
    return value


Money = Annotated[Decimal, BeforeValidator(_exact), AfterValidator(_finite), PlainSerializer(str, when_used="json")]
"""An amount in the shop's currency, exact."""


class Value(BaseModel):
    """What never changes: a change makes another one. Fields that are not known here are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Address(Value):
    """Where an order goes. What a place does not have is empty."""

    address1: str
    address2: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = ""

    def shown(self) -> str:
        """In one line.

        >>> Address(address1="1 Elm Street", city="Austin", state="TX", zip="78762").shown()
        '1 Elm Street, Austin, TX, 78762'
        """
        parts = (self.address1, self.address2, self.city, self.state, self.zip, self.country)
        return ", ".join(part for part in parts if part)


class PaymentMethod(Value):
    """One way to pay that a customer has in the shop."""

    id: str
    source: str
    """gift_card, paypal, credit_card, or another word of the shop."""
    balance: Money | None = None
    """Of a gift card."""
    brand: str = ""
    last_four: str = ""

    @property
    def is_gift_card(self) -> bool:
        """Whether it can run out."""
        return self.source == "gift_card"


class Name(Value):
    """Of a customer."""

    first_name: str
    last_name: str = ""


class Customer(Value):
    """Who asks, with the ways to pay that are on file."""

    customer_id: str = Field(validation_alias=AliasChoices("customer_id", "user_id"))
    name: Name
    email: str = ""
    address: Address
    payment_methods: dict[str, PaymentMethod] = {}
    """By id."""


class Variant(Value):
    """One item of a product that can be bought: its options and price."""

    item_id: str
    options: dict[str, str] = {}
    is_available: bool = Field(default=True, validation_alias=AliasChoices("is_available", "available"))
    price: Money


class Product(Value):
    """A product and its items."""

    product_id: str
    name: str
    variants: dict[str, Variant] = {}
    """By item_id."""


class Line(Value):
    """One item of an order, at the price that was paid."""

    item_id: str
    product_id: str
    name: str
    price: Money
    options: dict[str, str] = {}

    def shown(self) -> str:
        """Name and options, in one line."""
        return described(self.name, self.options)


class Payment(Value):
    """Money that went one way or the other for an order."""

    kind: Literal["payment", "refund"] = Field(validation_alias=AliasChoices("kind", "transaction_type"))
    amount: Money
    payment_method_id: str


class Order(Value):
    """An order, and what was asked for it since."""

    order_id: str
    customer_id: str = Field(validation_alias=AliasChoices("customer_id", "user_id"))
    status: str
    address: Address
    lines: tuple[Line, ...] = Field(validation_alias=AliasChoices("lines", "items"))
    payments: tuple[Payment, ...] = Field(default=(), validation_alias=AliasChoices("payments", "payment_history"))
    ordered_on: date | None = None
    """The day in the shop's place, where it is known: "the one of May 3rd" is told by it."""
    tracking: tuple[str, ...] = ()
    cancel_reason: str = ""
    return_item_ids: tuple[str, ...] = ()
    exchange_item_ids: tuple[str, ...] = ()
    exchange_new_item_ids: tuple[str, ...] = ()
    settled_with: str = ""
    """The payment method of a return or an exchange."""
    price_difference: Money = Decimal(0)
    """Of an exchange; below 0 the customer gets it back."""

    @property
    def total(self) -> Decimal:
        """What its items cost."""
        return sum((line.price for line in self.lines), Decimal(0))

    def paid(self) -> dict[str, Decimal]:
        """What is paid and not given back, by payment method, the first first; those with nothing left are out."""
        net: dict[str, Decimal] = {}
        for payment in self.payments:
            sign = 1 if payment.kind == "payment" else -1
            net[payment.payment_method_id] = net.get(payment.payment_method_id, Decimal(0)) + sign * payment.amount
        return {method: amount for method, amount in net.items() if amount > 0}


def described(name: str, options: dict[str, str]) -> str:
    """A product and its options, in one line.

    >>> described("Desk Lamp", {"color": "black", "brightness": "low"})
    'Desk Lamp (color black, brightness low)'
    """
    return f"{name} ({', '.join(f'{option} {value}' for option, value in options.items())})" if options else name
