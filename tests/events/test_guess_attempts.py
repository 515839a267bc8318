"""Tables of attempts to pay: what is told of fraud, what is kept, and what would give the answer away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import InputError
from regulars.events.guess import Guess, guess

Row = Sequence[str]


def guessed(headers: str, rows: list[str], currency: str = "GBP") -> Guess:
    return guess(headers.split("|"), [row.split("|") for row in rows], name="table", currency=currency)


def at(hour: int) -> str:
    return (datetime(2024, 5, 1) + timedelta(hours=hour)).strftime("%Y-%m-%d %H:%M:%S")


def test_sign_ups_and_first_orders_are_mapped_whole():
    found = guessed(
        "user_id|signup_time|purchase_time|purchase_value|device_id|source|browser|sex|age|ip_address|class",
        [
            "22058|2015-02-24 22:55:49|2015-04-18 02:47:11|34|QVPSPJUOCKZAR|SEO|Chrome|M|39|732758368.79972|0",
            "333320|2015-06-07 20:39:50|2015-06-08 01:38:54|16|EOGFQPIZPYXFZ|Ads|Chrome|F|53|350311387.865908|1",
        ],
    )
    assert found.mapping.columns == {
        "time": "purchase_time",
        "customer_id": "user_id",
        "amount": "purchase_value",
        "channel": "source",
        "device_id": "device_id",
        "ip": "ip_address",
        "properties.is_fraud": "class",
        "properties.signed_up_at": "signup_time",
        "properties.browser": "browser",
        "properties.sex": "sex",
        "properties.age": "age",
    }
    assert found.mapping.constants == {"type": "payment_attempted", "currency": "GBP"}
    assert found.unmapped == ()


def test_card_payments_with_places_are_mapped_to_the_names_that_fraud_reads():
    found = guessed(
        "trans_date_trans_time|cc_num|merchant|category|amt|street|lat|long|dob|trans_num|merch_lat|merch_long|is_fraud",
        [
            "2019-01-01 00:00:18|27031861|Rippin|misc_net|4.97|561 Perry|36.07|-81.1|1988-03-09|0b24|36.01|-82.04|0",
            "2019-01-01 00:00:44|27031861|Heller|grocery|107.2|561 Perry|48.8|-118.2|1978-06-21|1f76|49.15|-118.1|1",
        ],
    )
    assert found.mapping.columns == {
        "event_id": "trans_num",
        "time": "trans_date_trans_time",
        "amount": "amt",
        "properties.is_fraud": "is_fraud",
        "properties.card": "cc_num",
        "properties.address": "street",
        "properties.merchant": "merchant",
        "properties.latitude": "lat",
        "properties.longitude": "long",
        "properties.there_latitude": "merch_lat",
        "properties.there_longitude": "merch_long",
        "properties.category": "category",
        "properties.dob": "dob",
    }


def test_chinese_headers_and_words():
    found = guessed(
        "交易流水号|交易时间|注册时间|用户ID|银行卡号|交易金额（元）|商户号|收货地址|职业|是否欺诈",
        [
            "T1|2024-05-01 10:00:00|2024-04-01 09:00:00|u1|6222020200|12.50|m1|北京|教师|正常",
            "T2|2024-05-01 10:05:00|2024-05-01 10:01:00|u2|6222020201|9999|m1|北京|医生|欺诈",
        ],
        "CNY",
    )
    assert found.mapping.columns == {
        "event_id": "交易流水号",
        "time": "交易时间",
        "customer_id": "用户ID",
        "amount": "交易金额（元）",
        "properties.is_fraud": "是否欺诈",
        "properties.signed_up_at": "注册时间",
        "properties.card": "银行卡号",
        "properties.address": "收货地址",
        "properties.merchant": "商户号",
        "properties.职业": "职业",
    }


@pytest.mark.parametrize(
    ("header", "yes", "no"),
    [
        ("isFraud", "1", "0"),
        ("fraud_label", "TRUE", "FALSE"),
        ("is_chargeback", "yes", "no"),
        ("Class", "fraud", "legit"),
        ("target", "1.0", "0.0"),
        ("欺诈", "是", "否"),
    ],
)
def test_a_label_is_known_by_its_name_and_its_cells(header, yes, no):
    found = guessed(f"time|customer|amount|{header}", [f"{at(0)}|ada|5|{no}", f"{at(1)}|bob|9|{yes}"])
    assert found.mapping.columns["properties.is_fraud"] == header
    assert found.mapping.constants["type"] == "payment_attempted"


@pytest.mark.parametrize(
    ("headers", "row"),
    [
        ("date|sku|qty|price|class", "2024-05-01|T-1|2|10.00|1"),  # of a product
        ("date|customer|channel|target", "2024-05-01|ada|web|1"),  # of a test of advertising
        ("date|customer|amount|class", "2024-05-01|ada|5.00|gold"),  # of a customer
        ("date|customer|amount|is_fraud", "2024-05-01|ada|5.00|perhaps"),
    ],
)
def test_what_only_looks_like_a_label_is_none(headers, row):
    found = guessed(headers, [row])
    assert "properties.is_fraud" not in found.mapping.columns
    assert found.mapping.constants["type"] == "order_completed"


def test_a_transaction_id_that_repeats_is_the_order():
    rows = [f"{at(hour)}|{hour // 2}|ada|5|0" for hour in range(4)]
    assert guessed("time|transaction_id|customer|amount|is_fraud", rows).mapping.columns["order_id"] == "transaction_id"
    rows = [f"{at(hour)}|{hour}|ada|5|0" for hour in range(4)]
    assert guessed("time|transaction_id|customer|amount|is_fraud", rows).mapping.columns["event_id"] == "transaction_id"


def test_lines_of_orders_that_tell_of_fraud_stay_orders():
    rows = ["2024-05-01|7|ada|T-1|5.00|0", "2024-05-01|7|ada|T-2|6.00|0", "2024-05-02|8|bob|T-1|5.00|1"]
    found = guessed("date|order_id|customer|sku|price|is_fraud", rows)
    assert found.mapping.constants["type"] == "order_completed"
    assert found.mapping.columns["properties.is_fraud"] == "is_fraud"


def test_an_email_is_both_the_customer_and_a_trace():
    found = guessed("time|email|amount|is_fraud", [f"{at(0)}|ada@tea.example|5|0"])
    assert found.mapping.columns["customer_id"] == found.mapping.columns["properties.email"] == "email"


def test_a_second_column_for_one_meaning_keeps_its_own_name():
    found = guessed("time|customer|card_id|card|amount|is_fraud", [f"{at(0)}|ada|c-1|visa|5|0"])
    assert found.mapping.columns["properties.card"] == "card_id"
    assert found.mapping.columns["properties.card_2"] == "card"


def test_amounts_below_nothing_are_kept_but_are_no_amount():
    found = guessed("time|card_id|amount|is_fraud", [f"{at(0)}|c|-5|0", f"{at(1)}|c|-6|1"])
    assert found.mapping.columns["properties.amount"] == "amount"
    assert "amount" not in found.mapping.columns


# What gives the answer away


def handbook(frauds: int) -> tuple[str, list[str]]:
    headers = "TRANSACTION_ID|TX_DATETIME|CUSTOMER_ID|TERMINAL_ID|TX_AMOUNT|TX_TIME_SECONDS|TX_FRAUD|TX_FRAUD_SCENARIO"
    kinds = ["1" if hour < frauds else "0" for hour in range(12)]
    rows = [
        f"{1000 + 7 * hour}|{at(hour)}|c{hour % 3}|t{hour % 2}|5.{hour}|{3600 * hour}|{kind}|{2 * int(kind)}"
        for hour, kind in enumerate(kinds)
    ]
    return headers, rows


@pytest.mark.parametrize("frauds", [0, 3])
def test_the_kind_of_the_fraud_is_left_out_and_said(frauds):
    found = guessed(*handbook(frauds))
    assert found.unmapped == ("TX_TIME_SECONDS", "TX_FRAUD_SCENARIO")
    assert found.mapping.columns["properties.merchant"] == "TERMINAL_ID"
    assert "TX_FRAUD_SCENARIO" in found.evidence["properties.is_fraud"]
    assert any("TX_FRAUD_SCENARIO" in note and "label" in note for note in found.notes)
    assert any("TX_TIME_SECONDS" in note and "time once more" in note for note in found.notes)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("chargeback_amount", ["", "12.5", "", "80"]),
        ("fraud_type", ["", "stolen card", "", "friendly"]),
        ("reported_at", ["", "", "", ""]),
        ("fraud", ["0", "1", "1", "1"]),
    ],
)
def test_what_is_known_no_earlier_than_the_label_is_left_out(header, cells):
    rows = [f"{at(hour)}|card-{hour}|5|{hour % 2}|{cell}" for hour, cell in enumerate(cells)]
    assert guessed(f"time|card_id|amount|is_fraud|{header}", rows).unmapped == (header,)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("fraud_score", ["0.1", "0.9", "0.2", "0.8"]),
        ("previous_frauds", ["0", "1", "0", "1"]),
        ("历史欺诈次数", ["0", "1", "0", "1"]),
        ("isFlaggedFraud", ["0", "0", "0", "0"]),
        ("browser", ["a", "b", "a", "b"]),
    ],
)
def test_what_was_known_before_is_kept(header, cells):
    rows = [f"{at(hour)}|card-{hour}|5|{hour % 2}|{cell}" for hour, cell in enumerate(cells)]
    assert guessed(f"time|card_id|amount|is_fraud|{header}", rows).mapping.columns[f"properties.{header}"] == header


def test_numbers_of_rows_and_columns_without_a_name_are_left_out():
    rows = [f"{hour}|{hour}|{at(hour)}|card-1|5|0" for hour in range(12)]
    found = guessed("|row|time|card_id|amount|is_fraud", rows)
    assert found.unmapped == ("", "row")
    assert found.notes == ("Left out, for it numbers the rows: row.",)


def test_the_moment_when_a_label_became_known():
    rows = [f"{at(0)}|c|5|1|2024-06-01 10:00:00", f"{at(1)}|c|5|0|"]
    found = guessed("time|card_id|amount|is_fraud|chargeback_date", rows)
    assert found.mapping.columns["properties.label_known_at"] == "chargeback_date"


# Without a label


def test_payments_without_a_label_are_attempts_and_kept_whole():
    rows = ["01/05/2024 10:00|7|ab12|192.0.2.7|5.00|0.8", "13/05/2024 11:00|8|cd34|192.0.2.9|6.00|0.1"]
    found = guessed("paid_at|account_id|card_hash|ip|amount|risk", rows)
    assert found.mapping.constants["type"] == "payment_attempted"
    assert found.mapping.columns["properties.card"] == "card_hash"
    assert found.mapping.columns["properties.risk"] == "risk"


@pytest.mark.parametrize(
    ("headers", "row"),
    [
        ("date|order_id|customer|order_total|ip", "2024-05-01|7|ada|5.00|192.0.2.7"),
        ("date|customer|sku|amount|device_id", "2024-05-01|ada|T-1|5.00|d-1"),
        ("date|customer|amount|device_id|age", "2024-05-01|ada|5.00|mobile|31"),
    ],
)
def test_orders_stay_orders(headers, row):
    found = guessed(headers, [row])
    assert found.mapping.constants["type"] == "order_completed"
    assert not any(field.startswith("properties.") for field in found.mapping.columns)


def test_a_log_of_sign_ins_is_none_of_payments():
    found = guessed("time|customer|event|ip", [f"{at(0)}|ada|sign_in|192.0.2.7"])
    assert found.mapping.columns["type"] == "event"


def test_measurements_beside_an_amount_are_kept():
    found = guessed("date|customer|amount|x1|x2|x3", ["2024-05-01|ada|5.00|0.1|-2|3"])
    assert found.mapping.constants["type"] == "order_completed"
    assert {"properties.x1", "properties.x2", "properties.x3"} < set(found.mapping.columns)


# Times that are no dates

CREDIT = "Time|V1|V2|V3|Amount|Class"


@pytest.mark.parametrize("headers", [CREDIT, CREDIT.replace("|Class", "|Other")])
def test_seconds_since_a_start_are_taken_for_the_time(headers):
    rows = ["0|-1.36|0.07|2.54|149.62|0", "0.0|1.19|0.26|0.16|2.69|0", "172792|-0.5|0.1|0.2|3|1"]
    found = guessed(headers, rows)
    assert found.mapping.columns["time"] == "Time"
    assert found.mapping.time_format == "unix"
    assert found.mapping.constants["type"] == "payment_attempted"
    assert "customer_id" not in found.mapping.columns
    assert found.notes[0].startswith('"Time" tells no dates')


def test_a_date_is_preferred_to_seconds_since_a_start():
    found = guessed("Time|when|Amount|Class", ["0|2024-05-01|5|0", "7|2024-05-02|5|1"])
    assert found.mapping.columns["time"] == "when"


def test_numbers_that_go_up_and_down_are_no_time_since_a_start():
    with pytest.raises(InputError, match="no column is surely the time"):
        guessed(CREDIT, ["23|1|2|3|5|0", "7|1|2|3|5|1", "11|1|2|3|5|1"])


def test_an_order_table_with_bare_numbers_as_times_is_still_refused():
    with pytest.raises(InputError, match="no column is surely the time"):
        guessed("time|customer|sku", ["0|ada|T-1", "5|ada|T-1"])


HEADERS = ["time", "is_fraud", "class", "amount", "card_id", "ip", "device_id", "fraud_kind", "V1", "", "email", "日期"]
CELLS = ["0", "1", "fraud", "2024-05-01", "12.5", "172792", "x", "-3", None]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(HEADERS), max_size=8, unique=True),
    st.lists(st.lists(st.sampled_from(CELLS), max_size=8), max_size=14),
)
def test_every_column_is_kept_or_left_out_never_lost(headers, rows):
    try:
        found = guess(headers, rows, name="table", currency="EUR")
    except InputError:
        return
    assert {*found.mapping.columns.values(), *found.unmapped} == set(headers)
    assert set(found.evidence) == {*found.mapping.columns, *found.mapping.constants}
