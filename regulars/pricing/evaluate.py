"""Learning how demand answers prices, and judging it: do later prices say in which weeks a product sold?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.capability import Learned
from regulars.errors import NotEnoughError
from regulars.evaluation import Check, Report, Split, compare, histogram, leak_check, metric_plot
from regulars.pricing.dataset import WEEK, Dataset, dataset
from regulars.pricing.model import PricingModel

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

NAME = "pricing"
QUESTION = "Do prices say which product of a category was bought in which of the {weeks} weeks after?"
BASELINE = "no answer to prices"
FITTINGS = 30
CAN_TELL = "The weeks before can tell what prices do to demand"
MOVED = "Beside the price, {name} moves demand: the logarithm of lines by {effect:+.2f} for each 1 of its own."
NOT_DRAWN = (
    "{share:.0%} of the prices learned from were drawn by lot. The others were chosen for some reason: where that has "
    "to do with demand, elasticities are wrong by it. Let prices differ by lot: regulars pricing explore"
)


def learn(shop: Shop, until: datetime) -> Learned:
    """Learn from the weeks before a moment; judged a horizon earlier, by a model that learned before that.

    Raises
    ------
    NotEnoughError
        If the log is too short, or hardly any product had two prices.
    """
    days = shop.config.pricing.horizon_days
    report = _judge(shop, Split(until - timedelta(days=days), days))
    data = dataset(shop, until)
    model = PricingModel.fit(data)
    about = {
        "products": len(data.ids),
        "weeks": data.lines.shape[1],
        "elasticity": model.common,
        "spread": model.spread,
        "share_drawn": model.share_drawn,
    }
    return Learned(model.to_files(), about, report)


def evaluate(shop: Shop, split: Split) -> Report:
    """Do elasticities learned before the split foresee how sales answered the prices after it?

    Raises
    ------
    NotEnoughError
        If the log holds too little before it, or within it.
    """
    return _judge(shop, split)


def deviance_loss(y: Floats, p: Floats, *, weight: Floats | None = None) -> float:
    """Mean Poisson deviance of counts from what was expected; less is better.

    >>> deviance_loss(np.array([2.0, 0.0]), np.array([2.0, 1.0]))
    1.0
    """
    ratio = np.where(y > 0, y / p, 1.0)
    each = 2 * (np.where(y > 0, y * np.log(ratio), 0.0) - (y - p))
    return float(np.average(each, weights=weight))


def _judge(shop: Shop, split: Split) -> Report:
    weeks = split.horizon_days // 7
    before = dataset(shop, split.as_of)
    model, verdict = PricingModel.fit(before), before.belief.verdict
    later = dataset(shop, split.as_of + weeks * WEEK, weeks)
    has_moved = later.log_price.std(axis=1) > 1e-3
    moved = later.where(has_moved)
    if len(moved.ids) < 20:
        raise NotEnoughError(
            f"pricing: {len(moved.ids)} products were sold at two prices in the {weeks} weeks after "
            f"{split.as_of:%Y-%m-%d}; at least 20 are needed to judge by. Choose another time, or let prices differ by "
            "lot: regulars pricing explore"
        )
    elasticity, _ = model.elasticity_of(later.ids)
    with_prices, without = (_foreseen(later, e)[has_moved] for e in (elasticity, np.zeros(len(elasticity))))
    owner = np.repeat(np.arange(len(moved.ids)), weeks)
    metrics = compare(
        {"deviance": deviance_loss}, moved.lines.ravel(), with_prices.ravel(), without.ravel(), customers=owner
    )
    return Report(
        capability=NAME,
        question=QUESTION.format(weeks=weeks),
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        customers=len(moved.ids),
        trained_until=split.as_of,
        model="elasticities of products, drawn together",
        baseline=BASELINE,
        metrics=metrics,
        primary="deviance",
        log_version=shop.log.version,
        charts={
            "How demand answers prices, by product": histogram(elasticity[has_moved], "Elasticity", "share"),
            "The model beside the baseline": metric_plot(metrics),
        },
        checks=(_leaks(shop, split), Check(CAN_TELL, verdict.can_tell, str(verdict))),
        notes=(
            f"Judged by {len(moved.ids):,} products whose prices moved (counted above as customers are elsewhere).",
            f"The elasticity of all is {model.common:.2f}; products differ by {model.spread:.2f} (standard deviation).",
            *(MOVED.format(name=name, effect=effect) for name, effect in model.effects.items()),
            *([NOT_DRAWN.format(share=model.share_drawn)] if model.share_drawn < 1 else []),
        ),
    )


def _foreseen(later: Dataset, elasticity: Floats) -> Floats:
    """(n, w) lines of each product by week, as the prices of its category would part them.

    How often each product was bought in all, and how often its category was in each week, both sides are told: what is
    foreseen is which of the products sold in which week (by iterative proportional fitting).
    """
    found = np.exp(elasticity[:, None] * (later.log_price - later.log_price.mean(1, keepdims=True)))
    count = len(later.categories)
    totals = _by_category(later.lines, later.group, count)
    products = later.lines.sum(1, keepdims=True)
    for _ in range(FITTINGS):
        found *= (totals / np.maximum(_by_category(found, later.group, count), 1e-12))[later.group]
        found *= products / np.maximum(found.sum(1, keepdims=True), 1e-12)
    # Where a category sold nothing in a week, nothing is foreseen; a deviance needs a little more than that.
    kept: Floats = np.maximum(found, 1e-9)
    return kept


def _by_category(values: Floats, group: npt.NDArray[np.int64], count: int) -> Floats:
    found = np.zeros((count, values.shape[1]))
    np.add.at(found, group, values)
    return found


def _leaks(shop: Shop, split: Split) -> Check:
    """Change the future: what is learned before it must stay as it is."""

    def compute(seen: object) -> pa.Table:
        return PricingModel.fit(dataset(shop.with_events(seen), split.as_of)).table

    return leak_check(compute, shop.events, split.as_of)
