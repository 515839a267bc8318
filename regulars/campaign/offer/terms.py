"""What an offer gives, and what it takes off a basket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple, get_args

from regulars.errors import InputError
from regulars.rules.vocabulary import instead

Kind = Literal["percentage", "amount", "free_shipping", "gift", "bundle"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CENT = Decimal("0.01")
LONGEST_DAYS = 3650


class Line(NamedTuple):
    """A line of a basket: price is of one piece, in the shop's currency."""

    product_id: str
    quantity: int
    price: Decimal


class Discount(NamedTuple):
    """What a coupon takes off: `amount` of the products, `shipping` of the delivery, and products given on top."""

    amount: Decimal
    shipping: Decimal = Decimal(0)
    gifts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Terms:
    """The terms of an offer.

    Attributes
    ----------
    kind : percentage off the basket; amount off it; free shipping; gift: products on top; bundle: a percentage off
        products that are bought together.
    value : percentage in (0, 100], or an amount in the shop's currency; 0 for the other kinds.
    minimum : the products of the basket come to at least so much.
    products : of a gift what is given, of a bundle what belongs together; else none.
    days : a code is valid so long after it was issued.
    most : so many codes at most; 0 for any number.
    """

    kind: Kind
    value: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)
    products: tuple[str, ...] = ()
    days: int = 14
    most: int = 0

    def check(self) -> Terms:
        """The same; InputError, saying what is wrong, if no offer can have these terms."""
        if self.kind not in KINDS:
            raise InputError(f'There is no kind of offer "{self.kind}".{instead(str(self.kind), KINDS)}.')
        if self.kind in ("percentage", "bundle") and not 0 < self.value <= 100:
            raise InputError(f"{self.kind} {self.value}: more than 0 and at most 100 is expected. For 10 %, write 10.")
        if self.kind == "amount" and not self.value > 0:
            raise InputError(f"An amount of {self.value}: more than 0 is expected.")
        if self.kind in ("free_shipping", "gift") and self.value:
            raise InputError(f"{self.kind} has no value: leave {self.value} out.")
        needed = {"gift": 1, "bundle": 2}.get(self.kind, 0)
        if len(set(self.products)) < needed or (self.products and not needed):
            raise InputError(f"{self.kind} takes {f'{needed} products or more' if needed else 'no products'}.")
        if self.minimum < 0 or self.most < 0 or not 1 <= self.days <= LONGEST_DAYS:
            raise InputError(f"A minimum and a number of codes from 0 on, and 1 to {LONGEST_DAYS} days are expected.")
        return self

    def worth(self, currency: str) -> str:
        """In the fewest words, for messages: "10 %", "5.00 GBP"; "" where the kind says it.

        >>> Terms("percentage", Decimal(10)).worth("GBP"), Terms("amount", Decimal(5)).worth("GBP")
        ('10 %', '5.00 GBP')
        """
        match self.kind:
            case "percentage" | "bundle":
                return f"{self.value.normalize():f} %"
            case "amount":
                return f"{self.value.quantize(CENT)} {currency}"
        return ""

    def discount(self, basket: Sequence[Line], shipping: Decimal = Decimal(0)) -> Discount:
        """What it takes off a basket: never more than the basket is worth.

        Raises
        ------
        InputError
            If the basket is below the minimum, or lacks a product of the bundle.

        Examples
        --------
        >>> basket = [Line("tea", 2, Decimal("4.55")), Line("pot", 1, Decimal("30.00"))]
        >>> Terms("percentage", Decimal(10)).discount(basket).amount
        Decimal('3.91')
        >>> Terms("amount", Decimal(50)).discount(basket).amount
        Decimal('39.10')
        >>> Terms("bundle", Decimal(50), products=("tea", "pot")).discount(basket).amount
        Decimal('17.28')
        """
        if any(line.quantity < 1 or line.price < 0 for line in basket) or shipping < 0:
            raise InputError("A basket has lines of one piece or more, and no price below 0.")
        total = sum((line.quantity * line.price for line in basket), Decimal(0))
        if total < self.minimum or not basket:
            raise InputError(f"The basket comes to {total:.2f}; {max(self.minimum, CENT):.2f} at least is needed.")
        match self.kind:
            case "percentage":
                return Discount(_rounded(total * self.value / 100))
            case "amount":
                return Discount(_rounded(min(self.value, total)))
            case "free_shipping":
                return Discount(Decimal(0), _rounded(shipping))
            case "gift":
                return Discount(Decimal(0), gifts=self.products)
        prices: dict[str, Decimal] = {}
        for line in basket:
            prices[line.product_id] = min(line.price, prices.get(line.product_id, line.price))
        missing = [product for product in self.products if product not in prices]
        if missing:
            raise InputError(f"The bundle is not whole: {', '.join(missing)} is not in the basket.")
        # One piece of each: two sets are two coupons.
        return Discount(_rounded(sum((prices[each] for each in self.products), Decimal(0)) * self.value / 100))

    def to_dict(self) -> dict[str, Any]:
        """As values of JSON; money as text, so that no digit is lost."""
        return {
            "kind": self.kind, "value": str(self.value), "minimum": str(self.minimum), "products": list(self.products),
            "days": self.days, "most": self.most,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Terms:
        """Back from there."""
        value, minimum = Decimal(said["value"]), Decimal(said["minimum"])
        return cls(said["kind"], value, minimum, tuple(said["products"]), said["days"], said["most"])


def to_money(text: str) -> Decimal:
    """A number as it was typed; InputError if it is none.

    >>> to_money("4.50")
    Decimal('4.50')
    """
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise InputError(f'"{text}" is no number. Write it as 10 or 4.50.') from None
    if not found.is_finite():
        raise InputError(f'"{text}" is no number. Write it as 10 or 4.50.')
    return found


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
