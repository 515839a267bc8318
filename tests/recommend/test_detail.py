"""The closer look: methods beside ours, groups that add up, and customers to judge by eye."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from regulars import Shop
from regulars.evaluation import Report, Split
from regulars.recommend.dataset import Outcome
from regulars.recommend.detail import by_product, ease, judged, others, taken_of
from regulars.recommend.evaluate import evaluate
from regulars.recommend.past import past_of


@pytest.fixture(scope="module")
def report(learned_shop: Shop, tea_as_of: datetime) -> Report:
    horizon = learned_shop.config.recommend.horizon_days
    return evaluate(learned_shop, Split(tea_as_of - timedelta(days=horizon), horizon))


def test_the_page_shows_what_stands_beside_it(report: Report) -> None:
    assert list(report.tables) == [
        "Beside methods that stand alone", "By customer", "By product", "Ten customers, to judge by eye",
    ]  # fmt: skip
    beside = {row[0]: row[1] for row in report.tables["Beside methods that stand alone"].rows}
    assert {"model", "baseline", "popularity", "item-kNN", "iALS", "EASE"} <= beside.keys()
    assert beside["model"] == pytest.approx(report.primary_metric.value)
    assert beside["baseline"] == pytest.approx(report.primary_metric.baseline)
    judged_of_groups = sum(row[1] for row in report.tables["By customer"].rows)
    assert judged_of_groups == report.customers
    page = report.to_html()
    assert "Ten customers, to judge by eye" in page
    assert page.count("<ol>") == 3 * len(report.tables["Ten customers, to judge by eye"].rows)
    assert '<li class="hit">' in page


def test_of_a_product_that_two_have_together_the_one_says_the_other(learned_shop: Shop, tea_as_of: datetime) -> None:
    past = past_of(learned_shop, tea_as_of)
    asked = past.of(np.arange(30))
    top = ease(past, asked, 5)
    assert top.products.shape == (30, 5)
    had = asked.matrix(1e9).toarray() > 0
    # What a customer has explains itself least: the diagonal is 0. So the score is that of the others alone.
    assert (np.diff(top.scores, axis=1) <= 0).all()
    assert (top.products[had.sum(axis=1) > 0, 0] > 0).all()


def test_groups_of_products_add_up(learned_shop: Shop, tea_as_of: datetime) -> None:
    past = past_of(learned_shop, tea_as_of - timedelta(days=30))
    bought = Outcome.within(learned_shop, past, 30)
    lists = others(past, bought.customer, 10, None)["popularity"]
    rows = by_product(past, bought, lists, lists).rows
    assert sum(row[2] for row in rows) == len(bought.product)
    named = sum(row[2] * row[3] for row in rows)
    assert named == pytest.approx(taken_of(bought, lists).sum())
    assert judged(bought, lists).recall.mean() > 0
