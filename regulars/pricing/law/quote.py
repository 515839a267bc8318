"""A price as it is told to a customer: refused where it does not say what the law asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from regulars.pricing.guard.errors import GuardError
from regulars.pricing.law.table import Mode, Terms, strictest


@dataclass(frozen=True)
class Quote:
    """What a customer is asked for a product, why, and what must stand beside it.

    Attributes
    ----------
    customer_id : None for whoever is not known: they pay the list price.
    price, list_price : of one, in `currency`; the price is never above the list price.
    was : what may stand beside it as the earlier price of everyone: the lowest of the thirty days before the present
        list price began, if that was higher and less than thirty days ago.
    mode : by which it was made: the strictest of the shop's and the law's.
    personalised : whether what is known of the customer had a part in it, also where the list price came out.
    disclosure : the sentences that stand with it, one a line; "" for none.
    terms : what the law of the place asks.
    why : reasons in words, for the customer and for an audit.
    policy : the rule that made it; version : of the model, 0 for none.
    propensity : the chance with which it was chosen, (0, 1].
    held_since : where it stands only because it was shown before: since when.

    Raises
    ------
    GuardError
        If a sentence that the law asks for is missing from a personal price, the mode forbids one, or the price is
        above the list price.

    Examples
    --------
    >>> from datetime import UTC
    >>> from regulars.pricing.law import Law
    >>> at = datetime(2026, 11, 24, tzinfo=UTC)
    >>> terms = Law.known().terms("US", "NY", at)
    >>> about = dict(product_id="tea", customer_id="ada", price=Decimal(9), list_price=Decimal(10), currency="USD",
    ...              mode="personal", personalised=True, terms=terms, why=("comes less often",), policy="margin",
    ...              version=1, propensity=1.0, at=at)
    >>> Quote(**about, disclosure="We made you an offer.")
    Traceback (most recent call last):
    ...
    regulars.pricing.guard.errors.GuardError: tea for ada: a personal price needs these words of its place (US-NY)...
    >>> Quote(**about, disclosure=chr(10).join(terms.sentences)).to_dict()["personalised"]
    True
    """

    product_id: str
    customer_id: str | None
    price: Decimal
    list_price: Decimal
    currency: str
    mode: Mode
    personalised: bool
    disclosure: str
    terms: Terms
    why: tuple[str, ...]
    policy: str
    version: int
    propensity: float
    at: datetime
    was: Decimal | None = None
    held_since: datetime | None = None

    def __post_init__(self) -> None:
        what = f"{self.product_id} for {self.customer_id or 'everyone'}"
        if not 0 < self.price <= self.list_price:
            raise GuardError(
                f"{what}: a price of {self.price} at a list price of {self.list_price}: more than 0 and not more than "
                "the list price is expected."
            )
        if not 0 < self.propensity <= 1:
            raise GuardError(f"{what}: a propensity of {self.propensity}: above 0 and up to 1 is expected.")
        if not self.personalised:
            return
        if self.customer_id is None:
            raise GuardError(f"{what}: a personal price is for one customer. Name who it is for.")
        if (allowed := strictest(self.mode, self.terms.mode)) != "personal":
            raise GuardError(
                f"{what}: personal prices are {allowed} here ({', '.join(self.terms.laws) or 'no law'}). Ask the list "
                "price, or a stated rule's."
            )
        said = self.disclosure.split("\n")
        if missing := [sentence for sentence in self.terms.sentences if sentence not in said]:
            raise GuardError(
                f"{what}: a personal price needs these words of its place ({self.terms.place}), on a line of their "
                f'own: "{missing[0]}". The price is not given without them.'
            )
        if not self.terms.sentences and not self.disclosure.strip():
            raise GuardError(f"{what}: a personal price says that it is one. Give a disclosure.")

    def to_dict(self) -> dict[str, Any]:
        """As an answer has it: plain values, amounts as text."""
        return {
            "product_id": self.product_id,
            "customer_id": self.customer_id,
            "price": str(self.price),
            "list_price": str(self.list_price),
            "was": None if self.was is None else str(self.was),
            "currency": self.currency,
            "personalised": self.personalised,
            "disclosure": self.disclosure or None,
            "place": self.terms.place or None,
            "laws": list(self.terms.laws),
            "mode": self.mode,
            "why": list(self.why),
            "policy": self.policy,
            "model_version": self.version,
            "propensity": self.propensity,
            "at": self.at.isoformat(),
            "held_since": None if self.held_since is None else self.held_since.isoformat(),
        }
