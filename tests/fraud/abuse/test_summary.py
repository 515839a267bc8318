"""All findings of a shop, who is suspected, and the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from regulars import Shop
from regulars.cli.fraud_abuse import commands
from regulars.errors import InputError
from regulars.events.schema import TIME
from regulars.fraud.abuse import FINDINGS, KINDS, evaluate, summary, suspicion
from regulars.simulate import World
from regulars.simulate import simulate as play
from regulars.simulate.params import load
from tests.fraud.abuse.making import event, moment, order

FARM = [f"农场{n}" for n in range(6)]


@pytest.fixture
def farmed(shop: Shop, record: Callable[..., Any]) -> Shop:
    """Three hundred order twice; six on one device order twice too, always with a coupon."""
    events = []
    for n in range(300):
        events += [order(f"c{n}", n / 10 + k * 3, f"o{n}-{k}", device_id=f"d{n}") for k in range(2)]
    for n, customer in enumerate(FARM):
        for k in range(2):
            coupon = {"coupon": "新人", "discount": 4}
            events.append(order(customer, 10 + n / 10 + k, f"f{n}-{k}", device_id="共用", properties=coupon))
    record(shop, *events)
    return shop


def test_an_empty_log_has_no_findings(shop: Shop) -> None:
    found = summary(shop, moment(1))
    assert found.num_rows == 0
    assert found.schema.equals(FINDINGS)


def test_a_kind_that_there_is_not_is_refused(shop: Shop) -> None:
    with pytest.raises(InputError, match=r'no abuse of kind "theft".*promotions'):
        summary(shop, moment(1), ["theft"])


def test_a_farm_is_found_once_it_is_there_and_its_accounts_are_suspected(farmed: Shop) -> None:
    found = summary(farmed, moment(60)).to_pylist()
    assert [(row["kind"], sorted(row["customers"]), row["money"]) for row in found] == [("promotions", FARM, 48.0)]
    assert summary(farmed, moment(10)).num_rows == 0
    ids, moments = [FARM[0], "c5", FARM[0], "nobody"], [60, 60, 10, 60]
    pairs = pa.table({"customer_id": ids, "as_of": pa.array([moment(days) for days in moments], TIME)})
    said = suspicion(farmed, pairs).to_pylist()
    assert [row["kind"] for row in said] == ["promotions", None, None, None]
    assert said[0]["suspicion"] == found[0]["score"] > 0.9
    assert said[0]["reason_zh"] == found[0]["evidence_zh"]
    assert [row["suspicion"] for row in said[1:]] == [0, 0, 0]
    assert suspicion(farmed, pairs.slice(0, 0)).num_rows == 0


def test_what_comes_later_changes_nothing_as_of_a_moment(farmed: Shop, record: Callable[..., Any]) -> None:
    before = summary(farmed, moment(20))
    assert before.num_rows == 1
    record(
        farmed,
        *(event("order_refunded", f"c{n}", 25, order_id=f"o{n}-0") for n in range(50)),
        *(order(f"c{n}", 26, f"late{n}", device_id="共用", properties={"coupon": "x"}) for n in range(50)),
    )
    assert summary(farmed, moment(20)).equals(before)


def test_the_command_shows_and_writes_what_was_found(farmed: Shop, tmp_path: Path) -> None:
    shop = ["--shop", str(farmed.folder)]
    said = CliRunner().invoke(commands, [*shop, "--kind", "promotions", "--out", str(tmp_path / "farms.csv")])
    assert said.exit_code == 0
    assert "promotions" in said.stdout
    assert "农场0; 农场1" in (tmp_path / "farms.csv").read_text("utf-8")
    said = CliRunner().invoke(commands, [*shop, "--json", "--out", str(tmp_path / "farms.parquet")])
    assert [row["customers"] for row in json.loads(said.stdout)["findings"]] == [FARM]
    assert pq.read_table(tmp_path / "farms.parquet")["customers"].to_pylist() == [FARM]
    said = CliRunner().invoke(commands, [*shop, "--as-of", "2024-05-03"])
    assert "No abuse was found as of 2024-05-03 00:00." in said.stdout
    assert isinstance(CliRunner().invoke(commands, [*shop, "--out", "farms.xlsx"]).exception, InputError)


def test_in_a_simulated_shop_most_of_whom_is_named_is_guilty(tmp_path: Path) -> None:
    gifts = load("gifts")
    fraud = gifts.fraud.model_copy(update={"rings_per_10k": 200, "acts_per_month": 20})
    world = World(gifts.model_copy(update={"fraud": fraud}), customers=1000, seed=3, days=90)
    play(tmp_path / "shop", world)
    found = {one.kind: one for one in evaluate.judged(Shop.open(tmp_path / "shop"))}
    assert set(found) <= set(KINDS)
    for kind in ("promotions", "returns", "takeover"):
        assert found[kind].named
        assert found[kind].precision >= 0.8
    assert found["promotions"].recall_of_several > 0.7
