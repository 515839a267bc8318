"""Lists that sort, filter and page on the server, and whose state is the address of their page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import ibis
import sqlalchemy as sa

from regulars.console.visit import url

if TYPE_CHECKING:
    from regulars.console.visit import Visit
    from regulars.engine import Engine
    from regulars.state import State

SIZE = 50
FURTHEST = 1_000
"""Pages: who looks for more narrows the list down."""

Kind = Literal["text", "number", "money", "share", "date", "time", "badge", "yes", "said"]


class Column(NamedTuple):
    """A column of a list.

    Attributes
    ----------
    name : of its field, and of its word in the screen's catalogue: `column_NAME`.
    kind : how its values are shown; numbers stand at the right. What is "said" was written by a capability and is
        read in the language of who asks, as a badge is. A row's `looks`, if it has any, colours its badge.
    is_wide : left out on phones, unless somebody chose it.
    is_extra : shown where somebody chose it.
    """

    name: str
    kind: Kind = "text"
    is_wide: bool = False
    is_sorted: bool = True
    is_extra: bool = False


@dataclass(frozen=True)
class Found:
    """A page of a list.

    Attributes
    ----------
    rows : of this page. total: rows of all pages.
    """

    listing: Listing
    rows: list[dict[str, Any]]
    total: int

    def without(self, names: Sequence[str]) -> Found:
        """The same page without some columns: those that are empty in the whole list say nothing."""
        listing = self.listing
        columns, choices = (
            [column for column in some if column.name not in names] for some in (listing.columns, listing.choices)
        )
        return replace(self, listing=replace(listing, columns=columns, choices=choices))

    @property
    def pages(self) -> int:
        """How many there are, 1 at least."""
        return min(max(math.ceil(self.total / SIZE), 1), FURTHEST)


@dataclass(frozen=True)
class Listing:
    """What the address of a page asks of a list.

    Parameters
    ----------
    columns : that are shown: those that the address names (`columns=name`, once each), else all but extra ones; the
        first always, for it says what a row is of.
    choices : the columns to choose from: all but the first.
    chosen : what the address names.
    filters : the names in the address that narrow the list down, with what they say; all are kept in links.
    sort, is_falling : the column by which it is sorted.
    page : 1 or more.
    """

    path: str
    columns: Sequence[Column]
    choices: Sequence[Column]
    chosen: Sequence[str]
    filters: Mapping[str, str]
    sort: str
    is_falling: bool
    page: int

    @classmethod
    def of(cls, visit: Visit, columns: Sequence[Column], filters: Sequence[str] = (), sort: str = "") -> Listing:
        """What a request asks for; what it asks wrongly is as if it had not.

        Parameters
        ----------
        sort : the column where none is asked for, "-name" for the highest first. Default: the first.
        """
        names = [column.name for column in columns if column.is_sorted]
        asked = visit.asked("sort")
        if asked.removeprefix("-") not in names:
            asked = sort or names[0]
        page = visit.asked("page")
        choices = columns[1:]
        known = visit.request.query_params.getlist("columns")
        chosen = [column.name for column in choices if column.name in known]
        shown = [column._replace(is_wide=False) for column in choices if column.name in chosen]
        return cls(
            visit.request.url.path.removeprefix("/console"),
            [columns[0], *(shown or [column for column in choices if not column.is_extra])],
            choices,
            chosen,
            {name: visit.asked(name).strip() for name in filters},
            asked.removeprefix("-"),
            asked.startswith("-"),
            min(max(int(page), 1), FURTHEST) if page.isdecimal() and len(page) < 9 else 1,
        )

    def url(self, **changed: str) -> str:
        """The address of this list with something else: `url(page="2")`."""
        own = {**self.filters, "columns": self.chosen, "sort": ("-" if self.is_falling else "") + self.sort}
        return url(self.path, **{**own, **changed})

    def sorted_url(self, name: str) -> str:
        """The address of this list by a column; the other way round if it is by that one."""
        return self.url(sort=f"-{name}" if name == self.sort and not self.is_falling else name)

    def of_table(self, engine: Engine, table: ibis.Table) -> Found:
        """The page of a table of the engine: no more is read than it needs."""
        key = table[self.sort]
        order = [key.isnull(), key.desc() if self.is_falling else key.asc()]
        order += [table[table.columns[0]]] if self.sort != table.columns[0] else []
        total = engine.to_arrow(table.count()).as_py()
        rows = engine.to_arrow(table.order_by(order).limit(SIZE, offset=(self.page - 1) * SIZE))
        return Found(self, rows.to_pylist(), total)

    def of_state(self, state: State, asked: sa.Select[Any]) -> Found:
        """The page of a query of the state, whose columns are named as those of the list."""
        key = asked.selected_columns[self.sort]
        ordered = asked.order_by(key.desc() if self.is_falling else key.asc())
        with state.read() as view:
            total = view.execute(sa.select(sa.func.count()).select_from(asked.subquery())).scalar() or 0
            rows = view.execute(ordered.limit(SIZE).offset((self.page - 1) * SIZE)).mappings().all()
        return Found(self, [dict(row) for row in rows], total)

    def of_rows(self, rows: Sequence[Mapping[str, Any]]) -> Found:
        """The page of a few rows that are all there."""
        there = [row for row in rows if row[self.sort] is not None]
        there = sorted(there, key=lambda row: row[self.sort], reverse=self.is_falling)
        there += [row for row in rows if row[self.sort] is None]
        start = (self.page - 1) * SIZE
        return Found(self, [dict(row) for row in there[start : start + SIZE]], len(rows))
