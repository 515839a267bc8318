"""Shopify's export of products: a row for each variant; what is of the whole product stands on its first row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.formats.format import whole_orders
from regulars.events.formats.orders import Orders
from regulars.events.readers import Chunk, RawRows

OPTIONS = ("Option1 Value", "Option2 Value", "Option3 Value")
NO_CHOICE = "Default Title"
"""The one value of a product that comes in one kind."""
OF_THE_PRODUCT = ("Handle", "Title", "Vendor", "Type", "Product Category")
READ = (*OF_THE_PRODUCT, *OPTIONS, "Variant SKU", "Variant Price")


class ShopifyProducts:
    """Products > Export."""

    name = "shopify_products"
    weakness = ""
    added: tuple[str, ...] = ("product", "name", "category")

    def recognises(self, headers: Sequence[str]) -> bool:
        """By the columns of a variant."""
        return {"Handle", "Title", "Variant SKU", "Variant Price"} <= set(headers)

    def reads(self, headers: Sequence[str]) -> tuple[str, ...]:
        """Those of its columns that the file has."""
        return tuple(name for name in READ if name in headers)

    def unfold(self, pieces: Iterator[Chunk], columns: Sequence[str]) -> Iterator[Chunk]:
        """Products are whole in each piece."""
        for rows in whole_orders(pieces, "Handle"):
            yield partial(_unfold, rows, tuple(columns))


def _unfold(rows: RawRows, columns: tuple[str, ...]) -> RawRows:
    variants = _Variants(rows.table)
    table = pa.table({name: variants.column(name) for name in columns})
    return RawRows(table, rows.lines[variants.rows], rows.rejects)


class _Variants(Orders):
    """Runs of rows are products here, and their lines are variants; further rows hold pictures alone."""

    def __init__(self, table: pa.Table) -> None:
        super().__init__(table, "Handle")
        self.add(once=False, where=pc.is_valid(pc.coalesce(self.of_row("Variant Price"), self.of_row("Variant SKU"))))
        title = self.of_order("Title")
        first, *others = (self.of_row(name) for name in OPTIONS)
        values = [pc.if_else(pc.equal(first, NO_CHOICE), None, first), *others]
        # To skip what is null there, Arrow drops rows of nothing else.
        joined = pc.binary_join_element_wise(*values, " / ", null_handling="replace", null_replacement="")
        options = pc.replace_substring_regex(joined, r"( / )+$", "")
        # As the lines of its orders are called.
        name = pc.if_else(pc.not_equal(options, ""), pc.binary_join_element_wise(title, options, " - "), title)
        # Shopify writes an apostrophe before what a spreadsheet would take for a number.
        sku = pc.replace_substring_regex(self.of_row("Variant SKU"), r"^'([+\d])", r"\1")
        kind = pc.coalesce(self.of_order("Type"), self.of_order("Product Category"))
        self.made = {
            "product": lambda: self.take(pc.coalesce(sku, name)),
            "name": lambda: self.take(name),
            "category": lambda: self.take(kind),
        }

    def column(self, name: str) -> pa.Array:
        """A column of the variants; what is of the product stands on each of them."""
        return super().column(name) if name in (*self.made, *OF_THE_PRODUCT) else self.take(self.of_row(name))
