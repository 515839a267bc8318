"""Exposures: logged once, by customer, with the propensity; who jumps between arms is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.errors import InputError, NotFoundError
from regulars.experiment.exposure import arm_of, assign_all, expose, exposures, jumps
from regulars.experiment.registry import Design, Experiments, StartedError

Record = Callable[..., Any]
MAY = datetime(2024, 5, 1, tzinfo=UTC)
TWO = Design({"control": 1, "blue": 3})


def at(day: int) -> datetime:
    return MAY + timedelta(days=day - 1)


def ordered(customer: str, day: int = 1) -> dict[str, Any]:
    return {"customer_id": customer, "type": "order_completed", "product_id": "tea", "time": at(day).isoformat(),
            "order_id": f"{customer}-{day}"}  # fmt: skip


def viewed(experiment: str, arm: str, day: int, **who: str) -> dict[str, Any]:
    return {"type": "experiment_viewed", "variant": arm, "time": at(day).isoformat(),
            "properties.experiment": experiment, **who}  # fmt: skip


def identified(visitor: str, customer: str, day: int) -> dict[str, Any]:
    return {
        "type": "customer_identified",
        "anonymous_id": visitor,
        "customer_id": customer,
        "time": at(day).isoformat(),
    }


@pytest.fixture
def running(shop: Shop, record: Record) -> Experiments:
    record(shop, *(ordered(f"c{number:03}") for number in range(200)), ordered("顾客"))
    known = Experiments(shop.state, "mei")
    known.create("spring", TWO)
    known.start("spring")
    return known


def test_everybody_is_exposed_once_in_one_commit(shop: Shop, running: Experiments) -> None:
    before = shop.log.version
    done = assign_all(shop, "spring", at(2))
    assert (sum(done.added.values()), done.already, done.outside) == (201, 0, 0)
    assert shop.log.version == done.log_version == before + 1
    again = assign_all(shop, "spring", at(3))
    assert (sum(again.added.values()), again.already, again.log_version) == (0, 201, done.log_version)
    found = exposures(shop, "spring", at(4))
    plan = running.get("spring").plan(None)
    assert found["variant"].to_pylist() == plan.assigned(found["customer_id"]).to_pylist()
    assert set(found["time"].to_pylist()) == {at(2)}
    weights = {"control": 0.25, "blue": 0.75}
    assert found["propensity"].to_pylist() == [weights[arm] for arm in found["variant"].to_pylist()]
    assert "顾客" in found["customer_id"].to_pylist()


def test_an_exposure_at_the_as_of_time_is_not_yet_known(shop: Shop, running: Experiments) -> None:
    assign_all(shop, "spring", at(2))
    assert exposures(shop, "spring", at(2)).num_rows == 0
    assert exposures(shop, "spring", at(2) + timedelta(microseconds=1)).num_rows == 201


def test_a_ramp_adds_customers_and_changes_nothing_else(shop: Shop, record: Record) -> None:
    record(shop, *(ordered(f"c{number:03}") for number in range(300)))
    known = Experiments(shop.state, "mei")
    known.create("spring", TWO)
    known.start("spring", 0.1)
    first = assign_all(shop, "spring", at(2))
    before = exposures(shop, "spring", at(3)).to_pylist()
    known.ramp("spring", 0.6)
    second = assign_all(shop, "spring", at(3))
    assert second.already == sum(first.added.values()) == len(before)
    after = exposures(shop, "spring", at(4)).to_pylist()
    assert [row for row in after if row["time"] == at(2)] == before
    assert len(after) > 3 * len(before)


def test_held_out_customers_are_never_exposed(shop: Shop, record: Record) -> None:
    record(shop, *(ordered(f"c{number:03}") for number in range(200)))
    known = Experiments(shop.state, "mei")
    holdout = known.hold_out(0.3)
    known.create("spring", TWO)
    known.start("spring")
    done = assign_all(shop, "spring", at(2))
    found = exposures(shop, "spring", at(3))
    assert not holdout.holds(found["customer_id"]).any()
    assert done.outside == 200 - found.num_rows > 0


def test_a_rule_says_of_whom_it_is(shop: Shop, running: Experiments) -> None:
    running.create("loyal ones", Design(TWO.arms, eligible="orders >= 2"))
    running.start("loyal ones")
    with pytest.raises(InputError, match="rule"):
        assign_all(shop, "loyal ones", at(2))
    asked = []

    def eligible(rule: str, as_of: datetime) -> pa.Array:
        asked.append((rule, as_of))
        return pa.array(["c001", "c002"])

    done = assign_all(shop, "loyal ones", at(2), eligible)
    assert asked == [("orders >= 2", at(2))]
    assert sum(done.added.values()) == 2


def test_a_visitor_who_becomes_a_customer_keeps_the_first_arm(shop: Shop, running: Experiments, record: Record) -> None:
    plan = running.get("spring").plan(None)
    visitor = next(f"v{n}" for n in range(100) if plan.arm(f"v{n}") == "control")
    customer = next(f"k{n}" for n in range(100) if plan.arm(f"k{n}") == "blue")
    assert expose(shop, "spring", visitor, at(2)) == "control"
    record(shop, identified(visitor, customer, 3), ordered(customer, 3))
    assert arm_of(shop, "spring", customer, at(4)) == "control"
    assert expose(shop, "spring", customer, at(4)) == "control"
    assign_all(shop, "spring", at(5))
    rows = [row for row in exposures(shop, "spring", at(6)).to_pylist() if row["customer_id"] == customer]
    assert [(row["variant"], row["time"]) for row in rows] == [("control", at(2))]
    assert jumps(shop, "spring", at(6)).num_rows == 0
    # As of before they were known to be one, they are two.
    assert visitor in exposures(shop, "spring", at(3))["customer_id"].to_pylist()


def test_who_met_two_arms_is_found_and_counts_in_the_first(shop: Shop, running: Experiments, record: Record) -> None:
    record(shop,
        viewed("spring", "blue", 2, anonymous_id="phone"), viewed("spring", "control", 3, anonymous_id="laptop"),
        viewed("spring", "blue", 3, customer_id="bob"), viewed("spring", "blue", 4, customer_id="bob"),
        identified("phone", "ada", 5), identified("laptop", "ada", 6),
    )  # fmt: skip
    assert jumps(shop, "spring", at(6)).num_rows == 0
    (jump,) = jumps(shop, "spring", at(7)).to_pylist()
    assert jump == {"customer_id": "ada", "variants": ["blue", "control"], "time": at(2), "jumped_at": at(3)}
    found = {row["customer_id"]: (row["variant"], row["time"]) for row in exposures(shop, "spring", at(7)).to_pylist()}
    assert found == {"ada": ("blue", at(2)), "bob": ("blue", at(3))}


def test_exposures_before_a_reset_and_of_other_experiments_do_not_count(
    shop: Shop, running: Experiments, record: Record
) -> None:
    assign_all(shop, "spring", at(2))
    record(shop, viewed("summer", "blue", 2, customer_id="ada"), viewed("spring", "no such arm", 2, customer_id="ada"))
    assert exposures(shop, "spring", at(3)).num_rows == 201
    running.stop("spring")
    running.reset("spring")
    running.start("spring", 0.5)
    assert exposures(shop, "spring", at(3)).num_rows == 0
    done = assign_all(shop, "spring", at(4))
    assert done.already == 0
    assert exposures(shop, "spring", at(5)).num_rows == sum(done.added.values()) > 0


def test_segments_own_events_are_read_too(shop: Shop, running: Experiments, record: Record) -> None:
    event = {"type": "experiment_viewed", "variant": "blue", "time": at(2).isoformat(), "customer_id": "ada"}
    record(shop, {**event, "properties.experiment_id": "7", "properties.experiment_name": "spring"})
    assert exposures(shop, "spring", at(3))["customer_id"].to_pylist() == ["ada"]


def test_what_does_not_run_assigns_nobody(shop: Shop, running: Experiments) -> None:
    running.stop("spring")
    for ask in (lambda: assign_all(shop, "spring", at(2)), lambda: arm_of(shop, "spring", "ada", at(2))):
        with pytest.raises(StartedError, match='"spring" is stopped'):
            ask()
    running.create("later", TWO)
    with pytest.raises(StartedError, match="Start it"):
        expose(shop, "later", "ada", at(2))
    with pytest.raises(NotFoundError, match="later, spring"):
        exposures(shop, "winter", at(2))


def test_an_empty_id_is_refused(shop: Shop, running: Experiments) -> None:
    with pytest.raises(InputError, match="empty"):
        expose(shop, "spring", "", at(2))
