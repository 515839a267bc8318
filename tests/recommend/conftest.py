"""Pasts of which it is known who had what, and a shop that has learned what to show."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from regulars import Shop
from regulars.behavior.sequences import DAY, FIELDS, Sequences
from regulars.behavior.vocabulary import Content, Vocabulary
from regulars.recommend.past import Past

NOW = 20_000 * DAY


def past_of(histories: list[list[tuple[int, float]]], products: int, attributes: list[int] | None = None) -> Past:
    """Of orders: for each customer (product from 1, days ago), in any order; attributes: one of each product."""
    rows = [sorted(history, key=lambda pair: -pair[1]) for history in histories]
    flat = [pair for history in rows for pair in history]
    starts = np.concatenate([[0], np.cumsum([len(history) for history in rows])]).astype(np.int64)
    fields = {name: np.zeros(len(flat), np.int32) for name in FIELDS}
    fields["product"] = np.array([product for product, _ in flat], np.int32)
    fields["type"] = np.ones(len(flat), np.int32)
    time = np.array([NOW - int(days * DAY) for _, days in flat], np.int64)
    counts = np.bincount(fields["product"], minlength=products + 1)
    names = [f"p{number}" for number in range(1, products + 1)]
    vocabulary = Vocabulary(names, ("order_completed",), (), (), counts, np.full(products + 1, 5.0))
    content = Content.none(products)
    if attributes is not None:
        content = Content.of_attributes(
            np.arange(1, products + 1), np.array(attributes), products, int(max(attributes)) + 1
        )
    customers = [f"c{number}" for number in range(len(rows))]
    sequences = Sequences(customers, starts, time, fields, np.ones(len(flat), np.float32))
    return Past(vocabulary, content, sequences, NOW)


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def learned_shop(once: Once, tea_shop: Shop, tea_as_of: datetime) -> Shop:
    """The tea shop with a recommender, put to use whatever its report says. Not to be written to."""

    def make(folder: Path) -> None:
        shop = Shop.open(shutil.copytree(tea_shop.folder, folder))
        model, _ = shop.learn("recommend", tea_as_of)
        shop.models.use("recommend", model.version)

    return Shop.open(once("recommend_shop", make))


@pytest.fixture
def own_shop(learned_shop: Shop, tmp_path: Path) -> Shop:
    """A copy that a test may write to."""
    return Shop.open(shutil.copytree(learned_shop.folder, tmp_path / "shop"))
