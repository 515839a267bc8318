"""The registry: arms are fixed once it has started, ranges of a layer never meet, and nothing is forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from regulars import clock
from regulars.errors import InputError, NotFoundError, ShopError
from regulars.experiment.registry import Design, Experiments, StartedError
from regulars.state import State

TWO = Design({"control": 1, "blue": 1}, hypothesis="蓝色按钮更好", primary_metric="revenue", guardrails=("refunds",))
MONDAY = datetime(2024, 5, 6, tzinfo=UTC)


@pytest.fixture
def known(tmp_path: Path) -> Experiments:
    return Experiments(State.open(tmp_path), who="mei")


def test_an_experiment_is_kept_as_it_was_written(known: Experiments) -> None:
    design = Design(
        {"control": 1, "blue": 3}, "why", "prices", 0.25, 0.5, "orders >= 2", "revenue", ("refunds",), 9000, 14
    )
    with clock.held_at(MONDAY):
        made = known.create("春季 spring", design)
    assert known.get("春季 spring") == made
    assert (made.status, made.generation, made.share, made.created_at, made.unit) == (
        "draft",
        1,
        0.0,
        MONDAY,
        "customer",
    )
    assert [(arm.name, arm.weight) for arm in made.arms] == [("control", 0.25), ("blue", 0.75)]
    assert (made.layer, made.low, made.high, made.eligible) == ("prices", 0.25, 0.5, "orders >= 2")
    assert (made.primary_metric, made.guardrails) == ("revenue", ("refunds",))
    assert (made.planned_customers, made.planned_days) == (9000, 14)


def test_the_arms_of_a_started_experiment_can_no_longer_change(known: Experiments) -> None:
    known.create("spring", TWO)
    known.rewrite("spring", Design({"control": 1, "blue": 2}))
    known.start("spring")
    with pytest.raises(
        StartedError, match=r'experiment "spring" has started; its arms can no longer change\. Stop it first'
    ) as caught:
        known.rewrite("spring", TWO)
    assert caught.value.status == 409
    assert known.get("spring").arms[1].weight == 2 / 3


def test_what_happened_is_written_down_by_whom_and_when(known: Experiments) -> None:
    with clock.held_at(MONDAY):
        known.create("spring", TWO)
        known.start("spring", 0.05)
        known.ramp("spring", 0.5)
        known.stop("spring", "the plan is met")
        known.decide("spring", "blue", "more revenue", {"lift": 0.04})
    history = known.history("spring")
    assert [change.what for change in history] == ["created", "started", "ramped", "stopped", "decided"]
    assert {(change.who, change.at) for change in history} == {("mei", MONDAY)}
    assert history[2].about == {"share": 0.5, "from": 0.05}
    assert history[3].about["reason"] == "the plan is met"


def test_a_decided_experiment_keeps_its_verdict(known: Experiments) -> None:
    known.create("spring", TWO)
    known.start("spring")
    known.stop("spring")
    verdict = known.decide("spring", "blue", "更多收入", {"lift": 0.04}).verdict
    assert verdict is not None
    assert (verdict["arm"], verdict["reason"], verdict["by"], verdict["figures"]) == (
        "blue",
        "更多收入",
        "mei",
        {"lift": 0.04},
    )
    for again in (known.start, known.stop, known.reset, lambda name: known.decide(name, "control", "no")):
        with pytest.raises(StartedError):
            again("spring")
    assert known.get("spring").verdict == verdict


@pytest.mark.parametrize(("status", "allowed"), [
    ("draft", {"start"}), ("running", {"ramp", "stop"}), ("stopped", {"decide", "reset"}), ("decided", set()),
])  # fmt: skip
def test_each_change_needs_its_status(known: Experiments, status: str, allowed: set[str]) -> None:
    known.create("spring", TWO)
    steps = {
        "start": lambda: known.start("spring", 0.5), "ramp": lambda: known.ramp("spring", 0.6),
        "stop": lambda: known.stop("spring"), "decide": lambda: known.decide("spring", "blue", ""),
        "reset": lambda: known.reset("spring"),
    }  # fmt: skip
    for step in {
        "draft": [],
        "running": ["start"],
        "stopped": ["start", "stop"],
        "decided": ["start", "stop", "decide"],
    }[status]:
        steps[step]()
    before = known.get("spring")
    assert before.status == status
    for name in set(steps) - allowed:
        with pytest.raises(StartedError, match="spring"):
            steps[name]()
    assert known.get("spring") == before


def test_a_share_is_only_raised(known: Experiments) -> None:
    known.create("spring", TWO)
    known.start("spring", 0.5)
    with pytest.raises(InputError, match="can only be raised"):
        known.ramp("spring", 0.05)
    for wrong in (0.0, 1.5, float("nan")):
        with pytest.raises(InputError, match="share"):
            known.ramp("spring", wrong)


def test_a_reset_deals_anew_and_lets_the_arms_change(known: Experiments) -> None:
    known.create("spring", TWO)
    known.start("spring")
    before = known.get("spring")
    known.stop("spring")
    after = known.reset("spring")
    assert (after.status, after.generation, after.share, after.started_at) == ("draft", 2, 0.0, None)
    assert after.salt != before.salt
    assert len(known.rewrite("spring", Design({"control": 1, "blue": 1, "red": 1})).arms) == 3


def test_ranges_of_a_layer_never_meet(known: Experiments) -> None:
    known.create("one", Design(TWO.arms, layer="prices", high=0.4))
    known.create("other layer", Design(TWO.arms, layer="colours"))
    known.create("no layer", TWO)
    with pytest.raises(ShopError, match=r'"one", draft, has 0 to 0\.4\. Free are: 0\.4 to 1\.'):
        known.create("two", Design(TWO.arms, layer="prices", low=0.3, high=0.6))
    known.create("two", Design(TWO.arms, layer="prices", low=0.4, high=0.6))
    with pytest.raises(ShopError, match=r"Free are: 0\.4 to 1"):
        known.rewrite("two", Design(TWO.arms, layer="prices", low=0.3, high=0.6))


def test_a_stopped_experiment_gives_its_range_back_and_gets_it_again_only_if_it_is_free(known: Experiments) -> None:
    known.create("one", Design(TWO.arms, layer="prices"))
    known.start("one")
    known.stop("one")
    known.create("two", Design(TWO.arms, layer="prices", high=0.5))
    with pytest.raises(ShopError, match='"two", draft'):
        known.reset("one")


def test_of_two_that_take_a_range_at_once_one_gets_it(tmp_path: Path) -> None:
    state = State.open(tmp_path)

    def make(number: int) -> bool:
        try:
            Experiments(state, "mei").create(f"e{number}", Design(TWO.arms, layer="prices", high=0.6))
        except ShopError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(make, range(8))) == 1


def test_the_hold_out_is_set_once_and_for_ever(known: Experiments) -> None:
    assert known.holdout is None
    made = known.hold_out(0.05)
    assert known.hold_out(0.05) == made == known.holdout
    for other in (0.1, 0.01):
        with pytest.raises(ShopError, match="for ever"):
            known.hold_out(other)
    for wrong in (0.0, 0.6, float("nan")):
        with pytest.raises(InputError):
            known.hold_out(wrong)


def test_no_hold_out_while_an_experiment_may_be_treating_its_customers(known: Experiments) -> None:
    known.create("spring", TWO)
    known.start("spring")
    with pytest.raises(ShopError, match="spring: running"):
        known.hold_out(0.05)


def test_the_plan_has_all_that_assigns(known: Experiments) -> None:
    holdout = known.hold_out(0.2)
    known.create("spring", Design(TWO.arms, layer="prices", high=0.5))
    running = known.start("spring")
    ids = pa.array([f"c{number}" for number in range(4000)])
    plan = running.plan(known.holdout)
    assert not ((plan.numbers(ids) >= 0) & holdout.holds(ids)).any()
    assert abs((plan.numbers(ids) >= 0).mean() - 0.4) < 0.04


@pytest.mark.parametrize(("make", "said"), [
    (lambda: Design({"control": 1}), "at least two"),
    (lambda: Design({}), "at least two"),
    (lambda: Design({"control": 1, "blue": 0}), 'arm "blue" has the weight 0'),
    (lambda: Design({"control": 1, "blue": float("nan")}), "weight nan"),
    (lambda: Design({"Blue": 1, "blue": 1}), "letter case"),
    (lambda: Design({"control": 1, "a/b": 1}), '"a/b" cannot be the name of an arm'),
    (lambda: Design(TWO.arms, low=0.5), "none is named"),
    (lambda: Design(TWO.arms, layer="prices", low=0.5, high=0.5), "from < to"),
    (lambda: Design(TWO.arms, layer="prices", high=1.5), "from < to"),
    (lambda: Design(TWO.arms, planned_days=0), "planned days"),
    (lambda: Design(TWO.arms, hypothesis="a\x00b"), "control character"),
    (lambda: Design(TWO.arms, hypothesis="x" * 2001), "at most 2,000"),
])  # fmt: skip
def test_a_design_that_cannot_be_is_refused(make: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()  # type: ignore[operator]


def test_names_are_found_or_the_message_says_which_there_are(known: Experiments) -> None:
    with pytest.raises(NotFoundError, match="regulars experiment create"):
        known.get("spring")
    known.create("spring", TWO)
    with pytest.raises(NotFoundError, match="There are: spring"):
        known.start("winter")
    with pytest.raises(ShopError, match="already"):
        known.create("Spring", TWO)
    with pytest.raises(InputError, match="cannot be the name"):
        known.create("a/b", TWO)
    known.start("spring")
    known.stop("spring")
    with pytest.raises(NotFoundError, match="There are: control, blue"):
        known.decide("spring", "red", "")
    assert known.names() == ["spring"] == [one.name for one in known.all()]
