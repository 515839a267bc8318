"""Which moments are judged, by what was known at each, and what is chosen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from regulars.churn.backtest import backtest, moments_of_rounds, rounds
from regulars.churn.dataset import Dataset, Later

DAY = timedelta(days=1)
NEWEST = datetime(2024, 6, 30, tzinfo=UTC)
MOMENTS = [NEWEST - 30 * DAY * k for k in range(6)]


def drawn(moments: list[datetime], count: int = 400) -> Dataset:
    """Customers who stay the longer the later they ordered last, as of each moment."""
    rng = np.random.default_rng(0)
    size = count * len(moments)
    since, age = rng.uniform(1, 60, size), rng.uniform(61, 200, size)
    orders = rng.poisson(3, size) + 1.0
    came = rng.poisson(2.5 * np.exp(-since / 20))
    table = pa.table(
        {
            "customer_id": [f"c{k % count}" for k in range(size)],
            "as_of": pa.array(np.repeat(np.array(moments, dtype=object), count), pa.timestamp("us", "UTC")),
            "orders": orders, "recency_days": since, "tenure_days": age, "gap_mean_days": age / orders,
            "spend": orders * 20, "refunded": np.zeros(size),
        }
    )  # fmt: skip
    features = np.column_stack([table[name].to_numpy() for name in table.column_names[2:]])
    wait = np.where(came > 0, rng.uniform(0, 60, size), np.inf)
    return Dataset(table, features, Later(np.full(size, 60.0), wait, came.astype(float), came * 15.0))


def test_no_round_learns_from_an_outcome_that_was_not_known_at_its_moment() -> None:
    found = moments_of_rounds(MOMENTS, 60, 6)
    assert [judged for judged, _ in found] == MOMENTS[:3]
    for judged, known in found:
        assert max(known) <= judged - 60 * DAY


def test_rounds_have_the_rows_of_their_moments_alone() -> None:
    data = drawn(MOMENTS)
    first = rounds(data, MOMENTS, 60, 2)[0]
    assert set(first.judged.table["as_of"].to_pylist()) == {NEWEST}
    assert set(first.learned.table["as_of"].to_pylist()) == set(MOMENTS[2:4])
    assert "expected_orders" in first.learned.names


def test_what_is_chosen_did_best_and_every_round_is_told() -> None:
    chosen = backtest(rounds(drawn(MOMENTS), MOMENTS, 60, 3), 60)
    assert chosen.losses[chosen.risk] == min(chosen.losses.values())
    assert chosen.ginis[chosen.value] == max(chosen.ginis.values())
    assert len(chosen.judged) == 3
    for each in chosen.judged:
        assert each.figures["AUROC"] > 0.65
        assert each.figures["correlation"] > 0.2
        assert each.figures["bias"] < 0.2
        assert each.customers == 400


def test_a_log_that_is_too_short_for_a_round_takes_both() -> None:
    assert rounds(drawn(MOMENTS[:1]), MOMENTS[:1], 60, 3) == []
    chosen = backtest([], 60)
    assert (chosen.risk, chosen.value, chosen.judged) == ("both", "both", ())
