"""What a price response draws: demand and profit by price, elasticities, and the way from list price to net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from altair.typing import ChartType

from regulars.errors import InputError
from regulars.evaluation import palette
from regulars.pricing.response.checking import Floats
from regulars.pricing.response.demand import Demand
from regulars.pricing.response.model import Elasticities
from regulars.pricing.response.profit import ProfitCurve

WIDTH, HEIGHT = 520, 300
MOST_POINTS = 200
MOST_BARS = 30


def demand_plot(curve: ProfitCurve, demand: Demand | None = None) -> ChartType:
    """Units a week by price: the curve with its interval, and the weeks that were.

    Parameters
    ----------
    demand : of which the product's weeks with stock are drawn, at most the last 200.
    """
    rows = [
        {"price": _short(p), "units": _short(u), "low": _short(a), "high": _short(b)}
        for p, u, a, b in zip(curve.price, curve.units, curve.units_low, curve.units_high, strict=True)
    ]
    layers = _band(rows, "units", "Units a week")
    if demand is not None:
        own = (demand.products[demand.series] == curve.product) & (demand.stocked > 0)
        weeks = [
            {"price": _short(float(np.exp(p))), "units": _short(u), "week": int(w)}
            for p, u, w in zip(demand.log_price[own], demand.units[own], demand.week[own], strict=True)
        ][-MOST_POINTS:]
        layers.append(
            alt.Chart(_rows(weeks))
            .mark_point(color=palette.BASELINE, filled=True, size=40, opacity=0.6)
            .encode(
                x="price:Q",
                y="units:Q",
                tooltip=[alt.Tooltip("week:Q"), alt.Tooltip("price:Q"), alt.Tooltip("units:Q")],
            )
        )
    return _layered(
        layers,
        f"Units of {curve.product} a week at each price. The line is what is expected under the last conditions, the "
        "band holds its mean with 95 %; points are weeks that were, under conditions of their own.",
    )


def profit_plot(curve: ProfitCurve) -> ChartType:
    """Profit a week by price, with its interval and the price that earns most."""
    rows = [
        {"price": _short(p), "profit": _short(u), "low": _short(a), "high": _short(b)}
        for p, u, a, b in zip(curve.price, curve.profit, curve.profit_low, curve.profit_high, strict=True)
    ]
    label = f"{curve.best:.2f}" + (", at the edge of what was asked" if curve.is_at_edge else "")
    best = alt.Chart(_rows([{"price": _short(curve.best), "label": label}]))
    # Towards the middle of the chart, so that nothing of it is cut off at the edge.
    is_right = curve.best > (min(curve.price) + max(curve.price)) / 2
    layers = [
        *_band(rows, "profit", "Profit a week"),
        best.mark_rule(color=palette.GOOD, strokeDash=[5, 4], strokeWidth=2).encode(x="price:Q"),
        best.mark_text(
            color=palette.GOOD, align="right" if is_right else "left", dx=-5 if is_right else 5, y=12
        ).encode(x="price:Q", text="label:N"),
    ]
    return _layered(
        layers,
        f"Profit of {curve.product} a week at each price, the band holds its mean with 95 %. The dashed line is the "
        "price that is expected to earn most.",
    )


def elasticity_plot(elasticities: Elasticities) -> ChartType:
    """Elasticities with their intervals, the most sensitive first; at most 30."""
    order = np.argsort(elasticities.value, kind="stable")[:MOST_BARS]
    rows = [
        {
            "name": elasticities.names[k],
            "value": _short(elasticities.value[k]),
            "low": _short(elasticities.low[k]),
            "high": _short(elasticities.high[k]),
        }
        for k in order
    ]
    names = [str(row["name"]) for row in rows]
    chart = alt.Chart(_rows(rows)).encode(y=alt.Y("name:N", title=None, sort=names))
    bars = chart.mark_rule(color=palette.MODEL, strokeWidth=3, opacity=0.6).encode(
        x=alt.X("low:Q", title="Change of demand in percent when the price rises by one percent"), x2="high:Q"
    )
    dots = chart.mark_point(color=palette.MODEL, filled=True, size=70, opacity=1).encode(x="value:Q")
    unit = alt.Chart(_rows([{"at": -1}])).mark_rule(color=palette.NEUTRAL, strokeDash=[5, 4]).encode(x="at:Q")
    found: ChartType = alt.layer(unit, bars, dots).properties(
        width=WIDTH,
        description="Each dot is an elasticity, bars hold it with 95 %. Left of the dashed line a lower price brings "
        "more revenue; right of it, less.",
    )
    return found


def waterfall_plot(list_price: float, steps: Sequence[tuple[str, float]]) -> ChartType:
    """From the list price to what is left: each discount, fee and cost takes its part.

    Parameters
    ----------
    steps : name and what it takes (below 0) or adds, in money, in order.

    Raises
    ------
    InputError
        If the list price is not above 0.

    Examples
    --------
    >>> chart = waterfall_plot(10.0, [("coupon", -1.5), ("unit cost", -6.0)])
    >>> [row["end"] for row in chart.to_dict()["data"]["values"]]
    [10.0, 8.5, 2.5, 2.5]
    """
    if not list_price > 0:
        raise InputError(f"list price {list_price:g}; a price above 0 is expected.")
    rows: list[dict[str, Any]] = [{"step": "List price", "begin": 0.0, "end": _short(list_price), "kind": "total"}]
    level = list_price
    for name, change in steps:
        kind = "takes" if change < 0 else "adds"
        rows.append({"step": name, "begin": _short(level), "end": _short(level + change), "kind": kind})
        level += change
    rows.append({"step": "Net", "begin": 0.0, "end": _short(level), "kind": "total"})
    for row in rows:
        row["amount"] = row["end"] - row["begin"]
        row["top"] = max(row["begin"], row["end"])
        row["label"] = f"{row['amount']:.2f}" if row["kind"] == "total" else f"{row['amount']:+.2f}"
    colours = alt.Scale(domain=["total", "takes", "adds"], range=[palette.MODEL, palette.BAD, palette.GOOD])
    data = _rows(rows)
    x = alt.X("step:N", title=None, sort=None, axis=alt.Axis(labelAngle=0))
    bars = (
        alt.Chart(data)
        .mark_bar()
        .encode(
            x=x,
            y=alt.Y("begin:Q", title="Money"),
            y2="end:Q",
            color=alt.Color("kind:N", legend=None, scale=colours),
            tooltip=[alt.Tooltip("step:N"), alt.Tooltip("amount:Q", format="+.2f")],
        )
    )
    words = alt.Chart(data).mark_text(dy=-8, color=palette.NEUTRAL).encode(x=x, y=alt.Y("top:Q"), text="label:N")
    found: ChartType = alt.layer(bars, words).properties(
        width=WIDTH, height=HEIGHT,
        description="The first bar is the list price, the last what is left of it; between them is what each step "
        "takes or adds.",
    )  # fmt: skip
    return found


def _band(rows: list[dict[str, Any]], column: str, title: str) -> list[Any]:
    chart = alt.Chart(_rows(rows)).encode(x=alt.X("price:Q", title="Price", scale=alt.Scale(zero=False)))
    return [
        chart.mark_area(color=palette.MODEL, opacity=0.2).encode(y=alt.Y("low:Q", title=title), y2="high:Q"),
        chart.mark_line(color=palette.MODEL, strokeWidth=2.5).encode(
            y=alt.Y(f"{column}:Q", title=title), tooltip=[alt.Tooltip("price:Q"), alt.Tooltip(f"{column}:Q")]
        ),
    ]


def _layered(layers: list[Any], description: str) -> ChartType:
    found: ChartType = alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, description=description)
    return found


def _short(number: float | Floats) -> float:
    """To six digits: a chart is read by eye, and is a part of a page."""
    return float(f"{float(number):.6g}")


def _rows(values: list[dict[str, Any]]) -> alt.Data:
    return alt.Data(values=values)  # type: ignore[no-untyped-call]
