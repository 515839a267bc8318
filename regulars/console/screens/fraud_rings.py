"""Fraud: rings of customers who share devices, cards and addresses, each as a graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.compute as pc
from starlette.responses import Response

from regulars.console.charts import chart
from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.errors import NotFoundError
from regulars.fraud.attempts import Attempts, attempts
from regulars.fraud.graph import Rings, picture, rings, why

if TYPE_CHECKING:
    from regulars.fraud.stream import Stream
    from regulars.shop import Shop

screen = Screen("fraud")

RINGS = (
    Column("ring", "number"),
    Column("score", "share"),
    Column("customers", "number"),
    Column("devices", "number", is_wide=True),
    Column("cards", "number", is_wide=True),
    Column("addresses", "number", is_wide=True),
    Column("amount", "money"),
    Column("frauds", "number"),
    Column("taken", "number", is_wide=True),
)


class Linked(NamedTuple):
    """The rings of a shop, and the stream that they were found in."""

    rings: Rings
    stream: Stream

    def of(self, customer_id: str) -> int | None:
        """The number of the ring that a customer is in; None for none."""
        code = pc.index(self.stream.names["customer"], customer_id).as_py()
        if code < 0:
            return None
        found = np.flatnonzero(self.rings.group == self.rings.groups.of_customer[code])
        return int(found[0]) + 1 if len(found) else None


def attempts_of(visit: Visit) -> Attempts:
    """All attempts before the shop's present, read once for each version of the log."""
    return visit.console.kept.of("fraud.attempts", visit.shop.log.version, _at_present)


def _at_present(shop: Shop) -> Attempts:
    return shop.of_log("fraud.attempts", lambda: attempts(shop, shop.now))


def linked(visit: Visit) -> Linked:
    """The rings at present, found once for each version of the log."""

    def find(shop: Shop) -> Linked:
        stream = _at_present(shop).stream
        return Linked(rings(stream), stream)

    return visit.console.kept.of("fraud.rings", visit.shop.log.version, find)


@screen.get("/fraud/rings", may=ALL)
def index(visit: Visit) -> Response:
    """The rings; found when the page is there."""
    return visit.page("fraud/rings.html", sort=visit.asked("sort"), number=visit.asked("page"))


@screen.get("/fraud/rings/found", may=ALL)
def found(visit: Visit) -> Response:
    """All rings, the likeliest abuse first."""
    rows = linked(visit).rings.table.to_pylist()
    # Its links lead to the page that this is a part of.
    listing = replace(Listing.of(visit, RINGS, sort="ring"), path="/fraud/rings")
    return visit.page("fraud/rings_found.html", found=listing.of_rows(rows))


@screen.get("/fraud/ring", may=ALL)
def ring(visit: Visit) -> Response:
    """One ring; its graph is a part that comes after."""
    return visit.page("fraud/ring.html", number=visit.needed("number"))


@screen.get("/fraud/ring/graph", may=ALL)
def graph(visit: Visit) -> Response:
    """Who is in a ring, what they share, and why it looks like one."""
    there, text = linked(visit), visit.needed("number")
    if not text.isdecimal() or not 1 <= int(text) <= len(there.rings):
        raise NotFoundError(visit.t(".no_ring", ring=text))
    number, names = int(text), there.rings.names["customer"]
    drawn = picture(there.rings, number, there.stream)
    return visit.page(
        "fraud/ring_graph.html", drawn=chart(drawn, visit.t(".ring_about")),
        why=why(there.rings, number, "zh" if visit.language == "zh" else "en"),
        members=names.take(there.rings.members(number)).to_pylist(),
        taken=names.take(there.rings.taken(number)).to_pylist(), shared=there.rings.shared(number),
    )  # fmt: skip
