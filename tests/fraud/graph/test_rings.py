from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.fraud.graph import ring_scores, rings, why
from regulars.fraud.graph.evidence import surprise
from regulars.fraud.stream import KIND
from tests.fraud.graph.conftest import shop_with_ring, stream


def test_a_ring_is_found_measured_and_told() -> None:
    found = rings(shop_with_ring())
    row = found.table.to_pylist()[0]
    assert len(found) == 1
    assert row["customers"] == 5
    assert row["devices"] == 1
    assert row["cards"] == 0
    assert row["orders"] == 20
    assert row["amount"] == pytest.approx(400.0)
    assert row["score"] > 0.8
    assert row["opened_days"] == pytest.approx(2 / 24, abs=1e-3)
    assert found.names["customer"].take(found.members(1)).to_pylist() == [f"ring{k}" for k in range(5)]
    assert [tuple(one) for one in found.shared(1)] == [("device", "farm", 5)]
    assert why(found, 1)[0] == "5 customers share 1 device"
    assert "15 of 20 payments came with one more card" in why(found, 1)[1]
    assert why(found, 1, "zh")[0] == "5 位顾客共用 1 台设备"


def test_a_family_of_one_device_is_listed_but_not_suspected() -> None:
    rows = [{"customer": f"family{k}", "device": "tablet", "payment": f"p{k}"} for k in range(4)]
    rows += [{"customer": f"h{k}", "device": f"d{k}", "payment": f"q{k}"} for k in range(40)]
    found = rings(stream(*rows))
    assert found.table["customers"].to_pylist() == [4]
    assert found.table["score"][0].as_py() < 0.1


def test_two_are_no_ring_and_alone_there_is_none() -> None:
    two = stream({"customer": "a", "device": "d"}, {"customer": "b", "device": "d"}, {"customer": "c", "device": "e"})
    assert len(rings(two)) == 0
    assert ring_scores(two)[2] == 0


def test_known_frauds_raise_the_score_and_what_is_told_later_does_not_count() -> None:
    rows = [{"customer": f"c{k}", "device": "one", "at": k} for k in range(3)]
    rows += [{"customer": f"h{k}", "device": f"d{k}", "at": 3 + k} for k in range(30)]
    quiet = stream(*rows)
    told = quiet.with_known(np.array([0]), quiet.time[[30]], np.array([KIND["fraud"]], np.int8))
    assert ring_scores(told)[0] > ring_scores(quiet)[0]
    before = int(quiet.time[30])
    assert ring_scores(told.before(before)).tolist() == ring_scores(quiet.before(before)).tolist()


def test_deeds_on_accounts_taken_over_are_the_rings() -> None:
    rows = [{"customer": f"h{k}", "device": f"d{k}", "kind": "sign_in"} for k in range(20)]
    rows += [{"customer": f"r{k}", "device": "farm", "kind": "signed_up"} for k in range(3)]
    for k in range(5):
        rows += [{"customer": f"h{k}", "device": "farm", "kind": "sign_in_failed"}] * 3
        rows += [{"customer": f"h{k}", "device": "farm", "amount": 100.0}]
    found = rings(stream(*rows))
    row = found.table.to_pylist()[0]
    assert (row["customers"], row["taken"], row["orders"], row["amount"]) == (3, 5, 5, 500.0)
    assert len(found.taken(1)) == 5
    assert row["score"] > 0.5
    assert ring_scores(stream(*rows))[:20].max() == 0  # the victims


def test_declined_payments_are_no_money() -> None:
    rows = [{"customer": f"c{k}", "device": "d"} for k in range(3)]
    tried = stream(*rows)
    declined = tried.with_known(np.array([1]), tried.time[[1]], np.array([KIND["declined"]], np.int8))
    assert rings(declined).table["orders"].to_pylist() == [2]


def test_first_orders_with_a_coupon_are_counted() -> None:
    rows: list[dict[str, object]] = []
    for k in range(4):
        rows += [{"customer": f"c{k}", "device": "d", "kind": "coupon", "at": 3 * k}] * (k < 3)
        rows += [{"customer": f"c{k}", "device": "d", "at": 3 * k + 0.5}]
    assert rings(stream(*rows)).table["first_with_coupon"].to_pylist() == [0.75]


def test_numbers_are_the_same_each_time_and_the_likeliest_is_first() -> None:
    rows = [{"customer": f"c{k}", "device": f"d{k // 3}", "payment": f"p{k}"} for k in range(30)]
    rows += [{"customer": f"r{k % 4}", "device": "farm", "payment": f"s{k}"} for k in range(16)]
    one, other = rings(stream(*rows)), rings(stream(*rows))
    assert one.table.equals(other.table)
    scores = one.table["score"].to_pylist()
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.7
    assert scores[1] < 0.3
    assert one.members(1).tolist() == other.members(1).tolist()


def test_a_shop_that_tells_of_no_device_has_no_rings() -> None:
    assert len(rings(stream({"customer": "a"}, {"customer": "b"}, {"customer": "c"}))) == 0


def test_names_without_rows_change_nothing() -> None:
    whole = shop_with_ring()
    assert (ring_scores(whole.before(int(whole.time[0]))) == 0).all()
    empty = replace(whole.before(0))
    assert len(rings(empty)) == 0


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0, 1))
def test_surprise_is_never_negative_and_nothing_is_odd_at_the_usual_share(count: int, of: int, share: float) -> None:
    found = surprise(np.array([float(count)]), np.array([float(of)]), share)[0]
    assert np.isfinite(found)
    assert found >= 0
    assert count > share * max(of, count, 1) or found < 1e-3


def test_a_log_that_knows_no_customers_has_no_rings() -> None:
    made = shop_with_ring()
    nameless = replace(made, codes={"payment": made.codes["payment"]}, names={"payment": made.names["payment"]})
    assert len(rings(nameless)) == 0
    assert len(ring_scores(nameless)) == 0
