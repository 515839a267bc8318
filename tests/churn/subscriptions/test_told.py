"""What a shop is told of its subscriptions, and what it is told where they are too few."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars import Shop
from regulars.churn import subscriptions
from regulars.churn.subscriptions.spells import spells
from regulars.churn.subscriptions.told import MEANINGS, Shown, lasting, subscription_report
from regulars.evaluation import Split, leak_check

START = datetime(2024, 1, 1, tzinfo=UTC)
Seen = Callable[..., Shop]
JUDGED = "How good is the chance that a subscription ends at its next renewal?"


def said(kind: str, customer: str, day: float, **fields: Any) -> dict[str, Any]:
    return {
        "type": f"subscription_{kind}", "customer_id": customer, "time": START + timedelta(days=day), **fields
    }  # fmt: skip


def notes_of(table: pa.Table) -> str:
    return " ".join(json.loads(table.schema.metadata[b"notes"]))


@pytest.fixture(scope="module")
def table(club: Shop, club_as_of: datetime) -> pa.Table:
    return subscriptions(club, club_as_of)


@pytest.fixture(scope="module")
def report(club: Shop, club_as_of: datetime) -> Shown:
    return subscription_report(club, Split(club_as_of, 60))


def test_each_spell_is_a_row_and_each_column_says_what_it_is(table: pa.Table) -> None:
    assert table.num_rows >= 500
    assert table.column_names == list(MEANINGS)
    assert all(field.metadata[b"meaning"] and field.metadata[b"unit"] for field in table.schema)


def test_who_runs_has_a_chance_and_who_is_over_has_none(table: pa.Table) -> None:
    runs = pc.is_null(table["ended_by"])
    assert table["leave_probability"].filter(pc.invert(runs)).null_count == pc.sum(pc.invert(runs)).as_py()
    running = table.filter(runs)
    chance, three, twelve = (running[name].to_numpy() for name in ("leave_probability", "kept_3", "kept_12"))
    assert ((chance > 0) & (chance < 1)).all()
    assert (twelve < three).all()
    assert (three < 1 - chance).all()
    assert (running["expected_months"].to_numpy() > 0).all()


def test_the_large_plan_lasts_longer_and_intervals_are_said(report: Shown) -> None:
    charts, tables, _ = report
    rows = {row[0]: row for row in tables["How long subscriptions last, by plan"].rows}
    assert list(rows) == ["all", "large", "small"]
    left = {name: int(str(row[5]).split("%")[0]) for name, row in rows.items()}
    assert left["small"] + 10 < left["all"] < left["large"] - 10
    assert " to " in str(rows["all"][5])
    assert rows["all"][6] == "not known yet"
    drawn = charts["How long subscriptions last"].to_dict()["data"]["values"]
    assert {row["group"] for row in drawn} == set(rows)
    assert all(row["low"] <= row["left"] <= row["high"] for row in drawn)
    assert "2024-03" in [row[0] for row in tables["How long subscriptions last, by month of the first start"].rows]


def test_the_chance_is_better_than_the_hazard_of_the_number(report: Shown) -> None:
    rows = {row[0]: [float(str(cell).split()[0]) for cell in row[2:]] for row in report[1][JUDGED].rows}
    model, baseline, gain = rows["AUROC"]
    assert model > baseline
    assert gain > 0
    assert rows["Brier"][0] < rows["Brier"][1]


def test_a_shop_without_subscriptions_is_told_nothing(seen: Seen) -> None:
    shop = seen({"type": "order_completed", "customer_id": "ada", "time": START, "order_id": "1"})
    moment = START + timedelta(days=5)
    assert subscription_report(shop, Split(moment, 30)) == ({}, {}, ())
    assert subscriptions(shop, moment).num_rows == 0


def test_one_subscriber_is_not_enough_and_gets_no_figure(seen: Seen) -> None:
    shop = seen(said("started", "ada", 0), *(said("renewed", "ada", 30 * k) for k in range(1, 4)))
    moment = START + timedelta(days=95)
    one = subscriptions(shop, moment)
    assert one["leave_probability"].to_pylist() == one["expected_months"].to_pylist() == [None]
    assert one["renewal_in_days"].to_pylist() == [25]
    assert "needs 50 that ended and 50 that were renewed; has 0 and " in notes_of(one)
    charts, tables, notes = subscription_report(shop, Split(moment, 30))
    assert (charts, tables) == ({}, {})
    assert "needs 20 subscriptions from their start on, has 1" in " ".join(notes)


def test_where_all_were_cancelled_on_one_day_nothing_is_told_of_how_long_they_last(seen: Seen) -> None:
    shop = seen(
        *(said("started", f"c{k}", k / 10) for k in range(60)),
        *(said("cancelled", f"c{k}", 40) for k in range(60)),
    )
    charts, tables, notes = lasting(spells(shop, START + timedelta(days=50)))
    assert (charts, tables) == ({}, {})
    assert notes == (
        "Not enough to tell how long they last: needs ends on 2 days, but all 60 that are over ended on one.",
    )
    found = subscriptions(shop, START + timedelta(days=50))
    assert found["expected_months"].null_count == 60


def test_a_small_plan_is_named_and_not_told_of(seen: Seen) -> None:
    many = [said("started", f"c{k}", k / 10, product_id="tea") for k in range(40)]
    ended = [said("cancelled", f"c{k}", 40 + k, product_id="tea") for k in range(20)]
    shop = seen(*many, *ended, said("started", "x", 3, product_id="coffee"))
    _, tables, notes = lasting(spells(shop, START + timedelta(days=90)))
    assert [row[:3] for row in tables["How long subscriptions last, by plan"].rows] == [
        ["all", 41, 20],
        ["tea", 40, 20],
    ]
    assert "coffee" in notes[0]


def test_events_that_contradict_each_other_give_notes_not_errors(seen: Seen) -> None:
    odd = [
        said("cancelled", "ada", 1),
        said("renewed", "ada", 5),
        said("cancelled", "ada", 6),
        said("paused", "ada", 7),
    ]
    shop = seen(*odd, said("resumed", "bob", 2, properties={"period_days": -3}), said("paused", "eve", 1))
    found = subscriptions(shop, START + timedelta(days=20))
    assert found["customer_id"].to_pylist() == ["ada", "bob"]
    assert "without a start" in notes_of(found)
    assert np.isnan(found["leave_probability"].to_numpy()).all()


def test_nothing_after_the_moment_is_used(club: Shop, club_as_of: datetime) -> None:
    def compute(events: Any) -> pa.Table:
        return subscriptions(club.with_events(events), club_as_of)

    check = leak_check(compute, club.events, club_as_of)
    assert check.passed, check.detail


def test_the_command_writes_every_spell_and_shows_who_is_likeliest_to_end(
    club: Shop, club_as_of: datetime, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    own = shutil.copytree(club.folder, tmp_path / "club")
    code, out, _ = cli("subscriptions", "--shop", own, "--as-of", f"{club_as_of:%Y-%m-%d}", "--json")
    assert code == 0
    said = json.loads(out)
    chances = [row["leave_probability"] for row in said["first"]]
    assert chances == sorted(chances, reverse=True)
    assert said["running"] < said["spells"]
    assert all(Path(path).is_file() for path in said["files"])
    code, out, _ = cli("subscriptions", "--shop", own, "--as-of", f"{club_as_of:%Y-%m-%d}")
    assert code == 0
    assert "likely to end at the renewal in" in out
