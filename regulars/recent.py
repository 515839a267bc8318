"""What was asked for last: features of many customers are wanted by one capability after the other."""

from __future__ import annotations

import hashlib
import shutil
from collections import defaultdict
from collections.abc import Callable, Hashable
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar, cast

import pyarrow as pa
import pyarrow.compute as pc

from regulars import storage
from regulars.errors import ShopError

Made = TypeVar("Made")

MOST_BYTES = 256 * 1024**2
"""Of all that is kept in memory."""
LEAST_ROWS = 100
"""What is said of a few customers takes no time, and would push out what does."""
MANY_ROWS = 50_000
"""What is said of so many customers as of one moment is kept in a file."""
KEPT = 2
"""Files: as of now, and as of a moment before it. Those of a million customers have 800 MB each."""
WAITING_SECONDS = 900.0
ROOM = 4
"""Times its size must be free on the disk for a file to be kept: events to come need it more."""


class Recent:
    """The newest answers about pairs of customer and moment; another is made where none is at hand.

    What they are about must be the same for all: of an older log nothing is kept. Few are kept in memory, up to 256 MB;
    those about many customers as of one moment in a file, which holds the answer about any of them too, for all
    processes that have the folder. It is mapped into memory: who asks shares the pages with all others.

    Parameters
    ----------
    folder : for files; None for none.

    Examples
    --------
    >>> recent, made = Recent(least_rows=1), []
    >>> def count(pairs):
    ...     made.append(pairs.num_rows)
    ...     return pairs.append_column("orders", pa.array([2] * pairs.num_rows))
    >>> ada = pa.table({"customer_id": ["ada"]})
    >>> recent.of("version 1", ada, count).equals(recent.of("version 1", pa.table(ada), count)), made
    (True, [1])
    >>> _ = recent.of("version 2", ada, count)
    >>> made
    [1, 1]
    """

    def __init__(
        self, folder: Path | None = None, *, most_bytes: int = MOST_BYTES, least_rows: int = LEAST_ROWS
    ) -> None:
        self._folder, self._most_bytes, self._least_rows = folder, most_bytes, least_rows
        self._kept: tuple[tuple[Hashable, pa.Table, pa.Table], ...] = ()

    def of(self, about: Hashable, pairs: pa.Table, make: Callable[[pa.Table], pa.Table]) -> pa.Table:
        """The answer about pairs.

        Parameters
        ----------
        about : all that the answer depends on besides, such as the version of the log; what it is written as
            (`repr`) says all of it.
        pairs : (n,) customer_id, as_of.
        make : gives it, as a table, if it is not at hand: a row a pair, in their order, `pairs` its first columns.
        """
        for known, asked, answer in self._kept:
            if known == about and asked.equals(pairs):
                return answer
        if self._folder is not None and pairs.num_rows >= MANY_ROWS and pc.count_distinct(pairs["as_of"]).as_py() == 1:
            return self._of_many(self._folder, about, pairs, make)
        made = make(pairs)
        if pairs.num_rows >= self._least_rows and made.nbytes <= self._most_bytes:
            # Replaced as a whole, so that threads that share a shop see the one or the other.
            kept = (*(one for one in self._kept if one[0] == about), (about, pairs, made))
            while sum(answer.nbytes for _, _, answer in kept) > self._most_bytes:
                kept = kept[1:]
            self._kept = kept
        return made

    def forget(self) -> None:
        """Let go of all that is kept: what is erased is in none of it. What is being made is waited for."""
        self._kept = ()
        if self._folder is not None and self._folder.exists():
            with storage.lock(self._folder / "lock", "erasure", wait_seconds=WAITING_SECONDS):
                self._remove_all_but(0)

    def _of_many(
        self, folder: Path, about: Hashable, pairs: pa.Table, make: Callable[[pa.Table], pa.Table]
    ) -> pa.Table:
        path = folder / f"{hashlib.sha256(repr((about, pairs['as_of'][0].as_py())).encode()).hexdigest()}.arrow"
        with ExitStack() as held:
            try:
                storage.make_folder(folder)
                # One at a time: who asks for the same waits for it, instead of making it once more.
                held.enter_context(storage.lock(folder / "lock", "features", wait_seconds=WAITING_SECONDS))
            except (OSError, ShopError):
                return make(pairs)
            kept = _mapped(path)
            if kept is not None:
                asked, known = pairs["customer_id"].cast(pa.string()), kept["customer_id"].combine_chunks()
                if asked.equals(kept["customer_id"]):
                    return kept
                at = pc.index_in(asked, known)
                if not at.null_count:
                    return kept.take(at)
            made = make(pairs)
            if shutil.disk_usage(folder).free < ROOM * made.nbytes:
                return made
            # In one piece, so that a column lies in one place, whoever maps it.
            parts = (made.schema, *made.combine_chunks().to_batches())
            try:
                storage.replace(path, (memoryview(part.serialize()) for part in parts))
            except OSError:
                return made
            self._remove_all_but(KEPT)
            return _mapped(path) or made

    def _remove_all_but(self, newest: int) -> None:
        files = sorted(cast(Path, self._folder).glob("*.arrow"), key=lambda each: each.stat().st_mtime_ns, reverse=True)
        for path in files[newest:]:
            storage.remove(path)


def _mapped(path: Path) -> pa.Table | None:
    """What stands in a file, in the pages of the system's own cache; None where it is none that can be read."""
    with suppress(OSError, pa.ArrowInvalid):
        return pa.ipc.open_stream(pa.memory_map(str(path))).read_all()
    return None


class Last:
    """What was made last of each name, and of what: who asks for the same once more is given it.

    Examples
    --------
    >>> last, made = Last(), []
    >>> def learn():
    ...     made.append("a model")
    ...     return len(made)
    >>> [last.of("churn", version, learn) for version in (1, 1, 2)]
    [1, 1, 2]
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Hashable, Any]] = {}
        self._turns: defaultdict[str, RLock] = defaultdict(RLock)

    def of(self, name: str, about: Hashable, make: Callable[[], Made]) -> Made:
        """The one of this name; `about` is all that it depends on. Who asks while it is being made waits for it."""
        kept = self._kept.get(name)
        if kept is None or kept[0] != about:
            with self._turns[name]:
                kept = self._kept.get(name)
                if kept is None or kept[0] != about:
                    kept = self._kept[name] = about, make()
        return cast(Made, kept[1])

    def forget(self) -> None:
        """Let go of all that was made."""
        self._kept = {}
