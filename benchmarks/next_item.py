"""Which product comes next: the data, the split and the measures that every model of it shares.

Each customer's last product is the test, the one before it validation. Two protocols:

strict   fitted on all but the last two; the validation product is known when the test is asked, never fitted on
refit    settings chosen on validation, then fitted on all but the last, as a shop would

All products are ranked; those that the customer has had before are left out. A model under test is a function:

>>> histories = Histories(np.array([0, 3, 6, 8]), np.array([0, 1, 2, 2, 0, 1, 1, 3]), n_items=4)
>>> question = refit(histories)
>>> def popularity(known: Histories) -> np.ndarray:
...     return np.tile(question.fitted.events_per_item(), (known.n_users, 1))
>>> figures(evaluate(question, popularity))["recall@10"].value  # the third had product 3, that nobody had before
0.6666666666666666
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy import sparse

from regulars.errors import InputError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating[Any]]

COLUMNS = ("user_id", "item_id", "position")
TOP = 10
GAINS = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(TOP) + 2))])
"""(11,): the gains of the first k places together."""
RARE = 3
"""A product with fewer events to learn from than this is rare."""
BLOCK_CELLS = 1 << 21
"""Scores held at once, however many customers there are: 8 MiB of float32, that stay near the processor."""


@dataclass(frozen=True)
class Histories:
    """What each customer had, oldest first: customer u had `items[offsets[u]:offsets[u + 1]]`.

    offsets     (n_users + 1,) int64, from 0 to len(items)
    items       (n,) int64 in [0, n_items)
    attributes  (n_items, n_attributes) float32, 1 where a product has an attribute; None where none are known
    """

    offsets: Ints
    items: Ints
    n_items: int
    attributes: sparse.csr_matrix | None = None

    @property
    def n_users(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Ints:
        """(n_users,): how many products each customer had."""
        return np.diff(self.offsets)

    @property
    def from_last(self) -> Ints:
        """(n,): how many products the same customer had after each one; 0 for the newest."""
        return np.repeat(self.offsets[1:], self.lengths) - np.arange(len(self.items)) - 1

    def without_last(self, count: int) -> Histories:
        """The same customers, each without the newest `count` products: none where there were fewer."""
        return self._with(np.maximum(self.lengths - count, 0), self.items[self.from_last >= count])

    def of(self, users: Ints) -> Histories:
        """Those customers only, in that order."""
        lengths = self.lengths[users]
        starts = np.repeat(self.offsets[users] - np.cumsum(lengths) + lengths, lengths)
        return self._with(lengths, self.items[starts + np.arange(len(starts))])

    def matrix(self, weights: Floats | None = None) -> sparse.csr_matrix:
        """(n_users, n_items) float32: the sum of the weights (n,) of a customer's events with a product; counts if none."""
        values = np.ones(len(self.items)) if weights is None else weights
        shape = (self.n_users, self.n_items)
        found = sparse.csr_matrix((values.astype(np.float32), self.items, self.offsets), shape)
        found.sum_duplicates()
        return found

    def events_per_item(self) -> Ints:
        """(n_items,)"""
        return np.bincount(self.items, minlength=self.n_items)

    def _with(self, lengths: Ints, items: Ints) -> Histories:
        return Histories(np.concatenate([[0], np.cumsum(lengths)]), items, self.n_items, self.attributes)


Scores = Callable[[Histories], Floats]
"""A model under test: what n customers are known to have had -> (n, n_items), higher for what is likelier to be next."""


@dataclass(frozen=True)
class Question:
    """What a model may learn from, what it knows when it is asked, and what the answer is.

    fitted   all customers
    users    (n,) the customers that are asked about: rows of `fitted`
    known    those n customers, up to the moment of the question
    targets  (n,) the product that each had next
    is_warm  (n,) whether anybody had that product before: published figures leave out the others
    """

    fitted: Histories
    users: Ints
    known: Histories
    targets: Ints
    is_warm: npt.NDArray[np.bool_]

    def of(self, rows: Ints) -> Question:
        """Only those of the customers that are asked about."""
        return Question(self.fitted, self.users[rows], self.known.of(rows), self.targets[rows], self.is_warm[rows])


def validation(histories: Histories) -> Question:
    """Fitted on all but the last two; the last but one is asked."""
    return refit(histories.without_last(1))


def strict(histories: Histories) -> Question:
    """Fitted on all but the last two; the last is asked, the one before it known."""
    return _last(histories, histories.without_last(2))


def refit(histories: Histories) -> Question:
    """Fitted on all but the last, which is asked."""
    return _last(histories, histories.without_last(1))


def _last(histories: Histories, fitted: Histories) -> Question:
    users = np.flatnonzero(histories.lengths >= 2)  # who had one product only gave nothing to foresee it by
    targets = histories.items[histories.offsets[users + 1] - 1]
    before = histories.without_last(1)
    return Question(fitted, users, before.of(users), targets, before.events_per_item()[targets] > 0)


@dataclass(frozen=True)
class Answers:
    """How well each target was foreseen.

    hit       (n,) in [0, 1]: among the first ten of the products with an event to learn from
    gain      (n,) in [0, 1]: 1 / log2(place + 1) if so, the first place being 1
    open_hit  (n,) in [0, 1]: among the first ten of all products
    is_warm   (n,) as in the question
    is_rare   (n,) the target has fewer than three events to learn from
    """

    hit: Floats
    gain: Floats
    open_hit: Floats
    is_warm: npt.NDArray[np.bool_]
    is_rare: npt.NDArray[np.bool_]


class Figure(NamedTuple):
    """A mean over `count` targets, and its standard error."""

    value: float
    error: float
    count: int


def evaluate(question: Question, scores: Scores) -> Answers:
    """Rank each target among all products that its customer has not had yet.

    Ties are broken evenly: what is counted is the mean over all orders of the products that score the same.

    Raises
    ------
    ValueError
        If a score is not a number, the scores have another shape than (customers of the block, n_items), or there
        is nobody to ask about.
    """
    fitted = question.fitted
    is_unseen = fitted.events_per_item() == 0
    size = max(1, BLOCK_CELLS // fitted.n_items)
    parts = []
    for start in range(0, len(question.targets), size):
        block = np.arange(start, min(start + size, len(question.targets)))
        known, targets = question.known.of(block), question.targets[block]
        found = scores(known)
        if found.shape != (known.n_users, fitted.n_items) or np.isnan(found.min()):
            raise ValueError(
                f"customers {start} to {block[-1]}: {(known.n_users, fitted.n_items)} numbers expected, "
                f"found {found.shape} with {np.isnan(found).sum()} that are not a number"
            )
        rows, owner = np.arange(len(block)), np.repeat(np.arange(len(block)), known.lengths)
        level = found[rows, targets][:, None]
        ahead, tied = found > level, found == level  # (block, n_items) each
        ahead[owner, known.items] = tied[owner, known.items] = False
        can_come = tied[rows, targets]  # not where the customer has had the target
        open_hit, _ = _expected(_count(ahead), _count(tied))
        ahead[:, is_unseen] = tied[:, is_unseen] = False
        hit, gain = _expected(_count(ahead), _count(tied))
        can_be_learned = can_come & ~is_unseen[targets]
        parts.append((hit * can_be_learned, gain * can_be_learned, open_hit * can_come))
    if not parts:
        raise ValueError("no customer with two products: nothing can be asked")
    hit, gain, open_hit = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Answers(hit, gain, open_hit, question.is_warm, _is_rare(question))


def evaluate_lists(question: Question, lists: Ints) -> Answers:
    """The same from the first ten products that a model names, where it gives no scores.

    lists : (n, 10) int64, best first, -1 where there is none.
    """
    hits = lists == question.targets[:, None]
    hit, gain = hits.sum(axis=1), hits @ np.diff(GAINS)
    return Answers(hit, gain, hit, question.is_warm, _is_rare(question))


def figures(answers: Answers) -> dict[str, Figure]:
    """Recall and NDCG at 10, higher is better: of all targets, of warm ones, and the recall of rare ones.

    Products without an event to learn from are candidates for rare targets only. A kind of target that there is none
    of has no figure.
    """
    found = {
        "recall@10": answers.hit,
        "ndcg@10": answers.gain,
        "recall@10 warm": answers.hit[answers.is_warm],
        "ndcg@10 warm": answers.gain[answers.is_warm],
        "recall@10 rare": answers.open_hit[answers.is_rare],
    }
    return {name: _mean(values) for name, values in found.items() if len(values)}


def _expected(ahead: Ints, tied: Ints) -> tuple[Floats, Floats]:
    """The hit and the gain of a target with so many products before it, and so many level with it, itself among them."""
    first, last = np.minimum(ahead, TOP), np.minimum(ahead + tied, TOP)
    tied = np.maximum(tied, 1)
    return (last - first) / tied, (GAINS[last] - GAINS[first]) / tied


def _count(cells: npt.NDArray[np.bool_]) -> Ints:
    return np.count_nonzero(cells, axis=1)


def _is_rare(question: Question) -> npt.NDArray[np.bool_]:
    return question.fitted.events_per_item()[question.targets] < RARE


def _mean(values: Floats) -> Figure:
    return Figure(float(values.mean()), float(values.std() / np.sqrt(len(values))), len(values))


def read(path: Path, attributes: Path | None = None) -> Histories:
    """A Parquet of user_id, item_id and position; a JSON object of a list of attributes for each item_id.

    Ids are whole numbers or text. Rows may come in any order; a customer's are sorted by position.

    Raises
    ------
    InputError
        If there is no such file, it is no Parquet, a column is missing or has an empty cell, there are no rows, or a
        customer has a position twice.
    """
    try:
        names = pq.read_schema(path).names
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: a Parquet file is expected ({error}).") from None
    for column in COLUMNS:
        if column not in names:
            raise InputError(f'{path}: no column "{column}". Found: {", ".join(names)}.')
    return histories(pq.read_table(path, columns=list(COLUMNS)), str(path), attributes)


def histories(table: pa.Table, place: str, attributes: Path | None = None) -> Histories:
    """The same from a table of those three columns; `place` says in an error where it comes from."""
    if not table.num_rows:
        raise InputError(f"{place}: no rows. One for each product that a customer had is expected.")
    for column in COLUMNS:
        if table[column].null_count:
            raise InputError(f'{place}: column "{column}" is empty in {table[column].null_count} rows.')
    table = table.sort_by([(column, "ascending") for column in ("user_id", "position")])
    user, item = _numbers(table["user_id"]), _numbers(table["item_id"])
    position = _numbers(table["position"])
    twice = np.flatnonzero((np.diff(user) == 0) & (np.diff(position) == 0))
    if len(twice):
        row = table.slice(int(twice[0]), 1).to_pylist()[0]
        raise InputError(
            f"{place}: user_id {row['user_id']} has position {row['position']} twice. "
            "Number each customer's rows in the order of time."
        )
    ids = pc.unique(table["item_id"]).to_pylist()
    offsets = np.concatenate([[0], np.cumsum(np.bincount(user))])
    return Histories(offsets, item, len(ids), _attributes(attributes, ids) if attributes else None)


def _numbers(column: pa.ChunkedArray) -> Ints:
    """Each value as the number of its first row among the distinct ones."""
    return column.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)


def _attributes(path: Path, ids: list[object]) -> sparse.csr_matrix:
    """(n_items, n_attributes) float32. Products that the file has and the table has not are left out."""
    try:
        given = json.loads(path.read_text())
        lists = [given.get(str(each), []) for each in ids]
        names = {name: number for number, name in enumerate(sorted({name for each in lists for name in each}, key=str))}
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f'{path}: a JSON object like {{"item_id": [1, 2]}} is expected ({error}).') from error
    pairs = [(row, names[name]) for row, each in enumerate(lists) for name in dict.fromkeys(each)]
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    shape = (len(ids), len(names))
    return sparse.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape)
