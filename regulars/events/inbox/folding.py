"""From the inbox to the log: one commit, which itself says up to which number it has them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from regulars import storage
from regulars.events.convert import Conversion, convert
from regulars.events.formats import FORMATS, preset
from regulars.events.importing import conflicting, listing, write_refunds
from regulars.events.inbox.inbox import Inbox
from regulars.events.inbox.store import Entry, Reader
from regulars.events.log import EventLog
from regulars.events.readers import WHOLE, RawRows, Reject
from regulars.spreadsheet import to_csv

AT_ONCE = 20_000
"""Events in one commit of the log: some 100 MiB while they are read."""

NAME = "inbox"
_SEGMENT = FORMATS["segment"]
_CALLS = preset(_SEGMENT, _SEGMENT.added, NAME)
MAPPING = replace(_CALLS, columns={**_CALLS.columns, "propensity": "noted.propensity", "outcome": "noted.outcome"})
"""What Segment's calls are in the log: the same as of a file of them. What the server itself notes down (`noted`) has
two columns more; of what others send the door lets none of that through."""


class Folded(NamedTuple):
    """What a fold did.

    Attributes
    ----------
    read : calls.
    added, duplicates, rejected : lines of events. An order of three products is three.
    through : the number of the last call that is in the log: all up to it may be deleted from the inbox.
    """

    read: int
    added: int
    duplicates: int
    rejected: int
    through: int


def fold(
    inbox: Inbox, log: EventLog, *, currency: str, timezone: str, received_at: datetime, rejects: Path
) -> Folded | None:
    """Put the first events that wait into the log, and delete them from the inbox; None if none waits.

    Parameters as of `put_into_log`.
    """
    if not inbox.count():
        return None
    found = put_into_log(inbox, log, currency=currency, timezone=timezone, received_at=received_at, rejects=rejects)
    inbox.delete(found.through)
    return found if found.read else None


def put_into_log(
    inbox: Reader, log: EventLog, *, currency: str, timezone: str, received_at: datetime, rejects: Path
) -> Folded:
    """Put the first events that wait into the log; whoever writes to the inbox deletes them then.

    The commit bears the inbox's identity and the last number. So whatever is killed when, each call is in the log
    once: before the commit nothing happened; after it the next fold begins behind that number, whatever is left.
    Where none waits there is no commit.

    Parameters
    ----------
    currency, timezone, received_at : as of `Conversion`.
    rejects : folder for lists of lines that were refused, one a fold.
    """
    with log.transaction("events received") as transaction:
        done = max(transaction.folded(inbox.identity), inbox.deleted())
        entries = inbox.read(done, AT_ONCE)
        if not entries:
            return Folded(0, 0, 0, 0, done)
        through = entries[-1].sequence
        conversion = Conversion(MAPPING, currency, timezone, received_at)
        converted = convert(_rows(entries), conversion)
        events, places = converted.events
        transaction.write(events, NAME, places, transaction.reserve())
        write_refunds(transaction, [converted.refunds], NAME)
        transaction.add("catalogue", converted.products)
        duplicates, conflicts = transaction.settle(ids_are_derived=False)
        refused = [*converted.rejects, *conflicting(conflicts, MAPPING)]
        if refused:
            # Named after the numbers: a fold that is done again writes the same list again.
            path = storage.make_folder(rejects) / f"inbox-{entries[0].sequence}-{through}.csv"
            for unfinished in rejects.glob(".inbox-*.tmp"):  # of a fold that was killed: one at a time holds the log
                storage.remove(unfinished)
            storage.replace(path, to_csv(listing(refused, NAME)))
        transaction.fold(inbox.identity, through)
        transaction.details |= {"received": len(entries), "rejected": _counted(refused)}
        added = transaction.added
        transaction.commit()
    return Folded(len(entries), added, duplicates, len(refused), through)


def _rows(entries: list[Entry]) -> RawRows:
    texts = pa.array([entry.body for entry in entries], pa.binary()).cast(pa.string())
    raw = RawRows(pa.table({WHOLE: texts}), np.array([entry.sequence for entry in entries], np.int64))
    (piece,) = _SEGMENT.unfold(iter([lambda: raw]), tuple(dict.fromkeys(MAPPING.columns.values())))
    return piece()


def _counted(refused: list[Reject]) -> dict[str, int]:
    return dict(Counter(reject.reason for reject in refused).most_common())
