"""From the decisions of a shop's log to what another policy would have brought, by function and by command."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from regulars import Shop
from regulars.capability import DECISION
from regulars.cli.offpolicy import commands
from regulars.decisions import to_events
from regulars.errors import InputError, NotEnoughError, NotFoundError
from regulars.experiment.offpolicy import OverlapError, compare, context_of, decided, policy_of, target_of

MADE = datetime(2024, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def decisions_of(ids: list[str], actions: list[str], propensity: list[float]) -> pa.Table:
    count = len(ids)
    columns = {
        "customer_id": ids, "action": actions, "policy": ["by chance"] * count, "propensity": propensity,
        "reasons": [[]] * count, "inputs_hash": ["00"] * count, "disclosure": [None] * count,
    }  # fmt: skip
    return pa.table({name: pa.array(values, DECISION.field(name).type) for name, values in columns.items()})


@pytest.fixture
def decided_shop(shop: Shop, record: Any) -> Shop:
    """400 customers, half of them called by chance; six in ten of these order for 10, two in ten of the others."""
    rng = np.random.default_rng(0)
    ids = [f"客{number:03d}" for number in range(400)]
    is_called = rng.random(400) < 0.5
    orders = rng.random(400) < np.where(is_called, 0.6, 0.2)
    line = {"type": "order_completed", "product_id": "tea", "quantity": 1}
    record(
        shop,
        *(
            {**line, "customer_id": name, "time": at.isoformat(), "order_id": f"{name}-{at.day}", "unit_price": price}
            for name, came in zip(ids, orders.tolist(), strict=True)
            for at, price, is_there in ((MADE - 9 * DAY, 5.0, True), (MADE + 9 * DAY, 10.0, came))
            if is_there
        ),
        {**line, "customer_id": "last", "time": (MADE + 40 * DAY).isoformat(), "order_id": "z", "unit_price": 1.0},
    )
    table = decisions_of(ids, np.where(is_called, "call", "wait").tolist(), [0.5] * 400)
    for moment in (MADE, MADE + 30 * DAY):
        shop.log.append(to_events(table, "churn", 3, moment, moment), "decisions", {})
    return shop


def test_each_decision_has_what_came_of_it(decided_shop: Shop) -> None:
    found = decided(decided_shop, "churn", 14)
    assert (found.table.num_rows, found.actions, found.left_out) == (400, ("call", "wait"), 400)
    assert found.inverse == 2
    first = found.table.to_pylist()[0]
    assert (first["as_of"], first["policy"], first["version"]) == (MADE, "by chance", 3)
    called = np.asarray(found.table["action"]) == "call"
    reward = found.table["reward"].to_numpy()
    assert set(reward.tolist()) == {0.0, 10.0}
    assert reward[called].mean() > 2 * reward[~called].mean()
    counted = decided(decided_shop, "churn", 14, "orders").table["reward"].to_numpy()
    assert counted.tolist() == (reward / 10).tolist()
    assert decided(decided_shop, "churn", 5).table["reward"].to_numpy().max() == 0


def test_calling_all_would_bring_more(decided_shop: Shop) -> None:
    found = decided(decided_shop, "churn", 14)
    logged = found.logged(context_of(decided_shop, found))
    verdict = compare(logged, found.always("call"))
    assert verdict.goes_live
    assert verdict.new.low < 6 < verdict.new.high
    assert not compare(logged, found.always("wait")).goes_live


def test_what_is_not_over_is_not_counted(decided_shop: Shop) -> None:
    with pytest.raises(NotEnoughError, match=r"800 decisions, the first of 2024-05-01, .* the 90 days after are over"):
        decided(decided_shop, "churn", 90)
    with pytest.raises(NotEnoughError, match="of none the 14 days"):
        decided(decided_shop, "churn", 14, until=MADE + 13 * DAY)


def test_what_was_never_decided_is_named(decided_shop: Shop) -> None:
    with pytest.raises(NotFoundError, match="recommend decided nothing"):
        decided(decided_shop, "recommend", 14)
    with pytest.raises(NotFoundError, match=r'"write" was never decided\. There are: call, wait'):
        decided(decided_shop, "churn", 14).always("write")


def test_a_policy_from_a_file(decided_shop: Shop, tmp_path: Path) -> None:
    found = decided(decided_shop, "churn", 14)
    names = found.table["customer_id"].to_pylist()
    path = tmp_path / "policy.csv"
    path.write_text(
        "customer_id,action,propensity\n" + "".join(f"{name},call,0.75\n{name},wait,0.25\n" for name in names)
    )
    assert target_of(found, policy_of(path)).tolist() == [[0.75, 0.25]] * 400
    path.write_text(
        "customer_id,as_of,action,propensity\n" + "".join(f"{n},2024-05-01T00:00:00Z,wait,1\n" for n in names)
    )
    assert target_of(found, policy_of(path)).tolist() == [[0.0, 1.0]] * 400


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("customer_id,action\nada,call\n", "lacks the column propensity. Found: customer_id, action"),
        ("customer_id,action,propensity\n客000,call,much\n", "the column propensity cannot be read"),
        ("customer_id,action,propensity\n客000,write,1\n", 'does "write", which was never decided'),
        (
            "customer_id,action,propensity\n客000,call,1\n",
            "says nothing of 399 of 400 decisions; the first is of 客001",
        ),
        ("customer_id,action,propensity\n客000,call,1\n客000,call,1\n", 'names "call" of 客000 2 times'),
    ],
)
def test_policies_that_are_none_are_refused(decided_shop: Shop, tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "policy.csv"
    path.write_text(text, encoding="utf-8")
    found = decided(decided_shop, "churn", 14)
    with pytest.raises(InputError, match=says):
        target_of(found, policy_of(path))


def run(shop: Shop, *words: object) -> Any:
    app = typer.Typer()
    app.registered_commands += commands.registered_commands
    return CliRunner().invoke(app, [*map(str, words), "--shop", str(shop.folder)])


def test_the_command_says_whether_it_goes_live(decided_shop: Shop) -> None:
    said = run(decided_shop, "churn", "--always", "call", "--days", 14, "--json")
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert found["goes_live"] is True
    assert found["mean_inverse_propensity"] == 2
    assert found["new"]["low"] < found["new"]["value"] < found["new"]["high"]
    assert set(found["methods"]) == {"IPS", "SNIPS", "DM", "DR", "Switch-DR", "DRos", "chosen"}
    shown = run(decided_shop, "churn", "--always", "wait", "--days", 14, "--no-profiles")
    assert shown.exit_code == 0, shown.output


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["churn"], InputError),
        (["churn", "--always", "call", "--policy", "x.csv"], InputError),
        (["churn", "--always", "call", "--outcome", "joy"], InputError),
    ],
)
def test_a_command_that_asks_nothing_clear_is_refused(decided_shop: Shop, words: list[str], error: type) -> None:
    assert isinstance(run(decided_shop, *words).exception, error)


def test_a_shop_that_never_left_anything_to_chance_is_told(shop: Shop, record: Any) -> None:
    ids = [f"c{number}" for number in range(200)]
    line = {"type": "order_completed", "product_id": "tea", "quantity": 1, "unit_price": 1.0}
    record(
        shop,
        *({**line, "customer_id": name, "time": (MADE + 40 * DAY).isoformat(), "order_id": name} for name in ids),
    )
    table = decisions_of(ids, ["call"] * 100 + ["wait"] * 100, [1.0] * 200)
    shop.log.append(to_events(table, "churn", 1, MADE, MADE), "decisions", {})
    found = decided(shop, "churn", 14)
    with pytest.raises(OverlapError, match="About 50% of what the policy does was never done"):
        compare(found.logged(), found.always("call"))
