"""From a log to a verdict: what counts, what blocks, and what is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.errors import InputError, NotEnoughError
from regulars.events.schema import EVENTS, TIME
from regulars.experiment import plots, report
from regulars.experiment.aa import self_test
from regulars.experiment.analysis import Result, analyse
from regulars.experiment.metrics import READY, Measure, Metric, named
from regulars.experiment.plan import AnalysisPlan
from regulars.experiment.power import past, run_time
from regulars.experiment.values import happened, per_customer
from regulars.experiment.words import of_verdict

START = datetime(2024, 5, 1, tzinfo=UTC)
PLAN = AnalysisPlan("control", {"control": 0.5, "blue": 0.5}, START, 21, "revenue", {"conversion": 0.5}, customers=2000)
DAY = 86_400_000_000


def orders(ids: list[str], days: np.ndarray, prices: np.ndarray, kind: str = "order_completed") -> pa.Table:
    """Orders, each at so many days after the start."""
    count = len(ids)
    times = pa.array((days * DAY).astype(np.int64) + round(START.timestamp() * 1e6)).cast(TIME)
    names = pa.array([f"{kind}-{i}-{day:.9f}" for i, day in zip(ids, days, strict=True)])
    made = {
        "event_id": names, "line": np.zeros(count, np.int32), "time": times, "received_at": times, "order_id": names,
        "customer_id": ids, "type": [kind] * count, "product_id": ["tea"] * count, "quantity": np.ones(count),
        "currency": ["EUR"] * count,
        "unit_price": pa.array(np.round(prices, 2)).cast(pa.decimal128(18, 4), safe=False),
    }  # fmt: skip
    arrays = [
        pa.array(made[field.name]).cast(field.type) if field.name in made else pa.nulls(count, field.type)
        for field in EVENTS
    ]
    return pa.Table.from_arrays(arrays, schema=EVENTS)


def exposed(ids: list[str], variants: list[str], days: np.ndarray) -> pa.Table:
    times = pa.array((np.asarray(days) * DAY).astype(np.int64) + round(START.timestamp() * 1e6)).cast(TIME)
    return pa.table({"customer_id": ids, "variant": variants, "exposed_at": times})


Made = Callable[..., tuple[Shop, pa.Table]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """made(lift=…): a shop whose customers spend after exposure as before, the treated more by a share."""

    def make(
        *, lift: float = 0.0, customers: int = 2400, shares: float = 0.5, fades: bool = False, start_gap: float = 0.0
    ) -> tuple[Shop, pa.Table]:
        rng = np.random.default_rng(0)
        ids = [f"c{i:05}" for i in range(customers)]
        arm = rng.random(customers) < shares
        at = rng.random(customers) * 13.9
        taste = rng.lognormal(3, 0.4, customers)
        before = taste * rng.lognormal(0, 0.3, customers) * (1 + start_gap * arm)
        after = taste * rng.lognormal(0, 0.3, customers) * (1 + lift * arm)
        wait = rng.random(customers) * np.where(fades & arm, 1.0, 6.5)
        shop = Shop.create(tmp_path / f"shop{len(list(tmp_path.iterdir()))}")
        shop.log.append(orders(ids, at - 5, before), "before")
        shop.log.append(orders(ids, at + wait, after), "after")
        return shop, exposed(ids, ["blue" if one else "control" for one in arm], at)

    return make


def run(shop: Shop, table: pa.Table, plan: AnalysisPlan = PLAN, days: int = 21, names: tuple[str, ...] = ()) -> Result:
    wanted = named(dict.fromkeys([plan.primary, "conversion", *names]))  # type: ignore[arg-type]
    return analyse(shop, table, wanted, plan, START + timedelta(days=days))


def test_an_effect_is_found_by_plan_and_at_any_time(made: Made) -> None:
    shop, table = made(lift=0.2)
    result = run(shop, table, names=("average order value", "median order value"))
    verdict = result.verdicts[0]
    assert (verdict.state, verdict.by) == ("better", "plan")
    found = result.finding("revenue", "blue")
    assert found is not None
    assert found.health is not None
    assert found.effect.low / found.control.value < 0.2 < found.effect.high / found.control.value
    assert found.always.low > 0
    assert found.health.saved > 0.3
    assert found.effect.error < 0.85 * found.plain.error
    assert found.believed.better > 0.999
    assert {one.metric.name for one in result.findings} >= {"average order value", "median order value"}
    assert verdict.planned is not None
    assert verdict.planned.crossed_at is not None
    assert verdict.planned.crossed_at < PLAN.ends_at
    assert of_verdict(result, verdict).startswith("blue is better than control: revenue +")
    assert of_verdict(result, verdict, "zh").startswith("blue 优于 control：revenue +")


def test_nothing_is_found_where_nothing_is(made: Made) -> None:
    shop, table = made()
    result = run(shop, table)
    assert result.verdicts[0].state == "none"
    assert not any(one.found for one in result.corrected)
    assert all(check.passed for check in result.checks)
    early = run(shop, table, days=14)
    assert early.verdicts[0].state == "open"


def test_who_all_came_at_once_have_their_verdict_at_the_end_of_the_plan(made: Made) -> None:
    shop, table = made(customers=1200)
    at_once = exposed(table["customer_id"].to_pylist(), table["variant"].to_pylist(), np.full(1200, 0.0))
    planned = run(shop, at_once).verdicts[0].planned
    assert planned is not None
    assert planned.is_over
    assert planned.boundary < 2.1


def test_only_what_follows_exposure_within_its_days_counts(made: Made) -> None:
    shop, _ = made(customers=30)
    customers = exposed(["ada", "bob"], ["blue", "control"], np.array([1.0, 1.0]))
    days = np.array([0.999, 1.0, 3.5, 7.999, 8.0, 2.0])
    shop.log.append(orders(["ada"] * 6, days, np.array([100.0, 1, 2, 4, 800, 16])), "of ada")
    shop.log.append(orders(["ada"], np.array([4.0]), np.array([3.0]), "order_refunded"), "given back")
    asked = customers.select(["customer_id", "exposed_at"])
    metrics = named(["revenue", "orders", "conversion"])
    found = happened(shop, asked, metrics, START + timedelta(days=30), 28)
    ada, bob = per_customer(found, metrics, 28).to_pylist()
    assert (ada["value_0"], ada["before_0"], ada["value_1"], ada["value_2"]) == (1 + 2 + 4 + 16 - 3, 100, 4, 1)
    assert (bob["value_0"], bob["value_2"]) == (0, 0)
    # As of a moment nothing later is known.
    assert per_customer(happened(shop, asked, metrics, START + timedelta(days=2), 28), metrics, 28)[
        "value_0"
    ].to_pylist() == [1, 0]


def test_customers_count_once_their_days_are_over(made: Made) -> None:
    shop, table = made()
    result = run(shop, table, days=10)
    moments = table["exposed_at"].cast(pa.int64()).to_numpy()
    over = int((moments <= round((START + timedelta(days=3)).timestamp() * 1e6)).sum())
    assert sum(result.counted.values()) == over


def test_jumpers_are_left_out_counted_and_block(made: Made) -> None:
    shop, table = made(lift=0.2)
    again = table.slice(0, 100)
    other = [{"blue": "control", "control": "blue"}[one] for one in again["variant"].to_pylist()]
    both = pa.concat_tables([table, again.set_column(1, "variant", pa.array(other))])
    result = run(shop, both)
    assert sum(result.counts.values()) == table.num_rows - 100
    assert [check.kind for check in result.blocked] == ["jumping"]
    assert result.verdicts[0].state == "blocked"
    assert "100 customers (4.2%) saw more than one arm" in of_verdict(result, result.verdicts[0])


def test_two_ids_of_one_customer_in_two_arms_are_one_jumper(made: Made, record: Callable[..., object]) -> None:
    shop, table = made()
    record(
        shop,
        {"time": "2024-05-02", "type": "customer_identified", "customer_id": "c00000", "anonymous_id": "a1"},
    )
    more = exposed(["a1"], ["control" if table["variant"][0].as_py() == "blue" else "blue"], np.array([0.5]))
    result = run(shop, pa.concat_tables([table, more]))
    assert next(check for check in result.checks if check.kind == "jumping").facts["jumped"] == 1


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ({"shares": 0.58}, "mismatch"),
        ({"start_gap": 0.15}, "carry_over"),
        ({"fades": True}, "novelty"),
    ],
)
def test_what_makes_a_result_worthless_blocks_it(made: Made, how: dict[str, float], kind: str) -> None:
    shop, table = made(lift=0.2, **how)
    result = run(shop, table)
    assert kind in [check.kind for check in result.blocked]
    assert result.verdicts[0].state == "blocked"
    for language in ("en", "zh"):
        assert "{" not in of_verdict(result, result.verdicts[0], language)  # type: ignore[arg-type]


def test_a_split_that_changes_with_time_blocks(made: Made) -> None:
    shop, table = made()
    late = table["exposed_at"].cast(pa.int64()).to_numpy() > (START + timedelta(days=7)).timestamp() * 1e6
    rng = np.random.default_rng(1)
    variants = np.where(rng.random(len(late)) < np.where(late, 0.7, 0.3), "blue", "control")
    result = run(shop, table.set_column(1, "variant", pa.array(variants)))
    assert "unsteady" in [check.kind for check in result.blocked]


@pytest.mark.parametrize("everybody", ["blue", "control"])
def test_an_arm_without_customers_blocks(made: Made, everybody: str) -> None:
    shop, table = made(customers=300)
    result = run(shop, table.set_column(1, "variant", pa.array([everybody] * 300)))
    assert "empty" in [check.kind for check in result.blocked]
    assert result.findings == ()
    assert result.verdicts[0].state == "blocked"


def test_a_constant_metric_blocks(made: Made) -> None:
    shop, table = made()
    plan = replace(PLAN, primary="orders", guardrails={})
    result = run(shop, table, plan)
    assert "constant" in [check.kind for check in result.blocked]
    assert "orders is 1 for every customer" in of_verdict(result, result.verdicts[0])


def test_negative_revenue_is_told_as_it_is(made: Made) -> None:
    shop, table = made(customers=1000)
    ids = table["customer_id"].to_pylist()
    at = (table["exposed_at"].cast(pa.int64()).to_numpy() - START.timestamp() * 1e6) / DAY
    shop.log.append(orders(ids, at + 6.9, np.full(1000, 90.0), "order_refunded"), "all given back")
    result = run(shop, table)
    found = result.finding("revenue", "blue")
    assert found is not None
    assert found.control.value < 0
    assert "%" not in of_verdict(result, result.verdicts[0]).partition("revenue")[2]


def test_a_better_metric_with_an_unsafe_guardrail_is_not_to_be_rolled_out(made: Made) -> None:
    shop, table = made(lift=0.2)
    result = run(shop, table, replace(PLAN, guardrails={"refunds": 0.02}), names=("refunds",))
    assert (result.verdicts[0].state, result.verdicts[0].broken) == ("unsafe", ("refunds",))


def test_a_few_customers_do_not_decide(made: Made) -> None:
    shop, table = made()
    rich = table.filter(pa.array([one == "blue" for one in table["variant"].to_pylist()])).slice(0, 3)
    at = (rich["exposed_at"].cast(pa.int64()).to_numpy() - START.timestamp() * 1e6) / DAY
    shop.log.append(orders(rich["customer_id"].to_pylist(), at + 1, np.full(3, 50_000.0)), "three rich")
    result = run(shop, table)
    cuts = result.sensitivity["blue"]
    assert cuts[0].effect.error > 10 * cuts[-1].effect.error
    assert result.verdicts[0].state in ("none", "blocked")


def test_segments_are_drawn_together(made: Made) -> None:
    shop, table = made(lift=0.2)
    rng = np.random.default_rng(3)
    parts = pa.table({"customer_id": table["customer_id"], "segment": rng.choice(["新客", "vip", "old"], 2400)})
    few = pa.table({"customer_id": ["c00001"], "segment": ["rare"]})
    parts = pa.concat_tables([few, parts.slice(0, 1), parts.slice(2)])
    result = analyse(shop, table, named(["revenue", "conversion"]), PLAN, START + timedelta(days=21), segments=parts)
    found = result.segments[0]
    assert found.names == ("old", "vip", "新客")
    assert found.left_out == ("rare",)
    assert np.ptp(found.shrunk.value) < np.ptp([one.difference for one in found.plain])


def test_json_page_and_charts_hold_the_result(made: Made) -> None:
    shop, table = made(lift=0.2)
    result = run(shop, table)
    told = report.to_dict(result)
    assert json.loads(json.dumps(told, allow_nan=False))["verdicts"][0]["state"] == "better"
    page = report.to_html(result, "spring <b>", "zh")
    assert "spring &lt;b&gt;" in page
    assert "优于" in page
    drawn = plots.looks_plot(result, "blue").to_dict()
    assert drawn["description"]
    assert len(plots.days_plot(result, "blue").to_dict()["layer"]) == 3


def test_mistakes_are_named(made: Made) -> None:
    shop, table = made(customers=300)
    with pytest.raises(InputError, match="no column"):
        run(shop, table.drop_columns("variant"))
    with pytest.raises(InputError, match='variant "green"'):
        run(shop, table.set_column(1, "variant", pa.array(["green"] * 300)))
    with pytest.raises(InputError, match="nobody would count in time"):
        run(shop, table, replace(PLAN, days=7))
    with pytest.raises(InputError, match="must be given once"):
        analyse(shop, table, named(["conversion"]), PLAN, START + timedelta(days=21))
    with pytest.raises(NotEnoughError, match="Nobody was exposed"):
        analyse(shop, table.slice(0, 0), named(["revenue", "conversion"]), PLAN, START + timedelta(days=21))
    with pytest.raises(InputError, match="no metric"):
        named(["revenu"])
    with pytest.raises(InputError, match="control"):
        AnalysisPlan("grey", {"control": 1, "blue": 1}, START, 21, "revenue")
    with pytest.raises(InputError, match="days 7 to 7"):
        Metric("late", Measure("any"), days=7, from_day=7)


def test_run_time_comes_from_the_shops_own_past(made: Made) -> None:
    shop, _ = made()
    then = START + timedelta(days=28)
    before = past(shop, READY["revenue"], then, days=56)
    found = run_time(before, 0.1)
    assert found.days is not None
    assert found.days <= 56
    assert str(found).endswith(f"({found.customers:,} customers)")
    assert f"{found.days} days at your traffic" in str(found)
    assert run_time(before, 0.2).customers < found.customers / 3
    assert run_time(before, 0.001).days is None
    with pytest.raises(NotEnoughError, match="varied"):
        run_time(past(shop, READY["carts"], then), 0.1)


def test_the_self_test_errs_as_often_as_was_agreed(made: Made) -> None:
    shop, _ = made()
    found = self_test(past(shop, READY["revenue"], START + timedelta(days=28)), tests=400)
    rates = {one.rule: one for one in found.rates}
    assert rates["a plain test looked at daily"].wrong > 0.1
    assert rates["the planned verdict"].low <= 0.05
    assert rates["the interval that holds at any time"].wrong <= 0.05
    assert rates["a plain test looked at once"].low <= 0.05 <= rates["a plain test looked at once"].high + 0.02
