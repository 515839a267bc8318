"""Recommendations: a customer's list and why, what a rule would change of it, and how healthy lists are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from starlette.responses import Response

from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.screens import recommendation_rules
from regulars.console.visit import Visit
from regulars.recommend import Recommender

if TYPE_CHECKING:
    from regulars.console.app import Console
    from regulars.shop import Shop

screen = Screen("recommendations", group="customers")

COLUMNS = (Column("title"), Column("product_id", is_wide=True), Column("lists", "number"), Column("share", "share"))


class Health(NamedTuple):
    """How the lists that were decided last stand.

    Attributes
    ----------
    rows : product_id, title, lists, share (of all lists), of each product that is shown.
    lists : how many. products : of the catalogue.
    top_share : of all places, those that the ten products have that are shown most.
    as_of : of the decisions.
    """

    rows: list[dict[str, Any]]
    lists: int
    products: int
    top_share: float
    as_of: str


@screen.get("/recommendations", may=ALL)
def index(visit: Visit) -> Response:
    """A customer to try it as, and rules to try: the lists are a part that comes after."""
    asked = {name: visit.asked(name).strip() for name in ("id", "pin", "where")}
    return visit.page("recommendations/index.html", asked=asked, settings=visit.shop.config.recommend)


@screen.get("/recommendations/lists", may=ALL)
def lists(visit: Visit) -> Response:
    """What a customer is shown as the rules are, and as they would be."""
    customer = visit.customer()
    pin = tuple(part.strip() for part in visit.asked("pin").split(",") if part.strip())
    where = visit.asked("where")
    known = recommender(visit.console)
    with visit.console.reading() as shop:
        before = known.for_you(customer)
        settings = shop.config.recommend
        wanted = settings.model_copy(update={"pin": (*pin, *settings.pin)})
        other = recommendation_rules.tried(shop, known, wanted, visit.console.now) if pin else known
        after = other.for_you(customer, where=where) if pin or where else None
    shown = before.table.to_pylist()
    places = {row["product_id"]: row["rank"] for row in shown}
    return visit.page("recommendations/lists.html", id=customer, before=before, after=after, rows=shown, places=places)


@screen.get("/recommendations/why", may=ALL)
def why(visit: Visit) -> Response:
    """What each source has to do with the place of a product in a customer's list."""
    customer = visit.customer()
    found = recommender(visit.console).explain(customer, visit.asked("product"))
    rows = found.to_pylist()
    most = max((abs(row["share"]) for row in rows), default=1.0) or 1.0
    return visit.page("recommendations/why.html", rows=rows, most=most)


@screen.get("/recommendations/health", may=ALL)
def health(visit: Visit) -> Response:
    """How much of the catalogue the lists show, how evenly, and each product with its lists."""
    found = visit.console.kept.of("recommendations.health", visit.shop.log.version, _health)
    listing = Listing.of(visit, COLUMNS, ("q",), sort="-lists")
    wanted = listing.filters["q"].casefold()
    rows = [row for row in found.rows if wanted in f"{row['title']} {row['product_id']}".casefold()]
    return visit.page("recommendations/health.html", found=listing.of_rows(rows), health=found)


def recommender(console: Console) -> Recommender:
    """Of the newest event and the model in use."""
    key = console.shop.models.version_in_use("recommend"), console.shop.config.recommend
    version = console.shop.log.version
    return console.kept.of("recommendations", version, lambda shop: Recommender.open(shop, shop.now), key=key)


screen.warmed.append(recommender)


def _health(shop: Shop) -> Health:
    table = shop.tables.read("recommend", "decisions")
    shown = pa.table({"product_id": pc.list_flatten(table["products"]), "title": pc.list_flatten(table["titles"])})
    counted = shown.group_by("product_id").aggregate([("product_id", "count"), ("title", "max")])
    count = max(table.num_rows, 1)
    rows = [
        {"product_id": row["product_id"], "title": row["title_max"] or row["product_id"],
         "lists": row["product_id_count"], "share": row["product_id_count"] / count}
        for row in counted.to_pylist()
    ]  # fmt: skip
    catalogue = shop.catalogue
    products = shop.engine.to_arrow(catalogue.product_id.nunique()).as_py()
    top = sum(sorted((row["lists"] for row in rows), reverse=True)[:10]) / max(shown.num_rows, 1)
    as_of = (table.schema.metadata or {}).get(b"as_of", b"").decode()[:10]
    return Health(rows, table.num_rows, products, top, as_of)


screen.routes += recommendation_rules.screen.routes
