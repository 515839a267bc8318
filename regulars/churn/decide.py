"""Whom to contact this week: the customers of whom most money is likely to be lost."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.behaving.vectors import joined
from regulars.churn.dataset import features_of
from regulars.churn.reasons import AT_MOST, reasons
from regulars.churn.scoring import inputs_within, scoring
from regulars.churn.table import foreseen, in_use
from regulars.churn.timing import SAID, rhythm_words
from regulars.customers import withheld
from regulars.errors import NotEnoughError
from regulars.events.identity import hash_rows

if TYPE_CHECKING:
    import ibis

    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

PURPOSES = ("marketing", "profiling")
"""What a contact because of a risk is: whoever forbids one of them is left out."""

SAMPLE = 10_000
"""So many customers tell what is typical."""

OWN = {
    "churn_probability": {"meaning": "chance of no order within the horizon", "unit": "share"},
    "expected_spend": {"meaning": "spend within the horizon of a customer who stays", "unit": "money"},
    "value_at_risk": {"meaning": "the one times the other", "unit": "money"},
    "expected_margin_365d": {"meaning": "margin foreseen within 365 days", "unit": "money"},
    "contact_on": {"meaning": "the best day to contact"},
}
"""What its own columns say, for whoever shows them."""


def decide(shop: Shop, as_of: datetime) -> pa.Table:
    """The customers to contact, ranked by risk times value.

    Returns
    -------
    One row a customer, at most `[churn] contacts` of them: the columns of `DECISION`, and `rank`,
    `churn_probability` (0 to 1), `expected_spend` (in the shop's currency, over the horizon, if the
    customer is not lost), `value_at_risk` (the one times the other), `expected_margin_365d` (foreseen, null where it
    cannot be said), and `contact_on`, the day where the shop is to do it: before the chance that the customer comes by
    itself falls most. Whoever objected to marketing or profiling, or took consent back, is not among them; the table's
    metadata says how many that left out.

    Raises
    ------
    NotEnoughError
        If nobody is left, or of nobody any spend is expected.
    """
    model = in_use(shop)
    customers = shop.buyers(as_of)
    all_of_them = _count(shop, customers)
    if not all_of_them:
        raise NotEnoughError(f"churn: no customer has an order before {as_of:%Y-%m-%d}. Choose a later as-of time.")
    left_out = pa.chunked_array([withheld(shop, purpose, as_of) for purpose in PURPOSES], pa.string())
    if len(left_out):
        forbidden = shop.engine.table(pa.table({"customer_id": left_out}))
        customers = customers.anti_join(forbidden, "customer_id")
    count_left_out = all_of_them - _count(shop, customers)
    if count_left_out == all_of_them:
        raise NotEnoughError(
            f"churn: all {count_left_out} customers with an order before {as_of:%Y-%m-%d} objected to marketing or "
            "profiling, or took consent back. There is nobody to contact."
        )
    # A number of a vector has no meaning in words: only named features can be reasons.
    named = np.flatnonzero(model.is_named)
    names = [model.names[k] for k in named]
    rows = joined(shop, shop.tables.rows("profile", customers, as_of), customers, as_of, model.vectors)
    share = SAMPLE / (all_of_them - count_left_out)
    with shop.tables.scored(rows.table, *scoring(model, rows.schema)) as scored:
        ranked = scored.filter(scored.value_at_risk > 0).order_by(scored.value_at_risk.desc(), "customer_id")
        found = shop.engine.to_arrow(ranked.limit(shop.config.churn.contacts))
        some = shop.engine.to_arrow(scored.filter(scored.lot < share))
    if not found.num_rows:
        raise NotEnoughError(
            f"churn: of no customer with an order before {as_of:%Y-%m-%d} any spend is expected, so there is no value "
            "at risk to rank by. Look at unit_price of orders, and at returns."
        )
    typical = np.array([_middle(column) for column in features_of(some, names).T])
    risk, spend, at_risk = (found[name].to_numpy() for name in ("churn_probability", "expected_spend", "value_at_risk"))
    # The engine's tables do not say what their columns mean.
    picked = inputs_within(found, model, rows.schema)
    top = features_of(picked, model.names)
    moved = model.contributions(top)[:, named]
    late = rhythm_words(picked)
    moved[np.ix_([words is not None for words in late], [name in SAID for name in names])] = 0.0
    why = reasons(moved, top[:, named], typical, names, picked.schema, shop.config.shop.currency)
    why = [each if words is None else [words, *each][:AT_MOST] for each, words in zip(why, late, strict=True)]
    said = {field.name: values for field, values in foreseen(model, picked, risk)}
    wait = said.get("contact_in_days", np.zeros(len(risk))).astype("timedelta64[D]")
    margin = said.get("expected_margin_365d", np.full(len(risk), np.nan))
    today = as_of.astimezone(ZoneInfo(shop.config.shop.timezone)).date()
    hashes = hash_rows(picked, tuple(picked.column_names))
    count = len(risk)
    decided = pa.table(
        {
            "rank": pa.array(np.arange(1, count + 1)),
            "customer_id": picked["customer_id"],
            "action": pa.repeat("contact", count),
            "churn_probability": pa.array(risk.round(4)),
            "expected_spend": pa.array(spend.round(2)),
            "value_at_risk": pa.array(at_risk.round(2)),
            "expected_margin_365d": pa.array(margin.round(2), mask=np.isnan(margin)),
            "contact_on": pa.array(np.datetime64(today) + wait, pa.date32()),
            "reasons": pa.array(why, pa.list_(pa.string())),
            "policy": pa.repeat(f"the {shop.config.churn.contacts} with most risk times value", count),
            # No chance is involved: who is chosen is chosen for certain.
            "propensity": pa.repeat(1.0, count),
            "inputs_hash": pa.array([f"{value:016x}" for value in hashes.tolist()], pa.string()),
            "disclosure": pa.nulls(count, pa.string()),
        }
    )
    fields = [field.with_metadata(OWN.get(field.name)) for field in decided.schema]
    return decided.cast(pa.schema(fields, {"left_out": str(count_left_out)}))


def _count(shop: Shop, customers: ibis.Table) -> int:
    return int(shop.engine.to_arrow(customers.count()).as_py())


def _middle(column: Floats) -> float:
    known = column[~np.isnan(column)]
    return float(np.median(known)) if len(known) else float("nan")
