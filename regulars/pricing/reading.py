"""What a test of list prices said: what was sold of each product while a lot asked more for it, and while less."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.errors import NotEnoughError, NotFoundError
from regulars.events.schema import TIME
from regulars.pricing.dataset import SET
from regulars.pricing.explore import Effect, read_switchback
from regulars.pricing.guard import UNKNOWN
from regulars.pricing.money import digits, to_coins
from regulars.pricing.products import Products, price_changes

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

SETTLING = timedelta(days=1)
"""So long after a change some have the price before in their carts."""
PRICE, UNITS, REVENUE, MARGIN = "price", "units", "revenue", "margin"


class Stood(NamedTuple):
    """The prices of a test: (m,) each, one for each product and block.

    Attributes
    ----------
    product, block : numbers; ids, blocks : of each, what it is called.
    arm : 1 where the price was above the mean of its lot, else 0.
    price : in the shop's currency; propensity : its chance.
    begin, end : microseconds since 1970, the first day left out.
    """

    ids: list[str]
    blocks: list[str]
    product: Numbers
    block: Numbers
    arm: Numbers
    price: Floats
    propensity: Floats
    begin: Numbers
    end: Numbers

    def table(self, column: Floats | Numbers, nothing: float) -> npt.NDArray[np.float64]:
        """(products, blocks) of a column."""
        found = np.full((len(self.ids), len(self.blocks)), nothing)
        found[self.product, self.block] = column
        return found


def read_test(shop: Shop, name: str, as_of: datetime) -> dict[str, Effect]:
    """By how much the price, and what was sold in a day, differ where a lot asked more for a product than the mean of
    its lot, beside where it asked less.

    Parameters
    ----------
    name : of the test, as `tries` was told.

    Returns
    -------
    "price", "units", "revenue", and "margin" where enough costs are known.

    Raises
    ------
    NotFoundError
        If no price of such a test was set before.
    NotEnoughError
        If fewer than 20 products had both.
    """
    stood = _stood(shop, name, as_of)
    if not len(stood.product):
        raise NotFoundError(
            f'No price of a test "{name}" has held for more than a day before {as_of:%Y-%m-%d}. Set some: '
            f"regulars pricing explore --name {name} --set."
        )
    units, revenue = _sold(shop, stood)
    products = Products.of(shop, as_of)
    cost = np.array([products.cost[products.place[one]] if one in products.place else UNKNOWN for one in stood.ids])
    margin = revenue - units * (cost / 10 ** digits(shop.config.shop.currency))[:, None]
    arm, chance = stood.table(stood.arm, -1).astype(np.int64), stood.table(stood.propensity, 1.0)
    price = stood.table(stood.price, 0.0)
    found = {
        what: read_switchback(outcome, arm, chance)[0]
        for what, outcome in ((PRICE, price), (UNITS, units), (REVENUE, revenue))
    }
    known = cost > UNKNOWN
    try:
        if margin[known].sum() > 0:
            found[MARGIN] = read_switchback(margin[known], arm[known], chance[known])[0]
    except NotEnoughError:
        pass  # of what is sold the cost is not known
    return found


def _stood(shop: Shop, name: str, as_of: datetime) -> Stood:
    """Each price until the next one of its product, whoever set that, the catalogue too."""
    events = shop.events
    said = events.filter(events.type == SET, events.time < ibis.literal(as_of), events.product_id.notnull())
    said = said.filter(said.variant.startswith(f"{name}/block "))
    said = said.select("product_id", "variant", "propensity", "unit_price", "properties", since=said.time)
    changes = shop.engine.table(price_changes(shop, as_of).select(["product_id", "since"]))
    until = changes.since.lead().over(group_by=changes.product_id, order_by=changes.since)
    said = said.join(changes.mutate(until=until), ["product_id", "since"])
    rows = shop.engine.to_arrow(said.order_by("product_id", "since"))
    notes = [json.loads(text or "{}") for text in rows["properties"].to_pylist()]
    expected = np.array([float(note["expected"]) if note.get("variance") else np.nan for note in notes])
    begin = rows["since"].cast(pa.int64()).to_numpy() + int(SETTLING.total_seconds()) * 1_000_000
    end = rows["until"].fill_null(pa.scalar(as_of, rows["until"].type)).cast(pa.int64()).to_numpy()
    kept = np.isfinite(expected) & (end > begin)
    rows, expected = rows.filter(pa.array(kept)), expected[kept]
    price = to_coins(rows["unit_price"], shop.config.shop.currency).astype(np.float64)
    ids, product = np.unique(rows["product_id"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    blocks, block = np.unique(rows["variant"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    return Stood(
        ids.tolist(), blocks.tolist(), product, block, (np.log(price) > expected).astype(np.int64),
        price / 10 ** digits(shop.config.shop.currency), rows["propensity"].to_numpy(), begin[kept], end[kept],
    )  # fmt: skip


def _sold(shop: Shop, stood: Stood) -> tuple[Floats, Floats]:
    """(products, blocks) units and revenue a day while each price stood."""
    events = shop.events
    lines = events.filter(events.type == "order_completed", events.unit_price > 0, events.quantity > 0)
    lines = lines.select("product_id", "time", units=lines.quantity, revenue=lines.unit_price * lines.quantity)
    prices = pa.table(
        {
            "product_id": pa.array(stood.ids, pa.string()).take(pa.array(stood.product)),
            "place": np.arange(len(stood.product)),
            "begin": pa.array(stood.begin, pa.int64()).cast(TIME),
            "end": pa.array(stood.end, pa.int64()).cast(TIME),
        }
    )
    met = lines.join(shop.engine.table(prices), "product_id")
    met = met.filter(met.time >= met.begin, met.time < met.end)
    sums = met.group_by("place").agg(units=met.units.sum(), revenue=met.revenue.sum()).order_by("place")
    found = shop.engine.to_arrow(sums)
    days = (stood.end - stood.begin) / 86_400_000_000
    made = []
    for name in ("units", "revenue"):
        of_each = np.zeros(len(stood.product))
        of_each[found["place"].to_numpy()] = found[name].cast(pa.float64()).to_numpy()
        made.append(stood.table(of_each / days, 0.0))
    return made[0], made[1]
