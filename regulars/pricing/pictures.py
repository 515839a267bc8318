"""What prices look like: demand and profit of a product by price, what is left of its price, and elasticities."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
from altair.typing import ChartType

from regulars.errors import NotFoundError
from regulars.evaluation import Figure, Section, render
from regulars.pricing.dataset import Dataset, dataset
from regulars.pricing.decide import model_in_use
from regulars.pricing.guard import UNKNOWN
from regulars.pricing.money import digits
from regulars.pricing.products import Products
from regulars.pricing.response import Demand, ProfitCurve
from regulars.pricing.response.charts import demand_plot, elasticity_plot, profit_plot, waterfall_plot
from regulars.pricing.rules import rules_of
from regulars.pricing.suggest import ConstantElasticity, suggest
from regulars.pricing.suggesting import demand_of

if TYPE_CHECKING:
    from regulars.shop import Shop

STEPS, DRAWS = 61, 400
NET_DAYS = 28
"""What was paid in so many last days is what is left of a list price after discounts."""


def page(shop: Shop, as_of: datetime, product_id: str | None = None) -> str:
    """A page, in HTML: of the shop its elasticities by category; of a product also its own curves and its waterfall.

    Raises
    ------
    NotFoundError
        If there is no model in use, or no such product.
    NotEnoughError
        If the log holds too few weeks.
    """
    products, data = Products.of(shop, as_of), dataset(shop, as_of)
    found = data.belief.categories
    named = replace(found, names=tuple(data.categories[int(number)] or "(none)" for number in found.names))
    figures = [_figure("Elasticity by category", elasticity_plot(named))]
    if product_id is not None:
        if product_id not in products.place:
            raise NotFoundError(f'There is no product "{product_id}" with a price before {as_of:%Y-%m-%d %H:%M}.')
        figures = [*_of_product(shop, as_of, products, data, product_id), *figures]
    heading = "Prices" if product_id is None else f"Prices of {product_id}"
    return render(f"{shop.config.shop.name}: {heading}", [Section(heading, figures=figures)])


def curve_of(shop: Shop, products: Products, product_id: str) -> ProfitCurve:
    """Units and profit in a week over the list prices that a product may be asked, with the one that is suggested.

    Profit is without what other products earn by customers who turn away, on which the suggested price looks too. Of a
    product without a cost only units are known: its profit is nothing.
    """
    place, coin = products.place[product_id], 10.0 ** -digits(products.currency)
    row = slice(place, place + 1)
    whole, bounds = demand_of(shop, model_in_use(shop), products), products.bounds(rules_of(shop))
    alone = ConstantElasticity(whole.base_units[row], whole.base_price[row], whole.elasticity[row], whole.error[row])
    settings = shop.config.pricing
    best = int(suggest(bounds, products.price, products.cost, whole, least_chance=settings.least_chance).price[place])
    low, high = products.reference[place] * settings.lowest, products.reference[place] * settings.highest
    price = np.linspace(min(low, best), max(high, best), STEPS)
    drawn = alone.draws(price[None].astype(np.int64), DRAWS, seed=0)[:, 0]
    units, (fewest, most) = alone.units(price[None].astype(np.int64))[0], np.quantile(drawn, [0.025, 0.975], axis=0)
    left = np.zeros(STEPS) if products.cost[place] == UNKNOWN else (price - products.cost[place]) * coin
    ends = np.sort([left * fewest, left * most], axis=0)
    at_edge = best in (int(bounds.low[place]), int(bounds.high[place]))
    return ProfitCurve(
        product_id, price * coin, units, fewest, most, left * units, ends[0], ends[1], best * coin, at_edge
    )  # fmt: skip


def _of_product(shop: Shop, as_of: datetime, products: Products, data: Dataset, product_id: str) -> list[Figure]:
    curve = curve_of(shop, products, product_id)
    figures = [
        _figure("Demand by price", demand_plot(curve, _weeks(data, products, product_id))),
        _figure("From the list price to what is left", waterfall_plot(*_net(shop, as_of, products, product_id))),
    ]
    if products.cost[products.place[product_id]] > UNKNOWN:
        figures.insert(1, _figure("Profit by price", profit_plot(curve)))
    return figures


def _weeks(data: Dataset, products: Products, product_id: str) -> Demand | None:
    """The weeks that were; None of a product that was not learned from."""
    if product_id not in data.ids:
        return None
    row = data.ids.index(product_id)
    weeks = np.arange(data.units.shape[1])
    price = np.exp(data.log_price[row]) / 10 ** digits(products.currency)
    return Demand.of(np.full(len(weeks), product_id), weeks, data.units[row], price, stocked=data.stocked[row])


def _net(shop: Shop, as_of: datetime, products: Products, product_id: str) -> tuple[float, list[tuple[str, float]]]:
    """The list price, and what discounts and the cost take of it."""
    place, coin = products.place[product_id], 10.0 ** -digits(products.currency)
    listed, cost = float(products.price[place] * coin), float(products.cost[place] * coin)
    sold = shop.events.filter(
        ibis._.type == "order_completed", ibis._.product_id == product_id, ibis._.unit_price > 0, ibis._.quantity > 0,
        ibis._.time < ibis.literal(as_of), ibis._.time >= ibis.literal(as_of - timedelta(days=NET_DAYS)),
    )  # fmt: skip
    sums = sold.aggregate(paid=(sold.unit_price.cast("float64") * sold.quantity).sum(), units=sold.quantity.sum())
    row = shop.engine.to_arrow(sums).to_pylist()[0]
    paid = row["paid"] / row["units"] if row["units"] else listed
    steps = [(f"paid less, {NET_DAYS} days", paid - listed)]
    return listed, [*steps, ("unit cost", -cost)] if products.cost[place] > UNKNOWN else steps


def _figure(title: str, chart: ChartType) -> Figure:
    return Figure(title, str(chart.to_dict()["description"]), chart)
