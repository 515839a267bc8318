"""What a table says of each customer, found by the customer."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.config import CHANNELS
from regulars.errors import NotFoundError
from regulars.segment.rule import known_as_of

if TYPE_CHECKING:
    from regulars.shop import Shop


class People:
    """A table with one row a customer; `customer_id` and `as_of` are told once.

    Attributes
    ----------
    as_of : of what is told; None of decisions.

    Examples
    --------
    >>> people = People(pa.table({"customer_id": ["ada", "bob"], "risk": [0.25, None]}), "churn")
    >>> people.of("ada"), people.of("bob")
    ({'risk': 0.25}, {'risk': None})
    """

    def __init__(self, table: pa.Table, name: str, as_of: datetime | None = None) -> None:
        table = table.combine_chunks()
        self.name, self.as_of = name, as_of
        self.ids: list[str] = table["customer_id"].to_pylist()
        self._row = {customer: row for row, customer in enumerate(self.ids)}
        names = [column for column in table.column_names if column not in ("customer_id", "as_of")]
        self.table = table.select(names)
        self._columns = [(column, self.table[column].chunk(0)) for column in names] if self.ids else []

    def __reduce__(self) -> tuple[type[People], tuple[pa.Table, str, datetime | None]]:
        """To another process goes the table alone."""
        return People, (self.table.append_column("customer_id", pa.array(self.ids, pa.string())), self.name, self.as_of)

    @classmethod
    def described(cls, shop: Shop, name: str) -> People:
        """What a capability knows as of the newest event of all who have ordered, and the profile of all it knows."""
        now = shop.now
        pairs = known_as_of(shop, now) if name == "profile" else shop.customers(now)
        return cls(shop.tables.of(name, pairs), name, now)

    @classmethod
    def decided(cls, shop: Shop, name: str) -> People:
        """What a capability decided last."""
        return cls(shop.tables.read(name, "decisions"), name)

    @classmethod
    def contacts(cls, shop: Shop) -> People:
        """Whom to contact with what, as of the newest decisions of campaign or lifecycle."""
        found = []
        for name in ("campaign", "lifecycle"):
            try:
                found.append((shop.tables.read(name, "decisions"), name))
            except NotFoundError:
                continue
        if not found:
            raise NotFoundError("Nobody has decided whom to contact. Let it be decided: regulars decide campaign")
        table, name = max(found, key=lambda each: (each[0].schema.metadata or {})[b"as_of"])
        is_message = pc.is_in(table["channel"], pa.array(CHANNELS))
        return cls(table.filter(pc.or_(is_message, pc.equal(table["action"], "none"))), name)

    def __contains__(self, customer: str) -> bool:
        return customer in self._row

    def of(self, customer: str) -> dict[str, Any]:
        """The row of a customer.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        row = self._row.get(customer)
        if row is None:
            why = "" if self.as_of is None else ": it tells of those who have ordered"
            raise NotFoundError(f'{self.name} knows no customer "{customer}"{why}.')
        return {name: _plain(column[row].as_py()) for name, column in self._columns}

    def sorted_by(self, column: str, after: int, most: int) -> list[tuple[str, dict[str, Any]]]:
        """Customers by the highest values of a column, from a place on."""
        some = self._order(column)[after : after + most]
        return [(self.ids[row], self.of(self.ids[row])) for row in some.tolist()]

    def _order(self, column: str) -> Any:
        if column not in self._orders:
            values = pc.fill_null(self.table[column].cast(pa.float64()), -np.inf).to_numpy()
            self._orders[column] = np.argsort(-values, kind="stable")
        return self._orders[column]

    @cached_property
    def _orders(self) -> dict[str, Any]:
        return {}


def _plain(value: Any) -> Any:
    """As JSON has it: a number that is none is unknown."""
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124
