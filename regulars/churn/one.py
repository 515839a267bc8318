"""What is to come of one customer, and how the chance that it still is one went day by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pyarrow as pa
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from regulars.churn.btyd import Histories, ParetoNBD
from regulars.churn.charts import alive_plot, waiting_plot
from regulars.churn.dataset import Floats, features_of
from regulars.churn.model import inputs_of
from regulars.churn.table import foreseen, in_use
from regulars.churn.timing import rhythm_words
from regulars.customers import require_known
from regulars.errors import NotEnoughError
from regulars.evaluation import Figure, Section, render
from regulars.events.schema import TIME
from regulars.units import shown

if TYPE_CHECKING:
    from regulars.shop import Shop

MOST_DAYS = 730
DAY = 86_400


@dataclass(frozen=True)
class Ahead:
    """One customer as of a moment.

    Attributes
    ----------
    said : [(name, meaning, unit, value)]; None where it cannot be said.
    habit : a sentence, of who is late by its own habit.
    days, alive : the last days of at most two years before the moment, as YYYY-MM-DD, and the chance on each.
    ahead, survival : days ahead, and the chance that no order has come by each; empty where it cannot be said.
    """

    customer_id: str
    as_of: datetime
    currency: str
    said: tuple[tuple[str, str, str, float | None], ...]
    habit: str | None
    days: tuple[str, ...]
    alive: tuple[float, ...]
    ahead: tuple[float, ...]
    survival: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """As values that JSON can hold."""
        return {
            "customer_id": self.customer_id,
            "as_of": self.as_of.isoformat(),
            **{name: value for name, _, _, value in self.said},
            "habit": self.habit,
            "alive": [{"day": day, "chance": chance} for day, chance in zip(self.days, self.alive, strict=True)],
            "waiting": [{"days": days, "share": share} for days, share in zip(self.ahead, self.survival, strict=True)],
        }

    def __rich__(self) -> RenderableType:
        """As a terminal shows it."""
        table = Table(box=None, show_header=False, pad_edge=False)
        for _, meaning, unit, value in self.said:
            table.add_row(meaning, Text("not known" if value is None else shown(value, unit, self.currency)))
        head = Text(f"Customer {self.customer_id}, as of {self.as_of:%Y-%m-%d}", style="bold")
        habit = [] if self.habit is None else [Text(self.habit[0].upper() + self.habit[1:] + ".")]
        return Group(head, *habit, table)

    def to_html(self) -> str:
        """As a page with its charts."""
        text = [
            f"{meaning}: {'not known' if value is None else shown(value, unit, self.currency)}"
            for _, meaning, unit, value in self.said
        ]
        charts = {"How likely a customer still, day by day": alive_plot(list(self.days), np.array(self.alive))}
        if self.survival:
            waiting = waiting_plot(np.array(self.ahead), np.array(self.survival))
            charts["When the next order comes"] = waiting
        figures = [Figure(name, str(chart.description), chart) for name, chart in charts.items()]
        title = f"Customer {self.customer_id}, as of {self.as_of:%Y-%m-%d}"
        return render(title, [Section(title, [*([self.habit] if self.habit else []), *text], figures=figures)])


def ahead(shop: Shop, customer_id: str, as_of: datetime) -> Ahead:
    """What is to come of one customer, by the model in use.

    Raises
    ------
    NotFoundError
        If the log does not know the customer before the moment, or nothing was learned.
    NotEnoughError
        If the customer had not ordered by then.
    """
    require_known(shop, customer_id, as_of)
    pairs = pa.table({"customer_id": [customer_id], "as_of": pa.array([as_of], TIME)})
    customer = shop.identities.customers(pairs)[0].as_py()
    pairs = pairs.set_column(0, "customer_id", pa.array([customer]))
    moments = _order_seconds(shop, pairs, as_of)
    if not len(moments):
        raise NotEnoughError(f"{customer_id} had no order before {as_of:%Y-%m-%d}: an outlook needs one.")
    model = in_use(shop)
    inputs = inputs_of(shop, shop.tables.of("profile", pairs), model)
    risk = model.predict(features_of(inputs, model.names))
    said = tuple(
        (
            field.name,
            field.metadata[b"meaning"].decode(),
            field.metadata[b"unit"].decode(),
            None if np.isnan(values[0]) else float(values[0]),
        )
        for field, values in foreseen(model, inputs, risk)
    )
    days, alive = ((), np.zeros(0)) if model.rhythm is None else alive_by_day(model.rhythm.orders, moments, as_of)
    survival = np.zeros(0) if model.outlook is None else np.append(1.0, model.outlook.survival(inputs, risk)[0])
    within = 0.0 if model.outlook is None else model.outlook.hazard.horizon_days
    return Ahead(
        customer_id=customer,
        as_of=as_of,
        currency=shop.config.shop.currency,
        said=said,
        habit=rhythm_words(inputs)[0],
        days=tuple(days),
        alive=tuple(alive.round(4).tolist()),
        ahead=tuple(np.linspace(0, within, len(survival)).tolist()),
        survival=tuple(survival.round(4).tolist()),
    )


def _order_seconds(shop: Shop, pairs: pa.Table, as_of: datetime) -> Floats:
    """When the customer ordered before a moment, ascending, in seconds."""
    end = ibis.literal(as_of, "timestamp('UTC')")
    own = shop.events_of(pairs).filter(ibis._.type == "order_completed", ibis._.time < end)
    found = shop.engine.to_arrow(own.select("time", "order_id").distinct())
    return np.sort(found["time"].cast(TIME).cast("int64").to_numpy() / 1e6)


def alive_by_day(model: ParetoNBD, moments: Floats, as_of: datetime) -> tuple[list[str], Floats]:
    """The chance of still being a customer, a day apart until a moment, each by what was known then.

    Parameters
    ----------
    moments : of the customer's orders, ascending, in seconds.

    Returns
    -------
    The days as YYYY-MM-DD, 730 at most, and the chance (d,) on each.
    """
    end = as_of.timestamp()
    count = min(int((end - moments[0]) // DAY) + 1, MOST_DAYS)
    at = end - DAY * np.arange(count)[::-1]
    known = np.searchsorted(moments, at)  # an order at a moment is not known as of it
    at, known = at[known > 0], known[known > 0]
    again = (known - 1).astype(float)
    last = np.where(again > 0, (moments[known - 1] - moments[0]) / DAY, 0.0)
    age = np.maximum((at - moments[0]) / DAY, last)
    histories = Histories(again, last, age, np.ones(len(again)), np.zeros(len(again)))
    return np.datetime_as_string((at * 1e6).astype("datetime64[us]"), unit="D").tolist(), model.alive(histories)
