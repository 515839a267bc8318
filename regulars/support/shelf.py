"""What a customer may be offered: the products of the shop's catalogue, and those recommended to each customer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import ibis

from regulars.errors import NotFoundError
from regulars.language import LanguageError
from regulars.language.search import Index
from regulars.support.answer import Item, Products

if TYPE_CHECKING:
    from regulars.shop import Shop


def products_of(shop: Shop) -> Products | None:
    """The catalogue as it is now, searched; None of a shop without one. What has no price is not offered."""
    catalogue = shop.catalogue
    newest = catalogue.group_by("product_id").agg(valid_from=catalogue.valid_from.max())
    rows = catalogue.inner_join(newest, ["product_id", "valid_from"]).filter(ibis._.list_price.notnull())
    found = shop.engine.to_arrow(rows.order_by("product_id")).to_pylist()
    if not found:
        return None
    items = [
        Item(
            row["product_id"], row["title"] or row["product_id"], row["list_price"],
            " ".join(filter(None, [row["category"], row["brand"], row["text"]])),
            row["stock"] is None or row["stock"] > 0,
        )
        for row in found
    ]  # fmt: skip
    index = Index.of(shop.config.language, shop.folder / "cache" / "products.parquet", shop.state)
    try:
        return Products(items, index)
    except LanguageError:
        return Products(items)  # the endpoint that makes vectors is away: by the encoder that is always there


def recommended_of(shop: Shop) -> Callable[[str], Sequence[str]]:
    """The products of each customer's newest list, the best first; none where none was decided.

    The table is read once for each that is written.
    """

    folder = shop.tables.folder / "recommend"

    @lru_cache(maxsize=1)
    def lists(written: tuple[str, int]) -> dict[str, list[str]]:
        table = shop.tables.read("recommend", "decisions").select(["customer_id", "products"])
        return {row["customer_id"]: row["products"] for row in table.to_pylist()}

    def recommended(customer: str) -> Sequence[str]:
        newest = max(folder.glob("decisions-*.parquet"), default=None)
        try:
            # By name and time: to read it all for each question would take longer than the answer.
            return () if newest is None else lists((newest.name, newest.stat().st_mtime_ns)).get(customer, ())
        except (NotFoundError, FileNotFoundError, KeyError):
            return ()

    return recommended
