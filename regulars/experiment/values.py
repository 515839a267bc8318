"""The values of metrics for each customer: read from the log in the engine, one row an order, then laid out by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.errors import InputError
from regulars.events.schema import TIME
from regulars.experiment.metrics import ORDER, REFUND, Measure, Metric

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DAY = 86_400_000_000
"""Microseconds of a day."""


@dataclass(frozen=True)
class Happened:
    """What customers did around their exposure, one row an order or other event.

    Attributes
    ----------
    customers : how many there are.
    place : (m,) whose each is, 0 to customers - 1.
    type : (m,) which type of `types` it is.
    day : (m,) after exposure, below 0 before it.
    amounts : (m,) each, of revenue, margin and pieces those that were asked for; below 0 for what was given back.
    """

    customers: int
    place: Ints
    type: Ints
    types: tuple[str, ...]
    day: Floats
    amounts: Mapping[str, Floats]

    def rows_of(self, measure: Measure) -> npt.NDArray[np.bool_]:
        """(m,) which rows a measure adds up: what was given back lessens the revenue of orders."""
        wanted = {measure.type}
        if measure.type == ORDER and measure.amount in ("revenue", "margin"):
            wanted.add(REFUND)
        return np.array([name in wanted for name in self.types])[self.type]

    def spans(self, edges: Sequence[float]) -> Ints:
        """(m,) the number of the span of days that each row lies in; -1 and len(edges) - 1 for those outside."""
        return np.searchsorted(np.asarray(edges, float), self.day, side="right") - 1

    def added(self, measure: Measure, span: Ints, spans: int) -> Floats:
        """(customers, spans) a measure's sum in each span of days; the number of events for "any"."""
        kept = self.rows_of(measure) & (span >= 0) & (span < spans)
        cells = self.place[kept] * spans + span[kept]
        weights = self.amounts[measure.amount][kept] if measure.amount in self.amounts else None
        found = np.bincount(cells, weights, self.customers * spans).astype(np.float64)
        return found.reshape(self.customers, spans)


def happened(shop: Shop, customers: pa.Table, metrics: Sequence[Metric], as_of: datetime, pre_days: int) -> Happened:
    """What customers did from `pre_days` before their exposure to the last day that a metric counts.

    Parameters
    ----------
    customers : customer_id (as of the moment), exposed_at; the place of each is its row.
    as_of : events before this time only.
    """
    wanted = {measure for metric in metrics for measure in (metric.measure, metric.over) if measure}
    types = {measure.type for measure in wanted}
    if any(measure.amount in ("revenue", "margin") and measure.type == ORDER for measure in wanted):
        types.add(REFUND)
    names = tuple(sorted(types))
    longest = max(metric.days for metric in metrics)
    first, last = pc.min_max(customers["exposed_at"]).as_py().values()
    exposed = customers["exposed_at"].cast(pa.int64()).to_numpy()
    # Both ends as columns: an engine takes much longer to add days to a time than to compare two.
    asked = pa.table(
        {
            "own_id": customers["customer_id"],
            "place": pa.array(np.arange(customers.num_rows)),
            "begins_at": pa.array(exposed - pre_days * DAY).cast(TIME),
            "ends_at": pa.array(exposed + longest * DAY).cast(TIME),
        }
    )
    log = shop.events
    log = log.filter(
        log.type.isin(names),
        log.time >= _moment(first - timedelta(days=pre_days)),
        log.time < _moment(min(as_of, last + timedelta(days=longest))),
    )
    rows = shop.identities.named(log, as_of)
    mine = shop.engine.table(asked)
    met = rows.join(mine, rows.customer_id == mine.own_id)
    met = met.filter(met.time >= met.begins_at, met.time < met.ends_at)
    amounts = sorted({"revenue", "margin", "pieces"} & {measure.amount for measure in wanted})
    made = _amounts(shop, met, amounts, as_of)
    met = made.mutate(
        kind=made.type.cases(*((name, code) for code, name in enumerate(names)), else_=-1).cast("int8"),
        # An order is one, however many lines it has. Numbers are put together faster than texts.
        event=ibis.ifelse(made.type == ORDER, made.order_id.fill_null(made.event_id), made.event_id).hash(),
    )
    one = met.group_by("place", "kind", "event").agg(time=met.time.min(), **{name: met[name].sum() for name in amounts})
    found = shop.engine.to_arrow(one.select("place", "kind", "time", *amounts))
    place, kind = found["place"].to_numpy(), found["kind"].to_numpy().astype(np.int64)
    day = (found["time"].cast(pa.int64()).to_numpy() - exposed[place]) / DAY
    sign = np.where(kind == names.index(REFUND), -1.0, 1.0) if REFUND in names else np.ones(len(kind))
    values = {name: found[name].to_numpy() * sign for name in amounts}
    return Happened(customers.num_rows, place, kind, names, day, values)


def _moment(moment: datetime) -> Any:
    return ibis.literal(moment, "timestamp('UTC')")


def _amounts(shop: Shop, rows: ibis.Table, amounts: Sequence[str], as_of: datetime) -> ibis.Table:
    """Lines with what they are worth."""
    keys = ["place", "type", "time", "order_id", "event_id"]
    made: dict[str, Any] = {}
    if "margin" in amounts:
        cost, usual = _costs(shop, as_of)
        rows = rows.left_join(cost, rows.product_id == cost.known_id)
    pieces, price = rows.quantity.fill_null(1.0), rows.unit_price.cast("float64")
    if "pieces" in amounts:
        made["pieces"] = pieces
    if "revenue" in amounts:
        made["revenue"] = (pieces * price).fill_null(0.0)
    if "margin" in amounts:
        # A product without a known cost earns the usual share; without any known cost, margin is revenue.
        each = ibis.coalesce(price - rows.unit_cost, price * usual)
        made["margin"] = (pieces * each).fill_null(0.0)
    return rows.select(*keys, **made)


def _costs(shop: Shop, as_of: datetime) -> tuple[ibis.Table, float]:
    """The newest unit cost of each product before a moment (known_id, unit_cost), and the share usually earned."""
    said = shop.catalogue
    said = said.filter(said.unit_cost.notnull(), said.valid_from < _moment(as_of))
    newest = said.group_by(known_id=said.product_id).agg(
        unit_cost=said.unit_cost.cast("float64").argmax(said.valid_from),
        price=said.list_price.cast("float64").argmax(said.valid_from, where=said.list_price.notnull()),
    )
    share = (1 - newest.unit_cost / newest.price.nullif(0)).clip(-1, 1)
    usual = shop.engine.to_arrow(newest.aggregate(usual=share.median()))["usual"][0].as_py()
    return newest.select("known_id", "unit_cost"), 1.0 if usual is None else usual


def per_customer(found: Happened, metrics: Sequence[Metric], pre_days: int, primary: Metric | None = None) -> pa.Table:
    """The values of metrics for each customer, after exposure and before it.

    Parameters
    ----------
    primary : of this one the value of each day is told as well, where it has one; see `has_days`.

    Returns
    -------
    (customers,) rows: place; for metric i `value_i` and `before_i`, and for a ratio `over_i` and `over_before_i`: what
    was done in its days after exposure, and in `pre_days` before. A quantile has none. For `primary` `day_0`, …

    Examples
    --------
    One customer who ordered for 5 the day before and for 7 two days after exposure:

    >>> found = Happened(1, np.array([0, 0]), np.array([0, 0]), (ORDER,), np.array([-1.0, 2.0]),
    ...                  {"revenue": np.array([5.0, 7.0])})
    >>> per_customer(found, [Metric("revenue", Measure("revenue"))], 28).to_pylist()
    [{'place': 0, 'value_0': 7.0, 'before_0': 5.0}]
    """
    columns: dict[str, Any] = {"place": np.arange(found.customers)}
    edges = sorted({float(-pre_days), 0.0, *(float(day) for m in metrics for day in (m.from_day, m.days))})
    spans: dict[Measure, list[tuple[str, float, float]]] = {}
    for number, metric in enumerate(metrics):
        if metric.kind == "quantile":
            continue
        for measure, after, before in (
            (metric.measure, f"value_{number}", f"before_{number}"),
            (metric.over, f"over_{number}", f"over_before_{number}"),
        ):
            if measure is not None:
                some = spans.setdefault(measure, [])
                some += [(after, metric.from_day, metric.days), (before, -pre_days, 0)]
    span = found.spans(edges)
    for measure, wanted in spans.items():
        cells = found.added(measure, span, len(edges) - 1)
        # Each value is the difference of two running sums, column by column: far faster than to add up spans anew.
        running = np.zeros((len(edges), found.customers))
        np.cumsum(cells.T, axis=0, out=running[1:])
        for name, start, end in wanted:
            value = running[edges.index(float(end))] - running[edges.index(float(start))]
            # Rounded, for an engine adds in any order, and the same log must give the same figures.
            columns[name] = (value > 0).astype(float) if measure.amount == "any" else value.round(6)
    if primary is not None and has_days(primary):
        cells = found.added(primary.measure, found.spans(range(primary.days + 1)), primary.days).round(6)
        cells = (cells > 0).astype(float) if primary.measure.amount == "any" else cells
        columns |= {f"day_{day}": cells[:, day] for day in range(primary.days)}
    return pa.table(columns)


def has_days(metric: Metric) -> bool:
    """Whether a metric has a value of each day since exposure: means and shares from the first day on."""
    return metric.kind in ("mean", "share") and not metric.from_day


def single_values(found: Happened, metric: Metric) -> tuple[Ints, Floats]:
    """Whose each order or other event of a metric is, and its value; for the metric's quantile."""
    if metric.measure.amount not in found.amounts:
        raise InputError(
            f'metric "{metric.name}": a quantile of "{metric.measure.amount}" says nothing; ask for that of revenue.'
        )
    kind = [code for code, name in enumerate(found.types) if name == metric.measure.type]
    kept = np.isin(found.type, kind) & (found.day >= metric.from_day) & (found.day < metric.days)
    return found.place[kept], found.amounts[metric.measure.amount][kept]
