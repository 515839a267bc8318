"""The steps that every work of forgetting takes beside the log: the inbox before it, all other places after it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regulars import clock, storage
from regulars.errors import RegularsError, ShopError
from regulars.events.inbox import FOLDER as INBOX
from regulars.events.inbox import Inbox, fold, open_reader, open_store
from regulars.events.vacuum import vacuum
from regulars.language.embedding import OFFLINE
from regulars.language.embedding import drop as drop_vectors
from regulars.language.embedding import forget as forget_vectors
from regulars.language.encoders import encoder_of
from regulars.privacy import places, records
from regulars.privacy.journal import JOURNAL
from regulars.privacy.person import People
from regulars.state import FILE as STATE

if TYPE_CHECKING:
    from regulars.shop import Shop

INBOX_SECONDS = 120.0
"""So long a running server may take to put into the log what it holds."""
GRACE_SECONDS = 3.0
"""Beside a running server: so long it may take to forget, and its readers to be done with files that go."""


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


def clean(shop: Shop, people: People, rows: int) -> Erasure:
    """Let all places but the log forget, and older versions of the log; then the work is done.

    Parameters
    ----------
    rows : that are gone from the log.
    """
    finder = people.finder
    # A server forgets first what it holds in memory: else it would write that down again.
    if is_served(shop):
        time.sleep(GRACE_SECONDS)
    state: dict[str, int] = {}
    if shop.config.state.url or (shop.folder / STATE).exists():
        state = records.forget(shop.state, finder)
    try:
        encoders = {OFFLINE, encoder_of(shop.config.language)}
    except RegularsError:
        # Its package or endpoint is gone, and with it how its vectors are named: all are made anew when needed.
        drop_vectors(shop.folder / "cache")
    else:
        for encoder in encoders:
            forget_vectors(shop.folder / "cache", people.texts, encoder)
    shop.by_customer.forget()
    shop.recent.forget()
    shop.last.forget()
    cleaned = places.forget(shop.folder, finder)
    vacuum(shop.log, None)
    storage.remove(shop.folder / JOURNAL)
    return Erasure(tuple(sorted(people.ids)), rows, state, cleaned, shop.log.version)


def is_served(shop: Shop) -> bool:
    """Whether a process holds the inbox."""
    if not (shop.folder / INBOX).exists():
        return False
    with suppress(ShopError), storage.lock(shop.folder / INBOX / "lock", "erasure", wait_seconds=0.0):
        return False
    return True


def fold_inbox(shop: Shop) -> None:
    """Let the log have what waits in the inbox, and the inbox nothing: by ourselves, or by the server that holds it."""
    url, folder = shop.config.serve.inbox, shop.folder / INBOX
    if not url and not folder.exists():
        return
    if not url and not is_served(shop):
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
    reader = open_reader(folder, url, shop.state.secret("inbox") if url else "")
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
