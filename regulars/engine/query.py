"""Queries that are written once and asked of many tables."""

from __future__ import annotations

from dataclasses import dataclass, field

import ibis
from ibis.backends import BaseBackend

__all__ = ["Query"]


@dataclass(frozen=True, eq=False)
class Query:
    """An expression as an engine reads it, written of tables that are named only when it is asked.

    To write a large expression takes longer than to answer it of a small shop: a second of Python for all
    features. So each dialect of it is written once. `Engine.answers` asks it.

    Examples
    --------
    >>> orders = Query.stand_in("orders", ibis.schema({"customer": "string", "price": "float64"}))
    >>> Query(orders.filter(orders.price > 4)).sql(ibis.duckdb.connect())
    '(SELECT * FROM "orders" AS "t0" WHERE "t0"."price" > 4)'
    """

    expression: ibis.Table
    _written: dict[str, str] = field(default_factory=dict, repr=False)

    def sql(self, backend: BaseBackend) -> str:
        """As an engine reads it."""
        if backend.name not in self._written:
            self._written[backend.name] = f"({backend.compile(self.expression)})"
        return self._written[backend.name]

    @staticmethod
    def stand_in(name: str, schema: ibis.Schema) -> ibis.Table:
        """A table that will be there under this name when the query is asked."""
        return ibis.table(schema, name=name)
