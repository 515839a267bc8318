"""Erasure: customers leave the log and every place that was made of it, whatever is killed when.

What is to be erased is written down first (`erasure.json` in the shop's folder) and struck out last. Each step can be
done again to no effect, so an erasure that was cut short is finished by the next one, or by `resume`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars import clock, storage
from regulars.errors import NotFoundError, ShopError
from regulars.events.erased import FILE as ERASED_FILE
from regulars.events.erased import Erased
from regulars.events.schema import EVENTS
from regulars.privacy.accounts import accounts, terms_of
from regulars.privacy.finder import Mask
from regulars.privacy.journal import JOURNAL, Journal
from regulars.privacy.person import People, ids_of, people_of
from regulars.privacy.retention import expired_people, expiring, is_due, limits_of, old
from regulars.privacy.rewriting import Cut, rewrite
from regulars.privacy.steps import Erasure, clean, fold_inbox

if TYPE_CHECKING:
    from regulars.shop import Shop

LOCK = "erasure.lock"
WORDS = ("event_id", "query", "text", "outcome", "properties")
"""Columns of the log in which a row of somebody else may name a customer."""


def erase(shop: Shop, customers: Sequence[str]) -> Erasure:
    """Erase customers, all in one rewrite of the log.

    Parameters
    ----------
    customers : each by any of its ids; every id that was joined with it goes too.

    Raises
    ------
    NotFoundError
        If neither the log nor support knows one; nothing is done then.
    ShopError
        If a running server does not put into the log what it holds.
    """
    resume(shop)
    with storage.lock(shop.folder / LOCK, "erasure"):
        fold_inbox(shop)
        ids = ids_of(shop, customers)
        Journal("erasure", People(ids)).write(shop.folder)
        return _finish(shop)


def resume(shop: Shop) -> Erasure | None:
    """Finish an erasure that was cut short; None if none was."""
    if not (shop.folder / JOURNAL).exists():
        return None
    with storage.lock(shop.folder / LOCK, "erasure"):
        if not (shop.folder / JOURNAL).exists():
            return None
        fold_inbox(shop)
        return _finish(shop)


def retain(shop: Shop) -> Erasure | None:
    """Remove the events that `[log] keep_events` keeps no longer, from the log and what was made of them.

    What stands in them alone goes from all places: texts, orders, and customers of whom nothing is left. None if no
    event is too old.
    """
    resume(shop)
    with storage.lock(shop.folder / LOCK, "retention"):
        fold_inbox(shop)
        limits = limits_of(shop)
        if not limits or not is_due(shop, old(shop, limits)):
            return None
        Journal("retention", People(), limits).write(shop.folder)
        return _finish(shop)


def erase_again(shop: Shop, erased: Path | None = None, since: datetime | None = None) -> Erasure | None:
    """Erase whoever was erased before, after a backup was put back; None if nobody of them is in it.

    Parameters
    ----------
    erased : `log/erased.json` as it was before (default: the one that the shop has); it is taken over.
    since : when the backup was taken, where its state was put back: who was erased after that has no account again.
    """
    if erased is not None:
        if not erased.is_file():
            raise NotFoundError(f"{erased}: there is no such file. It is log/{ERASED_FILE} of the shop as it was.")
        found = Erased.read(erased.parent) if erased.name == ERASED_FILE else None
        if found is None:
            raise NotFoundError(f"{erased}: its name must be {ERASED_FILE}, as it was in the folder log of the shop.")
        with storage.lock(shop.log.folder / "lock", "erasure"):
            own = Erased.read(shop.log.folder)
            if own.until and own.salt != found.salt:
                raise ShopError(f"{erased} is of another shop: its hashes cannot be told from those of this one.")
            own.with_(found).write(shop.log.folder)
    known = Erased.read(shop.log.folder)
    there: set[str] = set()
    for path in shop.log.paths(shop.log.snapshot(), "events"):
        rows = pq.read_table(path, columns=["time", "customer_id", "anonymous_id"])
        for name in ("customer_id", "anonymous_id"):
            gone = pc.less(rows["time"].cast(pa.int64()), known.until_of(rows[name]))
            there.update(rows[name].filter(pc.fill_null(gone, False)).unique().to_pylist())
    if since is not None:
        # An account tells no time of its own. Who was erased before then and has one is a new customer.
        ids = pa.chunked_array([pa.array(accounts(shop), pa.string())])
        there.update(ids.filter(pc.fill_null(pc.greater(known.until_of(ids), clock.micros(since)), False)).to_pylist())
    return erase(shop, sorted(there)) if there else None


def _finish(shop: Shop) -> Erasure:
    journal = Journal.read(shop.folder)
    rows = _rewrite_log(shop, journal)
    return clean(shop, Journal.read(shop.folder).people, rows)


def _rewrite_log(shop: Shop, journal: Journal) -> int:
    with shop.log.transaction(journal.kind) as transaction:
        base = shop.log.snapshot()
        files, paths = base.tables.get("events", ()), shop.log.paths(base, "events")
        if journal.expired:
            is_old = old(shop, journal.expired)
            people, cut = journal.people.with_(expired_people(shop, base, is_old)), expiring(is_old)
        else:
            people = journal.people.with_(people_of(shop, base, journal.people.ids))
            orders, texts = terms_of(shop, people.ids)
            people = people.with_(People(orders=orders, texts=texts))
            erased = Erased.read(shop.log.folder)
            erased.with_ids(people.ids, _until(paths, people), people.orders, people.sessions).write(shop.log.folder)
            cut = _cut(people)
        replace(journal, people=people).write(shop.folder)
        removed = rewrite(transaction, paths, files, cut, people.finder.redacted)
        transaction.details["removed"] = removed
        transaction.commit()
    return removed


def _cut(people: People) -> Cut:
    """Their rows go; where the row of another names them it is `erased`."""
    finder = people.finder

    def cut(rows: pa.Table) -> tuple[Mask, pa.Table]:
        is_theirs = people.rows(rows)
        is_named = np.zeros(rows.num_rows, bool)
        said = rows
        for name in WORDS:
            found = finder.cells(rows[name])
            is_named |= found
            if (found & ~is_theirs).any():
                place = said.column_names.index(name)
                said = said.set_column(place, EVENTS.field(name), finder.redacted_column(rows[name]))
        is_nobodys = np.asarray(pc.and_(pc.is_null(rows["customer_id"]), pc.is_null(rows["anonymous_id"])))
        return ~(is_theirs | (is_named & is_nobodys)), said

    return cut


def _until(paths: list[Path], people: People) -> datetime:
    """The present, or just after the customers' last event if a clock was ahead."""
    until = clock.now()
    for path in paths:
        rows = pq.read_table(path, columns=["time", "customer_id", "anonymous_id", "order_id", "session_id"])
        last = pc.max(rows["time"].filter(pa.array(people.rows(rows)))).as_py()
        until = max(until, last + timedelta(microseconds=1)) if last else until
    return until
