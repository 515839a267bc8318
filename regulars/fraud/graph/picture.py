"""A ring as a picture: its customers, what they share, and the accounts that it came into."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
from altair.typing import ChartType
from scipy import sparse

from regulars.evaluation import palette
from regulars.fraud.graph.evidence import Floats
from regulars.fraud.graph.layout import layout
from regulars.fraud.graph.rings import Rings
from regulars.fraud.stream import Ints, Stream

MOST = 60
"""So many customers are drawn at most: those with the most links."""
WIDTH, HEIGHT, NARROWEST = 760, 520, 480
MANY = 80
"""More links than these are drawn paler."""
NAMED = 40
"""Up to so many nodes each has its name beside it; of more, those that customers share."""
LONGEST = 18
"""Letters of a name on the page; the tooltip has all."""
STEP = 130
"""Pixels of a step of the graph, at most: a small ring is a small picture."""
HOLLOW = "M-1,0A1,1,0,1,1,1,0A1,1,0,1,1,-1,0M-.5,0A.5,.5,0,1,0,.5,0A.5,.5,0,1,0,-.5,0Z"
"""A circle with a hole, as SVG."""
KINDS = {
    "customer": ("Customer", "circle", palette.MODEL),
    "customer, fraud": ("Customer with a known fraud", "circle", palette.BAD),
    "taken": ("Account of another, entered after a failed sign-in", HOLLOW, palette.BASELINE),
    "taken, fraud": ("The same, with a known fraud", HOLLOW, palette.BAD),
    "device": ("Device", "square", palette.NEUTRAL),
    "payment": ("Card", "diamond", palette.NEUTRAL),
    "address": ("Address", "triangle-up", palette.NEUTRAL),
    "phone": ("Phone", "triangle-down", palette.NEUTRAL),
    "ip": ("IP", "cross", palette.NEUTRAL),
}
READING = (
    "Round marks are customers, others what at least two of them share; a line joins who was seen with what, the "
    "thicker the more often. Hollow marks are accounts that were probably taken over, and stand beside the ring."
)


def picture(rings: Rings, ring: int, stream: Stream) -> ChartType:
    """Draw a ring.

    Parameters
    ----------
    rings : of the stream.
    ring : its number, from 1.
    stream : what the rings were found in.

    Returns
    -------
    Altair chart: at most 60 customers, those with the most links, and what at least two of them share
    """
    drawn, is_taken = _customers(rings, ring)
    links = rings.links
    inside = np.flatnonzero(np.isin(links.customer, drawn))
    many = np.flatnonzero(np.bincount(links.entity[inside], minlength=links.rows.shape[1]) > 1)
    inside = inside[np.isin(links.entity[inside], many)]
    one = np.searchsorted(drawn, links.customer[inside])
    other = len(drawn) + np.searchsorted(many, links.entity[inside])
    count = len(drawn) + len(many)
    graph = sparse.coo_array((np.ones(len(one)), (one, other)), shape=(count, count)).tocsr()
    places = layout(graph + graph.T)
    nodes = _customer_nodes(stream, drawn, is_taken) + _entity_nodes(rings, many, other, len(drawn))
    for node, (x, y) in zip(nodes, places.round(3).tolist(), strict=True):
        node.update(x=x, y=y)
        node["label"] = _short(node["name"]) if count <= NAMED or node["kind"] not in _PEOPLE else ""
    rows = links.rows.data[inside].astype(int).tolist()
    edges = [
        {"x": nodes[a]["x"], "y": nodes[a]["y"], "x2": nodes[b]["x"], "y2": nodes[b]["y"], "rows": number,
         "between": f"{nodes[a]['name']} – {nodes[b]['name']}"}
        for a, b, number in zip(one.tolist(), other.tolist(), rows, strict=True)
    ]  # fmt: skip
    left_out = len(rings.members(ring)) + len(rings.taken(ring)) - len(drawn)
    reading = READING + (f" {left_out} customers with fewer links are left out." if left_out else "")
    return _chart(nodes, edges, places, reading)


_PEOPLE = {name for kind, (name, _, _) in KINDS.items() if kind.startswith(("customer", "taken"))}


def _customers(rings: Rings, ring: int) -> tuple[Ints, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Codes of who is drawn, rising, and who of them is a victim."""
    members, taken = rings.members(ring), rings.taken(ring)
    all_of_it = np.concatenate([members, taken])
    linked = np.diff(rings.links.rows.indptr)[all_of_it].astype(np.int64)
    linked[: len(members)] += int(linked.max(initial=0)) + 1  # members come before victims
    drawn = np.sort(all_of_it[np.argsort(-linked, kind="stable")[:MOST]])
    return drawn, np.isin(drawn, taken)


def _customer_nodes(stream: Stream, drawn: Ints, is_taken: Any) -> list[dict[str, Any]]:
    label, _ = stream.labels()
    attempts = stream.attempts
    buyer = stream.codes["customer"][attempts]
    mine = np.flatnonzero(np.isin(buyer, drawn))
    place = np.searchsorted(drawn, buyer[mine])
    orders = np.bincount(place, minlength=len(drawn)).tolist()
    frauds = np.bincount(place[label[mine] == 1], minlength=len(drawn)).tolist()
    amount = np.bincount(place, weights=stream.cents[attempts[mine]], minlength=len(drawn)) / 100
    names = stream.names["customer"].take(drawn).to_pylist()
    kinds = [
        ("taken" if taken else "customer") + (", fraud" if known else "")
        for taken, known in zip(is_taken.tolist(), frauds, strict=True)
    ]
    return [
        {"name": name, "kind": KINDS[kind][0], "about": f"{many} attempts, {spent:,.2f}; known frauds: {known}"}
        for name, kind, many, spent, known in zip(names, kinds, orders, amount.tolist(), frauds, strict=True)
    ]


def _entity_nodes(rings: Rings, many: Ints, other: Ints, first: int) -> list[dict[str, Any]]:
    links = rings.links
    kind = links.kind_of(many)
    sharing = np.bincount(other - first, minlength=len(many)).tolist()
    found = []
    for place, column, customers in zip(kind.tolist(), many.tolist(), sharing, strict=True):
        name = links.kinds[place]
        value = rings.names[name][column - int(links.starts[place])].as_py()
        found.append({"name": str(value), "kind": KINDS[name][0], "about": f"shared by {customers} customers"})
    return found


def _chart(nodes: list[dict[str, Any]], edges: list[dict[str, Any]], places: Floats, reading: str) -> ChartType:
    there = [said for said in KINDS.values() if any(node["kind"] == said[0] for node in nodes)]
    domain = [said[0] for said in there]
    # One unit is as long in both directions, so that a star looks like one; with room for names at the rim.
    low, high = places.min(0), places.max(0)
    middle, span = (low + high) / 2, (high - low) * 1.12 + 0.6
    unit = max(span[0] / WIDTH, span[1] / HEIGHT, 1 / STEP)
    width, height = max(float(span[0] / unit), NARROWEST), float(span[1] / unit)
    x_scale, y_scale = (
        alt.Scale(domain=[float(at - unit * size / 2), float(at + unit * size / 2)], nice=False, zero=False)
        for at, size in zip(middle, (width, height), strict=True)
    )
    x, y = alt.X("x:Q", axis=None, scale=x_scale), alt.Y("y:Q", axis=None, scale=y_scale)
    lines = (
        alt.Chart(_rows(edges))
        .mark_rule(color=palette.NEUTRAL, opacity=0.5 if len(edges) <= MANY else 0.25)
        .encode(
            x=x, y=y, x2="x2:Q", y2="y2:Q",
            strokeWidth=alt.StrokeWidth("rows:Q", scale=alt.Scale(type="sqrt", range=[1, 4]), legend=None),
            tooltip=[alt.Tooltip("between:N", title="Together"), alt.Tooltip("rows:Q", title="Events", format=",")],
        )
    )  # fmt: skip
    base = alt.Chart(_rows(nodes)).encode(x=x, y=y)
    points = base.mark_point(filled=True, size=190, opacity=1, stroke="white", strokeWidth=1.5).encode(
        shape=alt.Shape(
            "kind:N",
            title=None,
            scale=alt.Scale(domain=domain, range=[said[1] for said in there]),
            legend=alt.Legend(orient="top", columns=3, labelLimit=300, symbolSize=120),
        ),
        color=alt.Color("kind:N", title=None, scale=alt.Scale(domain=domain, range=[said[2] for said in there])),
        tooltip=[
            alt.Tooltip("kind:N", title="Kind"),
            alt.Tooltip("name:N", title="Name"),
            alt.Tooltip("about:N", title="About"),
        ],
    )
    # A name is written twice: below, in white, so that lines do not run through it.
    halo = base.mark_text(dy=-15, fontSize=10, stroke="white", strokeWidth=4, strokeJoin="round", opacity=0.85)
    names = base.mark_text(dy=-15, fontSize=10, color="#4a5361")
    chart: ChartType = (
        alt.layer(lines, halo.encode(text="label:N"), points, names.encode(text="label:N"))
        .properties(width=width, height=height, description=reading)
        .configure_view(stroke=None)
    )
    return chart


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST // 2]}…{name[-LONGEST // 2 + 1 :]}"


def _rows(values: list[dict[str, Any]]) -> alt.Data:
    return alt.Data(values=values)  # type: ignore[no-untyped-call]
