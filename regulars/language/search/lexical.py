"""Which texts share words with a question, rare words counting more: BM25, over texts that come and go.

Texts are kept in parts, each built once and never changed. What is removed is crossed out, and small parts are joined:
so one text is added to a million without a look at these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.language.search.words import number, words

Floats = npt.NDArray[np.float32]
K1, B = 1.2, 0.75
"""How fast a word repeated counts no more, and how much a long text is held against it: as in Lucene."""


@dataclass(frozen=True)
class Part:
    """Texts that were added together.

    Attributes
    ----------
    numbers : (W,) uint64, of the words in them, ascending.
    starts : (W + 1,) int64, where the rows of a word begin.
    places : (R,) int32, the texts that have it, within the part, ascending for each word.
    counts : (R,) uint16, how often.
    lengths : (T,) int32, words of each text.
    """

    numbers: npt.NDArray[np.uint64]
    starts: npt.NDArray[np.int64]
    places: npt.NDArray[np.int32]
    counts: npt.NDArray[np.uint16]
    lengths: npt.NDArray[np.int32]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Part:
        """Built from texts."""
        each = [np.array([number(word) for word in words(text)], np.uint64) for text in texts]
        lengths = np.array([len(found) for found in each], np.int32)
        flat = np.concatenate(each) if each else np.zeros(0, np.uint64)
        return cls._of_pairs(flat, np.repeat(np.arange(len(texts), dtype=np.int32), lengths), None, lengths)

    @classmethod
    def _of_pairs(
        cls,
        flat: npt.NDArray[np.uint64],
        places: npt.NDArray[np.int32],
        counts: npt.NDArray[np.uint16] | None,
        lengths: npt.NDArray[np.int32],
    ) -> Part:
        order = np.lexsort((places, flat))
        flat, places = flat[order], places[order]
        counts = np.ones(len(flat), np.uint16) if counts is None else counts[order]
        is_first = np.ones(len(flat), bool)
        is_first[1:] = (flat[1:] != flat[:-1]) | (places[1:] != places[:-1])
        firsts = np.flatnonzero(is_first)
        sums = np.add.reduceat(counts.astype(np.int64), firsts) if len(firsts) else np.zeros(0, np.int64)
        flat, places = flat[firsts], places[firsts]
        numbers, starts = np.unique(flat, return_index=True)
        return cls(
            numbers,
            np.append(starts, len(flat)).astype(np.int64),
            places,
            np.minimum(sums, np.iinfo(np.uint16).max).astype(np.uint16),
            lengths,
        )

    def rows(self, word: int) -> slice:
        """Where the rows of a word are."""
        place = int(np.searchsorted(self.numbers, np.uint64(word)))
        if place == len(self.numbers) or int(self.numbers[place]) != word:
            return slice(0, 0)
        return slice(int(self.starts[place]), int(self.starts[place + 1]))

    @staticmethod
    def joined(parts: Sequence[Part]) -> Part:
        """Several parts as one, their texts in order."""
        before = np.cumsum([0, *(len(part.lengths) for part in parts)])
        flat = [np.repeat(part.numbers, np.diff(part.starts)) for part in parts]
        places = [part.places + np.int32(first) for part, first in zip(parts, before, strict=False)]
        return Part._of_pairs(
            np.concatenate(flat),
            np.concatenate(places),
            np.concatenate([part.counts for part in parts]),
            np.concatenate([part.lengths for part in parts]),
        )


class Lexical:
    """Texts, numbered from 0 in the order in which they were added.

    Examples
    --------
    >>> texts = Lexical()
    >>> texts.add(["Returns are free within thirty days.", "Delivery takes two days.", "退货免运费"])
    >>> [int(texts.scores(question).argmax()) for question in ("how do I return this", "怎么退货")]
    [0, 2]
    """

    def __init__(self, parts: Sequence[Part] = ()) -> None:
        self.parts = list(parts)

    def __len__(self) -> int:
        return sum(len(part.lengths) for part in self.parts)

    def add(self, texts: Sequence[str]) -> None:
        """Add texts at the end."""
        self.parts.append(Part.of(texts))
        # Each part at least twice as large as the next: few parts, and a text is moved only so often as they double.
        while len(self.parts) > 1 and len(self.parts[-2].lengths) < 2 * len(self.parts[-1].lengths):
            self.parts[-2:] = [Part.joined(self.parts[-2:])]

    def kept(self, places: npt.NDArray[np.int64]) -> Part:
        """Some of the texts, ascending, as one part, numbered anew."""
        whole = Part.joined(self.parts) if self.parts else Part.of([])
        place_of = np.full(len(whole.lengths), -1, np.int32)
        place_of[places] = np.arange(len(places), dtype=np.int32)
        is_kept = place_of[whole.places] >= 0
        numbers = np.repeat(whole.numbers, np.diff(whole.starts))[is_kept]
        numbers, starts = np.unique(numbers, return_index=True)
        return Part(
            numbers,
            np.append(starts, is_kept.sum()).astype(np.int64),
            place_of[whole.places][is_kept],
            whole.counts[is_kept],
            whole.lengths[places],
        )

    def scores(self, question: str) -> Floats:
        """(n,) how much each text is about the words of a question: from 0, for no word of it, to 1, for all."""
        found = np.zeros(len(self), np.float32)
        asked = dict.fromkeys(number(word) for word in words(question[:2_000]))
        total = sum(int(part.lengths.sum()) for part in self.parts)
        if not len(self) or not total:
            return found
        mean, best = total / len(self), 0.0
        for word in asked:
            rows = [part.rows(word) for part in self.parts]
            having = sum(row.stop - row.start for row in rows)
            weight = float(np.log1p((len(self) - having + 0.5) / (having + 0.5)))
            best += weight * (K1 + 1)
            first = 0
            for part, row in zip(self.parts, rows, strict=True):
                places, counts = part.places[row], part.counts[row].astype(np.float32)
                held = K1 * (1 - B + B * part.lengths[places] / np.float32(mean))
                # A text stands once among the rows of a word, so that none is lost here.
                found[first + places] += np.float32(weight * (K1 + 1)) * counts / (counts + held)
                first += len(part.lengths)
        return found / np.float32(best) if best else found
