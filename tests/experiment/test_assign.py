"""Assignment: the same everywhere, uniform, independent from salt to salt, and never reshuffled."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from regulars.engine import Engine
from regulars.errors import InputError
from regulars.experiment.assign import Arm, Holdout, Plan, place, places

HALVES = (Arm("control", 0.5), Arm("blue", 0.5))

# What any other implementation must give too, made by the package xxhash 3.8 (its C library):
# (xxh64(id, seed=xxh64(salt, seed=42)) >> 11) / 2**53
VECTORS = [
    ("spring", "ada", 0.020000821317616935),
    ("spring", "顾客7", 0.68259792947679),
    ("summer", "ada", 0.8216855415195083),
    ("", ".", 0.7894977426408205),
    ("spring", "0", 0.3656183360008364),
    ("spring", "customer-1234567", 0.3533294170356147),
    ("spring/arm", "a" * 31, 0.39418366155060247),
    ("spring/arm", "a" * 32, 0.08791541955262971),
    ("layer/价格", "😀" * 20, 0.7470573684543672),
    ("holdout/0f", "e" * 257, 0.5125482632113609),
]

ids = pa.array([f"customer-{number}" for number in range(20_000)])


@pytest.mark.parametrize(("salt", "customer_id", "expected"), VECTORS)
def test_places_are_those_of_the_published_hash(salt: str, customer_id: str, expected: float) -> None:
    assert place(salt, customer_id) == expected


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=20), st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=20))
def test_one_and_many_have_the_same_place(salt: str, customers: list[str]) -> None:
    found = places(salt, pa.array(customers))
    assert found.tolist() == [place(salt, customer) for customer in customers]
    assert ((found >= 0) & (found < 1)).all()
    assert (found * 2.0**53 == np.floor(found * 2.0**53)).all()


@pytest.mark.parametrize("make", [
    lambda texts: pa.chunked_array([texts[:2], texts[2:]]),
    lambda texts: pa.array(["before", *texts])[1:],
    lambda texts: pa.array(texts).dictionary_encode(),
    lambda texts: pa.array(texts, pa.large_string()),
])  # fmt: skip
def test_the_form_of_a_column_does_not_matter(make: object) -> None:
    texts = ["ada", "顾客7", "ada", "a" * 100]
    assert places("s", make(texts)).tolist() == [place("s", text) for text in texts]  # type: ignore[operator]


def test_the_engine_gives_what_python_gives() -> None:
    plan = Plan(
        "spring", (Arm("control", 0.2), Arm("蓝", 0.3), Arm("red", 0.5)), 0.7, "prices", 0.1, 0.9, Holdout(0.1, "h")
    )
    names = pa.array([*ids[:5000].to_pylist(), *(f"顾客{number}" for number in range(5000))])
    engine = Engine()
    rows = engine.table(pa.table({"customer_id": names, "row": np.arange(len(names))}))
    asked = rows.mutate(arm=plan.expression(rows.customer_id), out=plan.holdout.expression(rows.customer_id))  # type: ignore[union-attr]
    found = engine.to_arrow(asked).sort_by("row")
    assert found["arm"].to_pylist() == plan.assigned(names).to_pylist()
    assert found["out"].to_pylist() == plan.holdout.holds(names).tolist()  # type: ignore[union-attr]
    assert [plan.arm(name) for name in names[:50].to_pylist()] == plan.assigned(names[:50]).to_pylist()


def test_an_empty_id_is_refused_and_in_the_engine_in_no_arm() -> None:
    with pytest.raises(InputError, match="empty"):
        place("s", "")
    with pytest.raises(InputError, match="row 1"):
        places("s", pa.array(["ada", "", "bob"]))
    with pytest.raises(InputError, match="row 2"):
        places("s", pa.array(["ada", "bob", None]))
    engine, plan = Engine(), Plan("s", HALVES, 1.0)
    rows = engine.table(pa.table({"customer_id": ["ada", "", None], "row": [0, 1, 2]}))
    found = engine.to_arrow(
        rows.mutate(arm=plan.expression(rows.customer_id), out=Holdout(0.5, "h").expression(rows.customer_id))
    )
    assert [value is None for value in found.sort_by("row")["arm"].to_pylist()] == [False, True, True]
    assert [value is None for value in found.sort_by("row")["out"].to_pylist()] == [False, True, True]


def test_no_customers_have_no_places() -> None:
    nobody = pa.array([], pa.string())
    assert places("s", nobody).tolist() == []
    assert Plan("s", HALVES, 1.0).assigned(nobody).to_pylist() == []


def test_places_are_uniform_under_every_salt() -> None:
    """By chi-square over 100 bins: the p-values of 200 salts are uniform themselves."""
    tests = [
        stats.chisquare(np.bincount((places(f"salt {n}", ids) * 100).astype(int), minlength=100)) for n in range(200)
    ]
    assert stats.kstest([test.pvalue for test in tests], "uniform").pvalue > 0.001
    assert min(test.pvalue for test in tests) > 1e-5


def test_places_under_two_salts_know_nothing_of_each_other() -> None:
    """By chi-square over 10 x 10 bins, also for salts and ids that differ in one character."""
    numbers = []
    for n in range(150):
        one, other = places(f"{n}/arm", ids), places(f"{n + 1}/arm" if n % 2 else f"{n}/traffic", ids)
        cells = np.bincount((one * 10).astype(int) * 10 + (other * 10).astype(int), minlength=100).reshape(10, 10)
        numbers.append(stats.chi2_contingency(cells).pvalue)
    assert stats.kstest(numbers, "uniform").pvalue > 0.001
    assert min(numbers) > 1e-5


def test_arms_have_their_weights() -> None:
    plan = Plan("spring", (Arm("control", 0.1), Arm("blue", 0.3), Arm("red", 0.6)), 1.0)
    counts = np.bincount(plan.numbers(ids), minlength=3)
    assert stats.chisquare(counts, np.array([0.1, 0.3, 0.6]) * len(ids)).pvalue > 0.001


@pytest.mark.parametrize("shares", [(0.01, 0.05, 0.5, 1.0)])
def test_a_ramp_moves_nobody_who_is_in(shares: tuple[float, ...]) -> None:
    before = np.full(len(ids), -1)
    for share in shares:
        after = Plan("spring", HALVES, share, "prices", 0.0, 0.5).numbers(ids)
        was_in = before >= 0
        assert (after[was_in] == before[was_in]).all()
        assert math.isclose((after >= 0).mean(), share / 2, abs_tol=0.01)
        before = after
    counts = np.bincount(before[before >= 0])
    assert stats.chisquare(counts).pvalue > 0.001


def test_nobody_is_in_two_experiments_of_a_layer_and_the_held_out_in_none() -> None:
    holdout = Holdout(0.1, "ever")
    one = Plan("one", HALVES, 1.0, "prices", 0.0, 0.4, holdout).numbers(ids) >= 0
    other = Plan("other", HALVES, 1.0, "prices", 0.4, 1.0, holdout).numbers(ids) >= 0
    assert not (one & other).any()
    assert ((one | other) == ~holdout.holds(ids)).all()


def test_a_new_salt_deals_anew() -> None:
    """What one arm did before the reset is spread over both arms alike."""
    before, after = (Plan(salt, HALVES, 1.0).numbers(ids) for salt in ("first", "second"))
    cells = np.bincount(before * 2 + after, minlength=4).reshape(2, 2)
    assert stats.chi2_contingency(cells).pvalue > 0.001
