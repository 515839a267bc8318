"""Small histories of which it is known what comes next."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from regulars.behavior.model import BehaviorModel
from regulars.behavior.sequences import DAY, FIELDS, Sequences
from regulars.behavior.sizes import Settings, Size
from regulars.behavior.vocabulary import Content, Vocabulary

MINI = Size(dimensions=16, layers=2, heads=2, context=8)


def mini(**changed: object) -> Settings:
    """Settings of a model that learns in a second."""
    return Settings(**{"size": MINI, "epochs": 4, "dropout": 0.0, "learning_rate": 0.01, "batch_tokens": 64, **changed})  # type: ignore[arg-type]


def cycle(customers: int, products: int = 6, events: int = 12, seed: int = 0) -> Sequences:
    """Everyone takes up products 1, 2, 3, … and again 1, from a place of one's own, without times."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, products, customers)
    return Sequences.of_products([[(start + k) % products + 1 for k in range(events)] for start in first])


def timed(lengths: list[int], products: int = 6, seed: int = 0) -> tuple[Sequences, Vocabulary]:
    """Random events of two types, hours to days apart."""
    rng = np.random.default_rng(seed)
    count = sum(lengths)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    gap = (rng.exponential(2.0, count) * DAY).astype(np.int64)
    time = np.concatenate([np.cumsum(gap[a:b]) for a, b in pairwise(starts)]) + 10_000 * DAY
    fields = {name: np.zeros(count, np.int32) for name in FIELDS}
    fields["product"] = rng.integers(1, products + 1, count).astype(np.int32)
    fields["type"] = rng.integers(1, 3, count).astype(np.int32)
    names = [f"p{k}" for k in range(1, products + 1)]
    counts = np.bincount(fields["product"], minlength=products + 1)
    vocabulary = Vocabulary(names, ("bought", "viewed"), (), (), counts, np.full(products + 1, np.nan))
    customers = [f"c{k}" for k in range(len(lengths))]
    return Sequences(customers, starts, time, fields, rng.random(count).astype(np.float32)), vocabulary


def untimed_model(sequences: Sequences, settings: Settings, products: int = 6) -> BehaviorModel:
    """Of histories of which only the order is known."""
    counts = np.bincount(sequences.fields["product"], minlength=products + 1)
    return BehaviorModel.new(Vocabulary.of_numbers(counts), Content.none(products), settings, 0)
