"""Erasure: customers leave the log and every place that was made of it, whatever is killed when.

What is to be erased is written down first (`erasure.json` in the shop's folder) and struck out last. Each step can be
done again to no effect, so an erasure that was cut short is finished by the next one, or by `resume`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars import clock, storage
from regulars.errors import CorruptLogError, NotFoundError, ShopError
from regulars.events.erased import FILE as ERASED_FILE
from regulars.events.erased import Erased
from regulars.events.inbox import FOLDER as INBOX
from regulars.events.inbox import Inbox, fold, open_reader, open_store
from regulars.events.schema import EVENTS
from regulars.events.vacuum import vacuum
from regulars.language.embedding import OFFLINE
from regulars.language.embedding import forget as forget_vectors
from regulars.language.encoders import encoder_of
from regulars.privacy import places, records
from regulars.privacy.person import People, ids_of, people_of
from regulars.privacy.rewriting import rewrite
from regulars.seal import sealed, unsealed
from regulars.state import FILE as STATE

if TYPE_CHECKING:
    from regulars.shop import Shop

JOURNAL = "erasure.json"
LOCK = "erasure.lock"
INBOX_SECONDS = 120.0
"""So long a running server may take to put into the log what it holds."""
GRACE_SECONDS = 3.0
"""Beside a running server: so long a reader that took its list of files before may still read them."""
WORDS = ("event_id", "query", "text", "outcome", "properties")
"""Columns of the log in which a row of somebody else may name a customer."""


@dataclass(frozen=True)
class Erasure:
    """What was done.

    Attributes
    ----------
    ids : all ids that were erased.
    rows : of the log that are gone.
    state : rows of the state by table, deleted or redacted.
    files : rewritten, removed, and left for a person to change; relative to the shop's folder.
    log_version : afterwards.
    """

    ids: tuple[str, ...]
    rows: int
    state: dict[str, int]
    files: places.Cleaned = field(default_factory=places.Cleaned)
    log_version: int = 0


def erase(shop: Shop, customers: Sequence[str]) -> Erasure:
    """Erase customers, all in one rewrite of the log.

    Parameters
    ----------
    customers : each by any of its ids; every id that was joined with it goes too.

    Raises
    ------
    NotFoundError
        If the log has no event of one; nothing is done then.
    ShopError
        If a running server does not put into the log what it holds.
    """
    resume(shop)
    with storage.lock(shop.folder / LOCK, "erasure"):
        _fold_inbox(shop)
        ids = ids_of(shop, customers)
        _write(shop, People(ids, frozenset(), frozenset()))
        return _finish(shop)


def resume(shop: Shop) -> Erasure | None:
    """Finish an erasure that was cut short; None if none was."""
    if not (shop.folder / JOURNAL).exists():
        return None
    with storage.lock(shop.folder / LOCK, "erasure"):
        if not (shop.folder / JOURNAL).exists():
            return None
        _fold_inbox(shop)
        return _finish(shop)


def erase_again(shop: Shop, erased: Path | None = None) -> Erasure | None:
    """Erase whoever was erased before, after a backup was put back; None if nobody of them is in it.

    Parameters
    ----------
    erased : `log/erased.json` as it was before (default: the one that the shop has); it is taken over.
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
            Erased(found.salt, {**own.until, **found.until}).write(shop.log.folder)
    known = Erased.read(shop.log.folder)
    there: set[str] = set()
    for path in shop.log.paths(shop.log.snapshot(), "events"):
        rows = pq.read_table(path, columns=["time", "customer_id", "anonymous_id"])
        for name in ("customer_id", "anonymous_id"):
            gone = pc.less(rows["time"].cast(pa.int64()), known.until_of(rows[name]))
            there.update(rows[name].filter(pc.fill_null(gone, False)).unique().to_pylist())
    return erase(shop, sorted(there)) if there else None


def _write(shop: Shop, people: People) -> None:
    kept = {"ids": sorted(people.ids), "links": sorted(people.links), "texts": sorted(people.texts)}
    storage.replace(shop.folder / JOURNAL, sealed(json.dumps(kept)))


def _read(shop: Shop) -> People:
    path = shop.folder / JOURNAL
    try:
        kept = unsealed(path.read_bytes())
    except ValueError as error:
        raise CorruptLogError(f"{path} is damaged ({error}). Remove it, and erase the same customers again.") from None
    return People(*(frozenset(kept[name]) for name in ("ids", "links", "texts")))


def _finish(shop: Shop) -> Erasure:
    people = _read(shop)
    people, rows = _rewrite_log(shop, people)
    finder = people.finder
    # A server reads the hashes anew and lets its memory go, before what memory was read from is cleaned.
    if _is_served(shop):
        time.sleep(GRACE_SECONDS)
    state: dict[str, int] = {}
    if shop.config.state.url or (shop.folder / STATE).exists():
        state = records.forget(shop.state, finder)
    for encoder in {OFFLINE, encoder_of(shop.config.language)}:
        forget_vectors(shop.folder / "cache", people.texts, encoder)
    cleaned = places.forget(shop.folder, finder)
    vacuum(shop.log, None)
    storage.remove(shop.folder / JOURNAL)
    return Erasure(tuple(sorted(people.ids)), rows, state, cleaned, shop.log.version)


def _rewrite_log(shop: Shop, people: People) -> tuple[People, int]:
    with shop.log.transaction("erasure") as transaction:
        base = shop.log.snapshot()
        people = people.with_(people_of(shop, base, people.ids))
        _write(shop, people)
        files, paths = base.tables.get("events", ()), shop.log.paths(base, "events")
        erased = Erased.read(shop.log.folder)
        erased.with_ids(people.ids | people.links, _until(paths, people)).write(shop.log.folder)
        finder = people.finder

        def cut(rows: pa.Table) -> tuple[Any, pa.Table]:
            is_theirs = people.rows(rows)
            is_named = np.zeros(rows.num_rows, bool)
            said = rows
            for name in WORDS:
                found = finder.cells(rows[name])
                is_named |= found
                if (found & ~is_theirs).any():
                    column = finder.redacted_column(rows[name].combine_chunks())
                    place = said.column_names.index(name)
                    said = said.set_column(place, EVENTS.field(name), column)
            is_nobodys = np.asarray(pc.and_(pc.is_null(rows["customer_id"]), pc.is_null(rows["anonymous_id"])))
            return ~(is_theirs | (is_named & is_nobodys)), said

        removed = rewrite(transaction, paths, files, cut, finder.redacted)
        transaction.details["removed"] = removed
        if removed:
            transaction.commit()
    return people, removed


def _until(paths: list[Path], people: People) -> datetime:
    """The present, or just after the customers' last event if a clock was ahead."""
    until = clock.now()
    for path in paths:
        rows = pq.read_table(path, columns=["time", "customer_id", "anonymous_id", "order_id", "session_id"])
        last = pc.max(rows["time"].filter(pa.array(people.rows(rows)))).as_py()
        until = max(until, last + timedelta(microseconds=1)) if last else until
    return until


def _is_served(shop: Shop) -> bool:
    """Whether a process holds the inbox."""
    if not (shop.folder / INBOX).exists():
        return False
    with suppress(ShopError), storage.lock(shop.folder / INBOX / "lock", "erasure", wait_seconds=0.0):
        return False
    return True


def _fold_inbox(shop: Shop) -> None:
    """Let the log have what waits in the inbox, and the inbox nothing: by ourselves, or by the server that holds it."""
    url, folder = shop.config.serve.inbox, shop.folder / INBOX
    if not url and not folder.exists():
        return
    if not url and not _is_served(shop):
        settings = shop.config.shop
        inbox = Inbox(open_store(folder))
        try:
            while fold(
                inbox,
                shop.log,
                currency=settings.currency,
                timezone=settings.timezone,
                received_at=clock.now(),
                rejects=shop.folder / "rejects",
            ):
                continue
            inbox.scrub()
        finally:
            inbox.close()
        return
    reader = open_reader(folder, url, shop.folder.resolve().name)
    try:
        deadline = time.monotonic() + INBOX_SECONDS
        begun = reader.deleted()
        last = max((entry.sequence for entry in reader.read(begun, 1 << 30)), default=begun)
        while reader.deleted() < last:
            if time.monotonic() > deadline:
                raise ShopError(
                    f"The server of {shop.folder} does not put into the log what it holds. Look at its own log, or "
                    "stop it, and erase again."
                )
            time.sleep(0.1)
    finally:
        reader.close()
