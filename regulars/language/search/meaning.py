"""Which vectors are nearest to one, among a few or a million, that come and go."""

from __future__ import annotations

from typing import Any

import faiss as untyped_faiss
import numpy as np
import numpy.typing as npt

faiss: Any = untyped_faiss  # its hints know the names of C++ alone

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

EXACT = 50_000
"""So many vectors are all compared; of more, those in the cells nearest to the question."""
PROBES = 32
"""Cells that are looked into."""


class Vectors:
    """Vectors of length 1 or less, numbered from 0 in the order in which they were added.

    Examples
    --------
    >>> vectors = Vectors()
    >>> vectors.add(np.eye(2, dtype=np.float32))
    >>> vectors.scores(np.array([0.5, 0.75], np.float32)).tolist()
    [0.5, 0.75]
    """

    def __init__(self) -> None:
        # Half as large as float32, and as exact as needed: vectors of a cache are rounded so too.
        self._rows: npt.NDArray[np.float16] = np.zeros((0, 0), np.float16)
        self._count = 0
        self._cells: Any = None
        self._learned_from = 0

    @property
    def table(self) -> npt.NDArray[np.float16]:
        """(n, dimensions) all vectors."""
        return self._rows[: self._count]

    def add(self, vectors: Floats) -> None:
        """Add vectors at the end."""
        if not len(vectors):
            return
        count = self._count + len(vectors)
        if count > len(self._rows):
            # With room for as many again: else one more would copy a million.
            room = np.zeros((2 * count, vectors.shape[1]), np.float16)
            if self._count:
                room[: self._count] = self.table
            self._rows = room
        self._rows[self._count : count] = vectors
        self._count = count
        if len(self.table) <= EXACT:
            return
        if self._cells is None or len(self.table) > 2 * self._learned_from:
            self._cells = _cells(self.table)
            self._learned_from = len(self.table)
        else:
            self._cells.add(vectors.astype(np.float32))

    def kept(self, places: Places) -> Vectors:
        """Those at places, numbered anew."""
        made = Vectors()
        made.add(self.table[places].astype(np.float32))
        return made

    def near(self, vector: Floats, most: int, may: npt.NDArray[np.bool_]) -> Places:
        """The places of vectors that may be among the nearest, of those that may be found; of few vectors all."""
        if self._cells is None or np.count_nonzero(may) <= EXACT:
            return np.flatnonzero(may)
        # In place of a filter afterwards, which could leave none.
        chosen = faiss.SearchParametersIVF(
            nprobe=PROBES, sel=faiss.IDSelectorBitmap(np.packbits(may, bitorder="little"))
        )
        _, places = self._cells.search(vector[None].astype(np.float32), most, params=chosen)
        found: Places = places[0][places[0] >= 0]
        return found

    def scores(self, vector: Floats, places: Places | None = None) -> Floats:
        """(n,) the cosines with all vectors, or with those at places."""
        some = self.table if places is None else self.table[places]
        found: Floats = some.astype(np.float32) @ vector
        return found


def _cells(table: npt.NDArray[np.float16]) -> Any:
    count = int(np.sqrt(len(table)))
    cells = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(table.shape[1]),
        table.shape[1],
        count,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
    )
    # As many rounds as make a difference to which cells are looked into.
    cells.cp.niter = 10
    step = max(len(table) // (count * 50), 1)
    cells.train(table[::step].astype(np.float32))
    for first in range(0, len(table), 100_000):
        cells.add(table[first : first + 100_000].astype(np.float32))
    return cells
