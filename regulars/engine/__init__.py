"""Where tables are computed: Ibis on DuckDB. The only package that names an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regulars.engine.query import Query
    from regulars.engine.tables import Engine

__all__ = ["Engine", "Query"]


def __getattr__(name: str) -> Any:
    # Only when it is asked for: the processes that read files need `engine.json`, and not Ibis.
    if name == "Engine":
        from regulars.engine.tables import Engine  # noqa: PLC0415

        return Engine
    if name == "Query":
        from regulars.engine.query import Query  # noqa: PLC0415

        return Query
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
