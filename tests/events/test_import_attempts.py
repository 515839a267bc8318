"""Tables of attempts on the command line, as a new user would import them, and as fraud reads them then."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from regulars import Shop, cli
from regulars.fraud.attempts import attempts


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Import a file of some lines into a new shop: what was printed, and the shop."""
    monkeypatch.setenv("COLUMNS", "160")

    def run(lines: list[str], timezone: str = "UTC") -> tuple[str, Shop]:
        file, folder = tmp_path / "table.csv", tmp_path / "shop"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        assert CliRunner().invoke(cli.app, ["init", str(folder), "--timezone", timezone]).exit_code == 0
        result = CliRunner().invoke(cli.app, ["import", str(file), "--shop", str(folder), "--yes"])
        assert result.exit_code == 0, result.output
        return result.output, Shop.open(folder)

    return run


def events(shop: Shop, *columns: str) -> list[tuple]:
    found = shop.engine.to_arrow(shop.events.order_by("time", "line").select(*columns))
    return [tuple(row.values()) for row in found.to_pylist()]


def test_sign_ups_and_first_orders(imported):
    printed, shop = imported(
        [
            "user_id,signup_time,purchase_time,purchase_value,device_id,source,browser,age,ip_address,class",
            "1,2024-05-01 08:00:00,2024-05-01 09:00:00,34,QVPSPJUOCKZAR,SEO,Chrome,39,732758368.79972,0",
            "2,2024-05-01 09:59:59,2024-05-01 10:00:00,16,EOGFQPIZPYXFZ,Ads,Chrome,53,350311387.865908,1",
        ],
        timezone="Asia/Shanghai",
    )
    assert "properties.signed_up_at" in printed
    assert "2 rows read: 2 added" in printed
    rows = events(shop, "type", "device_id", "ip", "properties")
    assert rows[0][:3] == ("payment_attempted", "QVPSPJUOCKZAR", "732758368.79972")
    assert json.loads(rows[1][3]) == {
        "age": "53",
        "browser": "Chrome",
        "is_fraud": "1",
        "signed_up_at": "2024-05-01T01:59:59.000000Z",
    }
    found = attempts(shop, shop.now)
    assert (found.facts.time - found.facts.signed_up).tolist() == [3_600_000_000, 1_000_000]


def test_measurements_without_dates_or_customers(imported):
    values = [f"V{number}" for number in range(1, 29)]
    header = ",".join(["Time", *values, "Amount", "Class"])
    rows = [
        ",".join([str(second), *(["0.5"] * 27), str(row), "9.99", str(row % 2)])
        for row, second in enumerate([0, 0, 0, 7])
    ]
    printed, shop = imported([header, *rows])
    assert "Kept under their own names: V1, V2," in printed
    assert '"Time" tells no dates' in printed
    assert "(28 more)" in printed
    assert "4 rows read: 4 added, 0 known already, 0 refused" in printed
    # Three of them differ in nothing that ids are made of: they are three attempts all the same.
    found = attempts(shop, shop.now)
    assert len(found) == 4
    assert np.allclose(found.facts.amount, 9.99)


def test_of_very_many_columns_the_first_are_named(imported):
    header = ",".join(["time", "amount", "is_fraud", *(f"V{number}" for number in range(100))])
    printed, _ = imported([header, ",".join(["2024-05-01", "5", "0", *("1" for _ in range(100))])])
    assert "V39 and 60 more" in printed


def test_what_gives_the_answer_away_is_said(imported):
    rows = [f"2024-05-01 {hour:02}:00:00,c{hour},5,{hour % 2},{'stolen' if hour % 2 else ''}" for hour in range(6)]
    printed, shop = imported(["time,card_id,amount,is_fraud,fraud_type", *rows])
    assert "Left out, for it tells what the label tells, and is known no earlier: fraud_type." in printed
    assert "stolen" not in str(events(shop, "properties"))


def test_words_for_fraud_are_labels(imported):
    rows = [f"T{day},2024-05-{day:02},u1,9.9,{'欺诈' if day == 2 else '正常'}" for day in (1, 2, 20)]
    _, shop = imported(["交易流水号,交易时间,用户ID,交易金额,是否欺诈", *rows])
    label, _ = attempts(shop, shop.now).stream.labels()
    assert label.tolist() == [0, 1, -1]  # of the newest it is not known yet


def test_the_handbooks_card_payments(tmp_path, shared_file):
    shop = Shop.create(tmp_path / "shop")
    first = next(pq.ParquetFile(shared_file("card_fraud.parquet")).iter_batches(2000))
    pa_csv.write_csv(first, tmp_path / "card_fraud.csv")
    shop.import_(tmp_path / "card_fraud.csv")
    mapping = shop.config.mappings()["card_fraud"]
    assert mapping.columns == {
        "event_id": "TRANSACTION_ID",
        "time": "TX_DATETIME",
        "customer_id": "CUSTOMER_ID",
        "amount": "TX_AMOUNT",
        "properties.is_fraud": "TX_FRAUD",
        "properties.merchant": "TERMINAL_ID",
    }
