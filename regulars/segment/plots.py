"""Charts of segments: the map, stability beside its nulls, the grid of RFM, and who moved where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from altair.typing import ChartType

from regulars.evaluation import palette
from regulars.segment.choice import Candidate
from regulars.segment.rfm import GRID, NAMES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SIZE = {"width": 360, "height": 260}
_POINTS = 400
_STEPS = 9
"""Of a ribbon from one side of the migration to the other."""
_FLOWS = 30


def map_plot(points: Floats, label: Ints, names: Sequence[str]) -> ChartType:
    """Customers on the two axes on which they differ most, coloured by segment.

    >>> chart = map_plot(np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([0, -1]), ["Frequent"])
    >>> [row["segment"] for row in chart.to_dict()["data"]["values"]]
    ['Frequent', 'none']
    """
    rng = np.random.default_rng(0)
    some = np.sort(rng.choice(len(points), min(len(points), _POINTS), replace=False))
    flat = points if points.shape[1] > 1 else np.hstack([points, np.zeros_like(points)])
    rows = [
        {"x": round(float(x), 3), "y": round(float(y), 3), "segment": names[k] if k >= 0 else "none"}
        for (x, y), k in zip(flat[some, :2], label[some], strict=True)
    ]
    chart: ChartType = (
        alt.Chart(_rows(rows))
        .mark_circle(size=28, opacity=0.65)
        .encode(
            x=alt.X("x:Q", title="First axis", axis=alt.Axis(labels=False, ticks=False)),
            y=alt.Y("y:Q", title="Second axis", axis=alt.Axis(labels=False, ticks=False)),
            color=alt.Color("segment:N", title=None, legend=alt.Legend(orient="bottom", columns=2, labelLimit=240)),
            tooltip=[alt.Tooltip("segment:N", title="Segment")],
        )
        .properties(
            **_SIZE,
            description="Each dot is a customer, on the two axes on which customers differ most: groups that lie "
            "apart are apart, but groups may also differ on axes that are not drawn.",
        )
    )
    return chart


def stability_plot(candidates: Sequence[Candidate]) -> ChartType:
    """How firm k-means is by the number of clusters, beside data without any; of one space."""
    rows = []
    for one in candidates:
        if one.of_nulls:
            rows += [
                {"k": one.figures.k, "data": "Customers", "stability": round(one.stability, 4)},
                {"k": one.figures.k, "data": "Columns shuffled", "stability": _mean(one.null_stability("shuffled"))},
                {"k": one.figures.k, "data": "One cloud", "stability": _mean(one.null_stability("cloud"))},
            ]
    kinds = ["Customers", "Columns shuffled", "One cloud"]
    colours = [palette.MODEL, palette.BASELINE, palette.NEUTRAL]
    chart: ChartType = (
        alt.Chart(_rows(rows))
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=alt.X("k:O", title="Clusters"),
            y=alt.Y("stability:Q", title="Adjusted Rand index", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color(
                "data:N", title=None, scale=alt.Scale(domain=kinds, range=colours), legend=alt.Legend(orient="top")
            ),
            tooltip=[
                alt.Tooltip("data:N", title="Data"),
                alt.Tooltip("k:O", title="Clusters"),
                alt.Tooltip("stability:Q", title="Stability", format=".2f"),
            ],
        )
        .properties(
            **_SIZE,
            description="How far clusters are the same when they are made again from a bootstrap draw (k-means). Only "
            "where the customers' line is above both others is that more than such a method finds in noise.",
        )
    )
    return chart


def rfm_plot(scores: Ints) -> ChartType:
    """How many customers are in each cell, by recency and by frequency and money.

    >>> chart = rfm_plot(np.array([[5, 5, 5], [5, 4, 5], [1, 1, 1]]))
    >>> max(chart.to_dict()["data"]["values"], key=lambda row: row["customers"])["cell"]
    'Champions'
    """
    worth = (scores[:, 1] + scores[:, 2] + 1) // 2
    count = np.zeros((5, 5), np.int64)
    np.add.at(count, (scores[:, 0] - 1, worth - 1), 1)
    rows = [
        {"recency": r + 1, "worth": w + 1, "customers": int(count[r, w]), "cell": NAMES[GRID[r, w]]}
        for r in range(5)
        for w in range(5)
    ]
    base = alt.Chart(_rows(rows)).encode(
        x=alt.X("recency:O", title="Recency score (5 is most recent)", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("worth:O", title="Frequency and money", sort="descending"),
        tooltip=[alt.Tooltip("cell:N", title="Cell"), alt.Tooltip("customers:Q", title="Customers", format=",")],
    )
    cells = base.mark_rect().encode(
        color=alt.Color("customers:Q", title="Customers", scale=alt.Scale(range=["#e8eef6", palette.MODEL]))
    )
    text = base.mark_text(fontSize=9, lineBreak=" ").encode(
        text="cell:N",
        color=alt.condition(alt.datum.customers > count.max() * 0.6, alt.value("white"), alt.value("#1c2733")),
    )
    chart: ChartType = alt.layer(cells, text).properties(
        **_SIZE, description="Each square is one pair of scores, named after its cell: the darker, the more customers."
    )
    return chart


def migration_plot(matrix: pa.Table, order: Sequence[str] = ()) -> ChartType:
    """Who moved where: a ribbon for each pair, as wide as it has customers; see `migration.Migration.matrix`.

    Parameters
    ----------
    order : of the names, from top to bottom. Default: the largest first.

    >>> table = pa.table({"from": ["a", "a"], "to": ["a", "b"], "customers": [3, 1], "share": [0.75, 0.25]})
    >>> sorted({row["flow"] for row in migration_plot(table).to_dict()["layer"][0]["data"]["values"]})
    ['a → a', 'a → b']
    """
    flows = matrix.slice(0, _FLOWS).to_pylist()
    size = Counter[str]()
    for flow in flows:
        size.update({flow["from"]: flow["customers"], flow["to"]: flow["customers"]})
    names = [*(name for name in order if name in size), *(name for name, _ in size.most_common() if name not in order)]
    place = {name: number for number, name in enumerate(names)}
    sides = [_stacked(flows, "from", "to", place), _stacked(flows, "to", "from", place)]
    ribbons, bars = [], []
    # A smooth step from one height to the other.
    way = np.linspace(0, 1, _STEPS)
    bend = way * way * (3 - 2 * way)
    for number, flow in enumerate(flows):
        (low, high), (low_after, high_after) = sides[0][number], sides[1][number]
        for x, share in zip(way, bend, strict=True):
            ribbons.append(
                {
                    "flow": f"{flow['from']} → {flow['to']}",
                    "from": flow["from"],
                    "x": round(float(x), 3),
                    "y": round(low + (low_after - low) * float(share), 2),
                    "y2": round(high + (high_after - high) * float(share), 2),
                    "customers": flow["customers"],
                }
            )
    for x, side, key in ((0.0, sides[0], "from"), (1.0, sides[1], "to")):
        for name in dict.fromkeys(flow[key] for flow in flows):
            heights = [side[number] for number, flow in enumerate(flows) if flow[key] == name]
            middle = (min(low for low, _ in heights) + max(high for _, high in heights)) / 2
            bars.append({"x": x, "y": middle, "name": name, "side": key})
    scale = alt.Scale(domain=[-0.55, 1.55])
    area = (
        alt.Chart(_rows(ribbons))
        .mark_area(opacity=0.55)
        .encode(
            x=alt.X("x:Q", scale=scale, axis=None),
            y=alt.Y("y:Q", axis=None, scale=alt.Scale(reverse=True)),
            y2="y2:Q",
            detail="flow:N",
            color=alt.Color("from:N", legend=None, sort=names),
            tooltip=[alt.Tooltip("flow:N", title="Moved"), alt.Tooltip("customers:Q", title="Customers", format=",")],
        )
    )
    aligned: tuple[tuple[str, Literal["left", "right"], int], ...] = (("from", "right", -6), ("to", "left", 6))
    texts = [
        alt.Chart(_rows([bar for bar in bars if bar["side"] == side]))
        .mark_text(align=align, dx=dx, fontSize=12, limit=240, color=palette.NEUTRAL)
        .encode(x=alt.X("x:Q", scale=scale, axis=None), y="y:Q", text="name:N")
        for side, align, dx in aligned
    ]
    chart: ChartType = alt.layer(area, *texts).properties(
        width=460,
        height=300,
        description="From left to right: where customers were, and where they are. A ribbon is as wide as it has "
        f"customers; the {_FLOWS} widest are drawn.",
    )
    return chart


def _stacked(
    flows: Sequence[dict[str, Any]], key: str, other: str, place: Mapping[str, int]
) -> dict[int, tuple[float, float]]:
    """Where each flow begins and ends on one side, groups one after another with a gap between."""
    total = sum(flow["customers"] for flow in flows)
    order = sorted(range(len(flows)), key=lambda number: (place[flows[number][key]], place[flows[number][other]]))
    found, at, last = {}, 0.0, None
    for number in order:
        if last is not None and flows[number][key] != last:
            at += total * 0.03
        last = flows[number][key]
        found[number] = at, at + flows[number]["customers"]
        at += flows[number]["customers"]
    return found


def _mean(values: Floats) -> float:
    return round(float(values.mean()), 4)


def _rows(values: list[dict[str, Any]]) -> alt.Data:
    return alt.Data(values=values)  # type: ignore[no-untyped-call]
