"""Segments of a shop: learned, kept under their names, told of any moment; and the answers where there are none."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop, segment
from regulars.errors import InputError, NotEnoughError
from regulars.evaluation import Report
from regulars.events.schema import TIME
from regulars.segment.model import FILES, SegmentModel
from regulars.segment.rfm import NAMES
from regulars.segment.training import train

NOW = datetime(2024, 6, 1, tzinfo=UTC)
LEARNED = NOW - timedelta(days=31)
DAYS = 150
Event = dict[str, Any]


def events() -> Iterator[Event]:
    """Forty each who buy tea, pots or books, almost only; each with a rhythm of its own."""
    rng = random.Random(0)
    kinds = ("tea", "pot", "book")
    for number in range(120):
        moment = NOW - timedelta(days=rng.uniform(1, DAYS))
        for order in range(rng.randint(1, 4)):
            for line in range(6):
                kind = kinds[number % 3] if rng.random() < 0.95 else rng.choice(kinds)
                product = f"{kind}{rng.randrange(5)}"
                yield {
                    "type": "order_completed", "customer_id": f"c{number:03d}", "time": moment.isoformat(),
                    "order_id": f"{number}-{order}", "product_id": product, "category": kind, "title": product,
                    "quantity": 1, "unit_price": round(rng.uniform(3, 9), 2), "event_id": f"{number}-{order}-{line}",
                }  # fmt: skip
            moment += timedelta(days=rng.uniform(5, 40))
            if moment > NOW:
                break


class Made(NamedTuple):
    shop: Shop
    report: Report
    table: pa.Table


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, record: Callable[..., Any]) -> Made:
    """A shop that has learned until a month ago, the report, and who is where now."""
    folder = tmp_path_factory.mktemp("segment")
    shop = Shop.create(folder / "shop")
    settings = folder / "shop" / "shop.toml"
    settings.write_text(settings.read_text().replace("# horizon_days = 90", "horizon_days = 30", 1))
    shop = Shop.open(folder / "shop")
    record(shop, *events())
    found = segment.learn(shop, LEARNED)
    card = {"until": LEARNED.isoformat(), "about": dict(found.about), "report": found.report.to_dict()}
    shop.models.use("segment", shop.models.save("segment", found.files, card).version)
    return Made(shop, found.report, segment.table(shop, shop.customers(NOW)))


def test_who_buys_the_same_is_in_one_segment_and_it_is_named_after_that(made: Made) -> None:
    for row in made.table.to_pylist():
        kind = ("Tea", "Pot", "Book")[int(row["customer_id"][1:]) % 3]
        assert row["segment"].startswith(kind)
        assert row["rfm_cell"] in NAMES


def test_the_columns_say_what_they_mean_and_names_are_there_in_chinese(made: Made) -> None:
    schema = made.table.schema
    assert all(schema.field(name).metadata[b"meaning"] for name in made.table.column_names[2:])
    said = json.loads(schema.field("segment_id").metadata[b"names"])
    assert set(said["en"]) == set(said["zh"]) == {"1", "2", "3"}
    assert all(name.startswith("偏爱") for name in said["zh"].values())


def test_one_alone_is_where_it_is_among_all_and_rows_are_in_the_order_of_the_pairs(made: Made) -> None:
    ids = made.table["customer_id"].to_pylist()
    pairs = pa.table(
        {"customer_id": [ids[7], ids[3], "nobody"], "as_of": pa.array([NOW, LEARNED - timedelta(days=1), NOW], TIME)}
    )
    now, early, stranger = segment.table(made.shop, pairs).to_pylist()
    assert now == made.table.slice(7, 1).to_pylist()[0]
    assert early["customer_id"] == ids[3]
    # The model learned from events after that moment; cells can be made from those before it.
    assert early["segment_id"] is None
    assert stranger["rfm_cell"] is None
    assert stranger["segment_id"] is None


def test_ids_and_names_stay_when_it_is_learned_anew(made: Made) -> None:
    trained, _ = train(made.shop, made.shop.now)
    before = SegmentModel.from_files({name: made.shop.models.in_use("segment").read(name) for name in FILES})
    assert sorted(zip(trained.model.ids, trained.model.names["en"], strict=True)) == sorted(
        zip(before.ids, before.names["en"], strict=True)
    )
    assert np.array_equal(trained.model.ids[trained.label], before.ids[before.assign(trained.known)])
    assert trained.model.to_files() == SegmentModel.from_files(trained.model.to_files()).to_files()


def test_the_overview_has_all_customers_once_and_all_revenue(made: Made) -> None:
    found = segment.overview(made.shop, NOW)
    for groups in (found.segments, found.cells):
        assert sum(group.value.customers for group in groups) == made.table.num_rows
        assert sum(group.value.revenue_share for group in groups) == pytest.approx(1)
    assert all("Interest in" in group.about for group in found.segments)
    # No product has a cost.
    assert all(group.value.margin_share is None for group in found.cells)


def test_everybody_stays_or_arrives_where_tastes_stay_and_arriving_is_an_event(made: Made, tmp_path: Path) -> None:
    shop = Shop.open(shutil.copytree(made.shop.folder, tmp_path / "own"))
    found = segment.migration(shop, NOW - timedelta(days=20), NOW)
    rows = found.matrix.to_pylist()
    assert sum(row["customers"] for row in rows) == made.table.num_rows
    assert {row["from"] for row in rows if row["from"] != row["to"]} == {"not yet a customer"}
    segment.written(shop, found, NOW)
    moves = shop.tables.read("segment", "moves")
    assert set(moves["event"].to_pylist()) == {"segment_entered"}
    assert moves.num_rows == sum(row["customers"] for row in rows if row["from"] != row["to"])


def test_who_has_another_id_by_now_is_neither_new_nor_alike_to_the_group_of_the_old_one(
    made: Made, record: Callable[..., Any], tmp_path: Path
) -> None:
    shop = Shop.open(shutil.copytree(made.shop.folder, tmp_path / "own"))
    joined = {"type": "customer_aliased", "time": (NOW - timedelta(days=5)).isoformat()}
    record(shop, *(joined | {"customer_id": f"member{k}", "anonymous_id": f"c{k:03d}"} for k in range(0, 90, 3)))
    moved = segment.migration(shop, NOW - timedelta(days=10), NOW)
    was = segment.migration(made.shop, NOW - timedelta(days=10), NOW)
    assert moved.matrix.to_pylist() == was.matrix.to_pylist()
    group = [f"c{number:03d}" for number in range(0, 90, 3)]
    found = segment.lookalikes(shop, group, NOW, 100)["customer_id"].to_pylist()
    assert not [name for name in found if name.startswith("member")]


def test_moments_the_wrong_way_round_are_refused(made: Made) -> None:
    with pytest.raises(InputError, match="the earlier moment goes first"):
        segment.migration(made.shop, NOW, NOW - timedelta(days=1))


def test_overlap_counts_everybody_once(made: Made) -> None:
    assert sum(segment.overlap(made.shop, NOW)["customers"].to_pylist()) == made.table.num_rows


def test_lookalikes_of_tea_drinkers_drink_tea(made: Made) -> None:
    seed = [f"c{number:03d}" for number in range(0, 90, 3)]
    found = segment.lookalikes(made.shop, seed, NOW, 5)["customer_id"].to_pylist()
    assert not set(found) & set(seed)
    assert {int(name[1:]) % 3 for name in found} == {0}


def test_buyers_lookalikes_buy_more_than_others_afterwards(made: Made) -> None:
    found = segment.lift(made.shop, "tea0", NOW - timedelta(days=40), 40, share=0.2)
    assert found.low - 1e-9 <= found.share <= found.high
    assert found.lift > 1


def test_a_group_of_few_is_not_enough(made: Made) -> None:
    with pytest.raises(NotEnoughError, match="at least 20"):
        segment.lookalikes(made.shop, ["c000"], NOW)


def test_the_report_has_every_way_that_was_tried_and_each_segment_with_its_worth(made: Made) -> None:
    report = made.report
    assert report.in_use
    assert report.primary == "stability"
    assert {row[1] for row in report.tables["Ways that were tried"].rows} >= {"k-means", "Ward"}
    assert len(report.tables["Segments"].rows) == 3
    assert len(report.charts) == 4
    assert any("a month before" in note for note in report.notes)


def test_the_command_speaks_chinese_and_lookalikes_of_nobody_are_refused(made: Made, cli: Callable[..., Any]) -> None:
    code, said, _ = cli("segments", "--shop", made.shop.folder, "--language", "zh")
    assert code == 0
    assert "偏爱tea" in said
    code, _, _ = cli("lookalikes", "--shop", made.shop.folder)
    assert code == 5


def plain(number: int, day: float, price: float = 5.0) -> Event:
    return {
        "type": "order_completed", "customer_id": f"c{number}", "time": (NOW - timedelta(days=day)).isoformat(),
        "order_id": f"{number}-{day}", "product_id": "tea", "quantity": 1, "unit_price": price,
    }  # fmt: skip


def test_customers_all_alike_are_not_enough(shop: Shop, record: Callable[..., Any]) -> None:
    record(shop, *(plain(number, day) for number in range(60) for day in (300.0, 1.0)))
    with pytest.raises(NotEnoughError, match="at least 10 that differ"):
        shop.learn("segment")
    table = segment.table(shop, shop.customers(shop.now))
    assert set(table["rfm_cell"].to_pylist()) == {"Need attention"}
    assert table["segment"].null_count == 60


def test_orders_of_one_day_are_not_enough(shop: Shop, record: Callable[..., Any]) -> None:
    record(shop, *(plain(number, 1.0, float(number + 1)) for number in range(80)))
    with pytest.raises(NotEnoughError, match=r"at least (50|60)"):
        shop.learn("segment")
    assert len(segment.overview(shop, shop.now).cells) > 1


def test_no_customers_at_all_are_said_to_be_none(shop: Shop) -> None:
    pairs = pa.table({"customer_id": pa.array([], pa.string()), "as_of": pa.array([], TIME)})
    assert segment.table(shop, pairs).num_rows == 0
    with pytest.raises(NotEnoughError):
        segment.overview(shop, NOW)
    with pytest.raises(NotEnoughError):
        segment.lookalikes(shop, ["ada"], NOW)
    with pytest.raises(NotEnoughError):
        segment.migration(shop, NOW - timedelta(days=30), NOW, "rfm")
