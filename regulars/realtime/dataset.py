"""Events as arrays: of a log before a moment, and of rows that have just come."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.clock import micros
from regulars.errors import NotEnoughError
from regulars.events.schema import NOTED
from regulars.realtime.kinds import KIND, KINDS, TASTE

if TYPE_CHECKING:
    from regulars.shop import Shop

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
LEAST_CUSTOMERS = 50
"""With an event about a product; of fewer nothing can be learned that holds for others."""
_TASTE = np.array([TASTE.get(name, 0.0) for name in KINDS])


@dataclass(frozen=True)
class Events:
    """Events in the order in which they came.

    Attributes
    ----------
    customers, products : (c,), (p,) names, each once.
    customer : (n,) a place in `customers`; product : (n,) a place in `products`, -1 for none.
    time : (n,) microseconds since 1970; kind : (n,) places in `KINDS`.
    value : (n,) price times quantity in the shop's currency; 0 where unknown.
    """

    customers: Sequence[str]
    products: Sequence[str]
    customer: Ints
    product: Ints
    time: Ints
    kind: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.time)

    @property
    def weight(self) -> Floats:
        """(n,) what each says of what is wanted; 0 for what says nothing of a product."""
        found: Floats = np.where(self.product >= 0, _TASTE[self.kind], 0.0)
        return found


def events_before(shop: Shop, as_of: datetime) -> Events:
    """What customers did before a moment, in the order of time."""
    events = shop.events
    said = events.filter(events.time < ibis.literal(as_of, "timestamp('UTC')"), ~events.type.isin(NOTED))
    said = shop.identities.named(said, as_of)
    rows = said.filter(said.customer_id.notnull()).order_by("time", "event_id", "line")
    price, quantity = rows.unit_price.cast("float64"), rows.quantity.fill_null(1.0)
    found = shop.engine.to_arrow(
        rows.select(
            "customer_id", "product_id", "type", "time", value=(price * quantity).fill_null(0.0).cast("float64")
        )
    )
    return of_table(found)


def require_customers(customer: Ints, as_of: datetime) -> None:
    """Let there be enough to learn from.

    Parameters
    ----------
    customer : (n,) whose events about products those before the moment are.

    Raises
    ------
    NotEnoughError
        If fewer than 50 customers had to do with a product.
    """
    whose = len(np.unique(customer))
    if whose < LEAST_CUSTOMERS:
        raise NotEnoughError(
            f"realtime: {whose} customers had to do with a product before {as_of:%Y-%m-%d}; at least "
            f"{LEAST_CUSTOMERS} are needed. Import more history, or choose a later time."
        )


def of_table(table: pa.Table) -> Events:
    """From customer_id, product_id, type, time and value, in the order in which they came."""
    customers, customer = _encoded(table["customer_id"])
    products, product = _encoded(table["product_id"])
    names, number = _encoded(table["type"])
    kinds = np.array([KIND.get(name, 0) for name in names], np.int64)
    time = table["time"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    value = table["value"].to_numpy().astype(np.float64)
    return Events(customers, products, customer, product, time, kinds[number] if len(kinds) else number, value)


def _encoded(column: pa.ChunkedArray) -> tuple[list[str], Ints]:
    found = column.combine_chunks()
    found = found if pa.types.is_dictionary(found.type) else found.dictionary_encode()
    return found.dictionary.to_pylist(), pc.fill_null(found.indices, -1).to_numpy().astype(np.int64)


def of_rows(rows: Sequence[Mapping[str, Any]]) -> Events:
    """From rows as the log has them, whose `customer_id` is who did it.

    >>> from datetime import UTC
    >>> at = datetime(2024, 5, 1, tzinfo=UTC)
    >>> of_rows([{"customer_id": "ada", "product_id": "tea", "type": "product_viewed", "time": at}]).products
    ['tea']
    """
    customers: dict[str, int] = {}
    products: dict[str, int] = {}
    numbers, values = [], []
    for row in rows:
        product, price, quantity = row.get("product_id"), row.get("unit_price"), row.get("quantity")
        numbers.append((
            customers.setdefault(row["customer_id"], len(customers)),
            -1 if product is None else products.setdefault(product, len(products)),
            micros(row["time"]),
            KIND.get(row["type"], 0),
        ))  # fmt: skip
        values.append(0.0 if price is None else float(price) * (1.0 if quantity is None else float(quantity)))
    customer, product_of, time, kind = np.array(numbers, np.int64).reshape(-1, 4).T.copy()
    return Events(list(customers), list(products), customer, product_of, time, kind, np.array(values, np.float64))


def recommendation_of(row: Mapping[str, Any]) -> str | None:
    """The id of the recommendation that an event is about, as its properties say."""
    said = row.get("properties")
    if not said:
        return None
    found = (json.loads(said) if isinstance(said, str) else said).get("recommendation_id")
    return None if found is None else str(found)
