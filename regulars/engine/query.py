"""Queries that are written once and asked of many tables."""

from __future__ import annotations

from dataclasses import dataclass

import ibis

__all__ = ["Query"]


@dataclass(frozen=True)
class Query:
    """An expression as the engine reads it, written of tables that are named only when it is asked.

    To write a large expression takes longer than to answer it of a small shop: a second of Python for all
    features. `Engine.answers` asks it.

    Examples
    --------
    >>> orders = Query.stand_in("orders", ibis.schema({"customer": "string", "price": "float64"}))
    >>> Query.of(orders.filter(orders.price > 4)).sql
    '(SELECT * FROM "orders" AS "t0" WHERE "t0"."price" > 4)'
    """

    sql: str

    @classmethod
    def of(cls, expression: ibis.Expr) -> Query:
        """Written from an expression of `stand_in` tables."""
        return cls(f"({ibis.to_sql(expression, dialect='duckdb', pretty=False)})")

    @staticmethod
    def stand_in(name: str, schema: ibis.Schema) -> ibis.Table:
        """A table that will be there under this name when the query is asked."""
        return ibis.table(schema, name=name)
