"""Of which groups a customer is, by which some of the shop's texts may be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from regulars.support.order.things import Customer

if TYPE_CHECKING:
    from regulars.shop import Shop

CUSTOMERS = "customers"
"""Whoever is signed in, or has said who it is."""
_MEMBERS = "members of "
_TIME = len("-2024-05-01T101500")


def audiences_of(shop: Shop) -> Callable[[Customer | None], frozenset[str]]:
    """The groups of whoever asks: `CUSTOMERS`, and the segments that `regulars segment members` found the customer in.

    Of each segment the newest table counts, so that a file that was found again is heeded at once; nobody is in one
    that was never found.
    """

    def audiences(customer: Customer | None) -> frozenset[str]:
        if customer is None:
            return frozenset()
        written = (shop.tables.folder / "segment").glob(f"{_MEMBERS}*.parquet")
        names = {path.stem.removeprefix(_MEMBERS)[:-_TIME] for path in written}
        of = {name for name in names if shop.tables.read("segment", f"{_MEMBERS}{name}", customer.customer_id).num_rows}
        return frozenset({CUSTOMERS, *of})

    return audiences
