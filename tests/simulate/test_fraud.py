"""Rings: each leaves its own traces, is labelled in the truth, and shares what honest customers share too."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars.simulate import Params, World
from regulars.simulate.fraud import SCENARIOS
from regulars.simulate.truth import Truth

DAYS = 120


@pytest.fixture(scope="module")
def played(gifts: Params) -> tuple[pa.Table, Truth]:
    """Two hundred rings among two thousand customers, for 120 days: the events and the truth."""
    fraud = gifts.fraud.model_copy(update={"rings_per_10k": 250.0, "acts_per_month": 8.0})
    customers = gifts.customers.model_copy(update={"arrived_share": 0.8})
    world = World(gifts.model_copy(update={"fraud": fraud, "customers": customers}), customers=2000, seed=1, days=DAYS)
    return pa.concat_tables([world.step() for _ in range(DAYS)]), Truth.of(world)


def of(played: tuple[pa.Table, Truth], scenario: str, kind: str) -> pa.Table:
    """Events of a kind in the orders of a scenario."""
    events, truth = played
    mine = truth.frauds.filter(pc.equal(truth.frauds["scenario"], scenario))["order_id"].drop_null()
    return events.filter(pc.and_(pc.is_in(events["order_id"], mine.combine_chunks()), pc.equal(events["type"], kind)))


def test_every_scenario_happens(played: tuple[pa.Table, Truth]) -> None:
    _, truth = played
    assert set(truth.frauds["scenario"].to_pylist()) == set(SCENARIOS)
    assert truth.rings["ring"].to_numpy().max() + 1 == 50


def test_stolen_payments_are_disputed_weeks_later_or_never(played: tuple[pa.Table, Truth]) -> None:
    for scenario in ("stolen cards", "account takeover"):
        orders, disputes = of(played, scenario, "order_completed"), of(played, scenario, "payment_disputed")
        bought = dict(zip(orders["order_id"].to_pylist(), orders["time"].to_pylist(), strict=True))
        waited = [
            (time - bought[order]).days
            for order, time in zip(disputes["order_id"].to_pylist(), disputes["time"].to_pylist(), strict=True)
        ]
        assert min(waited) >= 6
        assert 20 < np.median(waited) < 50
        assert 0.3 < len(waited) / len(bought) < 0.9
    honest = played[0].filter(pc.equal(played[0]["type"], "payment_disputed")).num_rows
    assert honest == sum(of(played, s, "payment_disputed").num_rows for s in ("stolen cards", "account takeover"))


def test_cards_are_tested_in_bursts_of_small_payments_by_many_cards(played: tuple[pa.Table, Truth]) -> None:
    events, truth = played
    testers = truth.rings.filter(pc.equal(truth.rings["scenario"], "card testing"))["customer_id"]
    tried = events.filter(
        pc.and_(
            pc.is_in(events["customer_id"], testers.combine_chunks()), pc.equal(events["type"], "payment_attempted")
        )
    )
    amounts = np.asarray(tried["unit_price"]).astype(float)
    assert (amounts < 2.0).all()
    bursts = tried.group_by("session_id").aggregate([("payment_id", "count_distinct"), ("payment_id", "count")])
    assert (bursts["payment_id_count"].to_numpy() >= 5).all()
    assert np.mean(np.asarray(tried["outcome"]) == "declined") == pytest.approx(0.85, abs=0.03)


def test_an_account_is_taken_over_from_a_device_that_is_not_its_own(played: tuple[pa.Table, Truth]) -> None:
    events, truth = played
    orders = of(played, "account takeover", "order_completed")
    victims = set(orders["customer_id"].to_pylist())
    assert not victims & set(truth.rings["customer_id"].to_pylist())
    failed = events.filter(pc.and_(pc.equal(events["type"], "sign_in"), pc.equal(events["outcome"], "failed")))
    assert victims == set(failed["customer_id"].to_pylist())
    ring_devices = set(
        events.filter(pc.is_in(events["customer_id"], truth.rings["customer_id"].combine_chunks()))[
            "device_id"
        ].to_pylist()
    )
    assert set(orders["device_id"].to_pylist()) <= ring_devices | set(failed["device_id"].to_pylist())


def test_return_abusers_give_all_back_and_promotion_farmers_use_coupons(played: tuple[pa.Table, Truth]) -> None:
    bought = of(played, "return abuse", "order_completed")
    given_back = of(played, "return abuse", "order_refunded")
    assert given_back.num_rows > 0.7 * bought.num_rows  # the newest are still on their way
    assert of(played, "promotion farm", "order_completed").num_rows > 20
    farmed = set(of(played, "promotion farm", "order_completed")["session_id"].to_pylist())
    coupons = played[0].filter(pc.equal(played[0]["type"], "coupon_applied"))
    assert farmed <= set(coupons["session_id"].to_pylist())


def test_members_share_devices_and_so_do_honest_households(played: tuple[pa.Table, Truth]) -> None:
    events, truth = played
    signed = events.filter(pc.equal(events["type"], "signed_up"))
    member = pc.is_in(signed["customer_id"], truth.rings["customer_id"].combine_chunks())
    of_members, of_others = signed.filter(member), signed.filter(pc.invert(member))
    assert pc.count_distinct(of_members["device_id"]).as_py() < 0.6 * of_members.num_rows
    everyone = events.filter(pc.is_valid(events["ip"])).group_by("ip").aggregate([("customer_id", "count_distinct")])
    shared = set(everyone.filter(pc.greater(everyone["customer_id_count_distinct"], 5))["ip"].to_pylist())
    # An address that many share is no proof: honest customers come through proxies too.
    assert shared & set(of_others["ip"].to_pylist())
