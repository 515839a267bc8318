"""Which identities the files of a log hold, in memory: a server's folds would else read all of the log each time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from regulars.events.commit import DataFile
from regulars.events.duplicates import Hashes

MOST = 100_000_000
"""So many keys are kept, of eight bytes each; those of further files are read again by each change."""


class Known:
    """The keys of the identities in each data file, ascending. Files never change, so they are known by their hash.

    Examples
    --------
    >>> known, file = Known(), DataFile("data/1.parquet", 2, 9, "hash")
    >>> known.ordered(file, lambda _: np.array([5, 3], np.uint64)).tolist()
    [3, 5]
    >>> known.ordered(file, lambda _: np.array([], np.uint64)).tolist()  # not read again
    [3, 5]
    """

    def __init__(self) -> None:
        self._ordered: dict[str, Hashes] = {}

    def ordered(self, file: DataFile, read: Callable[[DataFile], Hashes]) -> Hashes:
        """The keys of a file; `read` gives them in any order."""
        found = self._ordered.get(file.sha256)
        if found is None:
            found = np.sort(read(file))
            if sum(map(len, list(self._ordered.values()))) + len(found) <= MOST:
                self._ordered[file.sha256] = found
        return found

    def keep(self, files: Iterable[DataFile]) -> None:
        """Forget all but these."""
        stay = {file.sha256 for file in files}
        self._ordered = {name: keys for name, keys in self._ordered.items() if name in stay}
