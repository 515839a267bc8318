"""What every capability keeps to, whichever it is: one suite over all that are installed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from regulars import Shop, capability
from regulars.capability import DECISION
from regulars.config import ShopSettings
from regulars.decisions import TYPE
from regulars.errors import NotEnoughError
from regulars.evaluation import Report, Split
from regulars.shop import Decided

T = datetime(2011, 9, 10, tzinfo=UTC)
DAY_TWO, JANUARY, FEBRUARY = (datetime(*day, tzinfo=UTC) for day in ((2010, 12, 2), (2011, 1, 1), (2011, 2, 1)))
HORIZON = 90
NAMES = capability.names()
ACTING = [name for name in NAMES if hasattr(capability.load(name), "decide")]

Once = Callable[[str, Callable[[Path], object]], Path]


class Twins(NamedTuple):
    """Two shops with the same events before T and others after it; each has learned until T.

    The other holds what the first has learned as its version 1, so that what it learned itself is a second time too.
    """

    one: Shop
    other: Shop


@pytest.fixture(scope="session")
def twins(once: Once) -> Twins:
    folder = once("twins", make_twins)
    return Twins(Shop.open(folder / "one"), Shop.open(folder / "other"))


def make_twins(folder: Path) -> None:
    folder.mkdir()
    whole = pq.read_table(str(files("regulars.demo") / "online_retail.parquet"))
    customer = pc.cast(whole["CustomerID"].fill_null(1), pa.int64())
    some = whole.filter(pc.equal(pc.bit_wise_and(customer, 7), 0))
    make(folder / "one", some)
    make(folder / "other", with_another_future(some))
    one, other = Shop.open(folder / "one"), Shop.open(folder / "other")
    for name in NAMES:
        one.learn(name, T)
        shutil.copytree(folder / "one" / "models" / name, folder / "other" / "models" / name)
        other.learn(name, T)


def make(folder: Path, table: pa.Table) -> Shop:
    shop = Shop.create(folder, ShopSettings(name="Gifts", currency="GBP", timezone="Europe/London"))
    settings = folder / "shop.toml"
    # Who is let through by chance hangs on a secret of each shop's own.
    settings.write_text(settings.read_text().replace("# control_share = 0.02", "control_share = 0.0"))
    # Nobody in this log was asked for consent.
    settings.write_text(settings.read_text().replace('# consent = "given"', 'consent = "not refused"'))
    text = settings.read_text().replace('# size = "small"', 'size = "tiny"').replace("# epochs = 20", "epochs = 1")
    settings.write_text(text.replace("# cut_offs = 6", "cut_offs = 3").replace("# cut_offs = 3", "cut_offs = 2"))
    shop = Shop.open(folder)
    (folder / "in").mkdir()
    pq.write_table(table.replace_schema_metadata(None), folder / "in" / "orders.parquet")
    assert shop.import_(folder / "in" / "orders.parquet").rejected < table.num_rows / 100
    return shop


def with_another_future(table: pa.Table) -> pa.Table:
    """Rows from T on (midnight in London is 23:00 UTC) say something else of someone else, and some are gone."""
    at = pc.cast(table["InvoiceDate"], pa.timestamp("us"))
    is_past = pc.less(at, pa.scalar(datetime(2011, 9, 10, 1), pa.timestamp("us")))
    past, future = table.filter(is_past), table.filter(pc.invert(is_past))
    assert future.num_rows > 1000
    end = pc.max(future["InvoiceDate"])
    future = future.filter(pc.or_(pc.equal(future["InvoiceDate"], end), pc.less(future["Quantity"], 12)))
    columns = {name: future[name] for name in future.column_names}
    columns["CustomerID"] = pa.chunked_array([pa.array(columns["CustomerID"].to_pylist()[::-1], pa.float64())])
    columns["UnitPrice"] = pc.add(pc.multiply(future["UnitPrice"], 3.0), 0.5)
    said = future["Description"].cast(pa.string())
    columns["Description"] = pc.binary_join_element_wise("other", said, " ")
    return pa.concat_tables([past, pa.table(columns).cast(past.schema)])


class Done(NamedTuple):
    """A copy of the first twin in which was decided as of T, and what."""

    shop: Shop
    decided: Decided


@pytest.fixture(scope="module")
def done_by(twins: Twins, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Done]:
    """done_by(name): decided once for all tests, each of which looks at another side of it."""

    @cache
    def find(name: str) -> Done:
        shop = copy_of(twins.one, tmp_path_factory.mktemp(name) / "one")
        return Done(shop, shop.decide(name, T))

    return find


def copy_of(shop: Shop, folder: Path) -> Shop:
    """For a test to change; what was computed of the shop's customers is at hand for each copy of it."""
    shutil.copytree(shop.folder, folder)
    made = Shop.open(folder)
    made.recent = shop.recent
    for name in ACTING:
        made.models.use(name, 1)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_what_is_learned_is_as_of_its_moment_and_the_same_a_second_time(twins: Twins, name: str) -> None:
    """Whatever happened afterwards, and whatever was learned before, the same bytes."""
    one, other = twins.one.models.get(name, 1), twins.other.models.get(name, 2)
    assert set(one.card["files"]) == set(other.card["files"])
    for file in one.card["files"]:
        assert one.read(file) == other.read(file), file
    assert one.card["about"] == other.card["about"]
    assert one.card["report"] == other.card["report"]


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_what_was_learned_from_and_with_which_result(twins: Twins, name: str) -> None:
    card = twins.one.models.get(name, 1).card
    assert datetime.fromisoformat(card["until"]) == T
    assert card["log_version"] == 1
    assert card["capability"] == name
    assert set(card["code"]) == {"regulars", "python"}
    assert Report.from_dict(card["report"]).capability == name


@pytest.mark.parametrize("name", NAMES)
def test_no_file_is_a_pickle(twins: Twins, name: str) -> None:
    model = twins.one.models.get(name, 1)
    for file in model.card["files"]:
        assert Path(file).suffix in {".json", ".txt", ".safetensors", ".html", ".parquet", ".onnx"}
        data = model.read(file)
        assert not data.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"))
        if file.endswith(".json"):
            json.loads(data)


@pytest.mark.parametrize("name", NAMES)
def test_the_question_is_the_docstring(name: str) -> None:
    said = capability.load(name).__doc__
    assert said
    assert "?" in said


@pytest.mark.parametrize("name", ACTING)
def test_decisions_are_as_of_their_moment(
    twins: Twins, done_by: Callable[[str], Done], name: str, tmp_path: Path
) -> None:
    other = copy_of(twins.other, tmp_path / "other")
    assert done_by(name).decided.table.equals(other.decide(name, T).table)


@pytest.mark.parametrize("name", ACTING)
def test_decisions_have_the_columns_that_all_have(done_by: Callable[[str], Done], name: str) -> None:
    table = done_by(name).decided.table
    assert table.num_rows > 0
    for field in DECISION:
        assert table.schema.field(field.name).type == field.type
        assert field.nullable or table[field.name].null_count == 0
    subject = "attempt_id" if "attempt_id" in table.column_names else "customer_id"
    assert len(set(table[subject].to_pylist())) == table.num_rows
    assert all(0 < chance <= 1 for chance in table["propensity"].to_pylist())
    assert len(set(table["inputs_hash"].to_pylist())) > 1


@pytest.mark.parametrize("name", ACTING)
def test_each_decision_is_logged_with_all_that_an_audit_asks_for(done_by: Callable[[str], Done], name: str) -> None:
    shop, decided = done_by(name)
    logged = [row for row in shop.log.read("events").to_pylist() if row["type"] == TYPE]
    by_customer = {row["customer_id"]: row for row in logged}
    assert len(logged) == decided.table.num_rows == len(by_customer)
    for row in decided.table.to_pylist():
        event = by_customer[row["customer_id"]]
        said = json.loads(event["properties"])
        assert event["time"] == T
        assert event["outcome"] == row["action"]
        assert event["propensity"] == row["propensity"]
        assert said["capability"] == name
        assert said["model_version"] == 1
        for field in ("policy", "reasons", "inputs_hash", "disclosure"):
            assert said[field] == row[field]


@pytest.mark.parametrize("name", ACTING)
def test_decisions_are_written_for_people_and_for_programs(done_by: Callable[[str], Done], name: str) -> None:
    shop, decided = done_by(name)
    assert sorted(path.suffix for path in decided.files) == [".csv", ".parquet"]
    assert shop.tables.read(name, "decisions").equals(decided.table)


@pytest.mark.parametrize("name", ACTING)
def test_deciding_twice_adds_nothing(done_by: Callable[[str], Done], name: str) -> None:
    shop, first = done_by(name)
    second = shop.decide(name, T)
    assert second.table.equals(first.table)
    assert second.log_version == first.log_version


@pytest.mark.parametrize("name", ACTING)
def test_decisions_do_not_move_the_shops_present(twins: Twins, name: str, tmp_path: Path) -> None:
    one = copy_of(twins.one, tmp_path / "one")
    before = one.now
    one.decide(name, before)
    assert one.now == before


@pytest.fixture(scope="session")
def reports(twins: Twins) -> dict[str, Report]:
    return {name: twins.one.evaluate(name, Split(T, HORIZON)) for name in NAMES}


def test_evaluations_have_a_baseline_and_intervals(reports: dict[str, Report]) -> None:
    for report in reports.values():
        assert report.baseline
        assert report.metrics
        for metric in report.metrics:
            assert metric.low <= metric.value <= metric.high
            assert metric.baseline_low <= metric.baseline <= metric.baseline_high
            assert metric.difference_low <= metric.difference_high


def test_evaluations_prove_that_they_saw_nothing_of_the_future(reports: dict[str, Report]) -> None:
    for report in reports.values():
        assert report.checks
        assert not report.failed_checks
        assert report.as_of == T
        assert report.trained_until <= T


def test_reports_go_round(reports: dict[str, Report]) -> None:
    for report in reports.values():
        assert Report.from_dict(json.loads(json.dumps(report.to_dict()))) == report


class _Loads(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            f"<{tag} {name}={value}>"
            for name, value in attrs
            if name in ("src", "srcset", "action", "data", "poster") or (tag == "link" and name == "href")
        ]


def test_report_pages_load_nothing_from_outside(reports: dict[str, Report]) -> None:
    for report in reports.values():
        page = report.to_html()
        reader = _Loads()
        reader.feed(page)
        assert [said for said in reader.found if "data:" not in said] == []
        assert "Content-Security-Policy" in page
        assert "default-src 'none'" in page
        assert report.verdict.split(":")[0] in page


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_log_is_not_enough(shop: Shop, name: str) -> None:
    with pytest.raises(NotEnoughError):
        shop.learn(name, T)
    with pytest.raises(NotEnoughError):
        shop.learn(name)
    with pytest.raises(NotEnoughError):
        shop.evaluate(name, Split(T, HORIZON))


@pytest.mark.parametrize("name", NAMES)
def test_one_customer_is_not_enough(shop: Shop, record: Callable[..., object], name: str) -> None:
    orders = [
        {"type": "order_completed", "time": (T + timedelta(days=day)).isoformat(), "customer_id": "ada",
         "product_id": "tea", "quantity": 1, "unit_price": 4.5, "order_id": f"o{day}"}
        for day in range(0, 720, 30)
    ]  # fmt: skip
    record(shop, *orders)
    with pytest.raises(NotEnoughError, match=r"at least 50|\b50\b"):
        shop.learn(name)
    assert shop.models.versions(name) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_target_window_that_is_not_over_is_refused(twins: Twins, name: str) -> None:
    split = Split(twins.one.now - timedelta(days=HORIZON - 1), HORIZON)
    with pytest.raises(NotEnoughError, match=r"90 days .* is known on \d{4}-\d\d-\d\d, and the log ends on \d{4}"):
        twins.one.evaluate(name, split)


@pytest.mark.parametrize("name", NAMES)
def test_too_little_history_is_refused(twins: Twins, name: str) -> None:
    # What is unusual is soon known, what comes within two weeks, and what questions want, that ship with support; what
    # customers do within a quarter is not.
    until, as_of = (DAY_TWO, DAY_TWO) if name in ("fraud", "campaign", "realtime", "support") else (FEBRUARY, JANUARY)
    with pytest.raises(NotEnoughError, match=r"\d+ "):
        twins.one.learn(name, until)
    with pytest.raises(NotEnoughError, match=r"\d+ "):
        twins.one.evaluate(name, Split(as_of, HORIZON))
    assert twins.one.models.versions(name) == [1]
