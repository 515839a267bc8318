"""How many customers a rule means, as it is being typed: all that it can ask for lies ready in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.customers import withheld
from regulars.rules import History, Rule
from regulars.segment.rule.columns import table_of
from regulars.segment.rule.events import FIELDS, OF_PRODUCTS, events_as_of, products_as_of
from regulars.segment.rule.values import Values
from regulars.segment.rule.words import Words

if TYPE_CHECKING:
    from regulars.shop import Shop

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Count:
    """How many customers a rule means.

    Attributes
    ----------
    members : of whom it is true, without those who forbade profiling.
    contactable : of these, who did not forbid marketing.
    left_out : of whom it is true and who forbade profiling.
    customers : all there are.
    notes : what should be known of the log; see `Words.notes`.
    """

    members: int
    contactable: int
    left_out: int
    customers: int
    notes: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Members, of all customers."""
        return self.members / self.customers if self.customers else 0.0


class Counter:
    """The customers of a shop as of a moment, ready to be counted by any rule.

    Preparing takes a pass over the log, and memory for every column of every customer and every event. A count then
    reads only the columns that the rule names and the events of the types and windows that it asks for: its time grows
    with the customers and with those events, and not with the rest of the log.

    Attributes
    ----------
    words : what rules may speak of.
    as_of : the moment.
    table : the customers, by id, with all columns; texts are encoded.
    values : which values columns and fields have.
    """

    def __init__(
        self, words: Words, as_of: datetime, table: pa.Table, history: History, forbidden: dict[str, Mask]
    ) -> None:
        self.words, self.as_of, self.table = words, as_of, table
        self._history = history
        self.values = Values(table, history)
        self._may_profile, self._may_market = ~forbidden["profiling"], ~forbidden["marketing"]

    @classmethod
    def of(cls, shop: Shop, as_of: datetime, *, words: Words | None = None) -> Counter:
        """Prepare the customers of a shop; NotEnoughError if there are none.

        Parameters
        ----------
        words : what rules may speak of, where it is at hand.
        """
        words = words or Words.of(shop, as_of)
        names = [name for name in words.columns if name != "customer_id"]
        table = table_of(shop, as_of, words.columns, names)
        customers = table["customer_id"].combine_chunks()
        history = _history(shop, customers, as_of)
        forbidden = {
            purpose: np.asarray(pc.is_in(customers, withheld(shop, purpose, as_of)))
            for purpose in ("profiling", "marketing")
        }
        return cls(words, as_of, _encoded(table), history, forbidden)

    def mask(self, rule: str) -> Mask:
        """(customers,) of whom a rule is true, whatever they forbade; RuleError if it cannot be read."""
        return self._mask(self.words.rule(rule))

    def _mask(self, rule: Rule) -> Mask:
        return rule.mask(self.table, history=self._history, as_of=self.as_of)

    def count(self, rule: str) -> Count:
        """How many customers a rule means; RuleError if it cannot be read."""
        found = self.words.rule(rule)
        is_meant = self._mask(found)
        is_member = is_meant & self._may_profile
        count = int(is_member.sum())
        return Count(
            members=count,
            contactable=int((is_member & self._may_market).sum()),
            left_out=int(is_meant.sum()) - count,
            customers=self.table.num_rows,
            notes=tuple(self.words.notes(found)),
        )


def _history(shop: Shop, customers: pa.Array, as_of: datetime) -> History:
    """The events of customers with the fields of `FIELDS`, read piece by piece: their texts alone would fill memory."""
    engine = shop.engine
    products = engine.to_arrow(products_as_of(shop, as_of)).rename_columns({"known_id": "product_id"})
    places = pa.table({"known_id": customers, "place": pa.array(np.arange(len(customers), dtype=np.int32))})
    known = engine.table(places)
    fields = [name for name in FIELDS if name not in OF_PRODUCTS]
    rows = events_as_of(shop, as_of, fields)
    rows = rows.join(known, rows.customer_id == known.known_id)
    of_lines = engine.to_arrow(shop.events.filter(ibis._.line > 0).select("type").distinct())["type"].to_pylist()
    # A number in place of the event's name: among those of one customer two names never have the same one.
    event = ibis.ifelse(rows.type.isin([*of_lines, "order_completed"]), rows.event.hash(), ibis.null("int64"))
    with engine.pieces(rows.select("place", "time", "type", *fields, event=event)) as pieces:
        return History(map(_encoded, pieces), len(customers), products)


def _encoded(table: pa.Table) -> pa.Table:
    """A table in one chunk a column, its texts encoded: a rule asks each text once, not each row."""
    columns: dict[str, Any] = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pa.types.is_string(column.type) and name != "customer_id":
            column = column.dictionary_encode()
        elif pa.types.is_list(column.type) and pa.types.is_string(column.type.value_type):
            values = column.flatten().dictionary_encode()
            ends = np.append(0, np.cumsum(pc.fill_null(pc.list_value_length(column), 0).to_numpy()))
            offsets = pa.array(ends, pa.int32())
            column = pa.ListArray.from_arrays(offsets, values, mask=column.is_null() if column.null_count else None)
        columns[name] = column
    return pa.table(columns)
