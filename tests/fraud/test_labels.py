"""What is known of attempts, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from regulars import Shop
from regulars.clock import micros
from regulars.errors import NotEnoughError, RejectedError
from regulars.fraud.attempts import attempts
from regulars.fraud.features.batch import features
from regulars.fraud.stream import KIND
from tests.fraud.conftest import Record

DAY = datetime(2024, 5, 1, 12, tzinfo=UTC)


def paid(name: str, customer: str, days: float = 0, **more: object) -> dict[str, object]:
    at = (DAY + timedelta(days=days)).isoformat()
    return {
        "event_id": name,
        "type": "payment_attempted",
        "time": at,
        "customer_id": customer,
        "unit_price": 10.0,
    } | more


def told(name: str, type_: str, days: float, **more: object) -> dict[str, object]:
    return {"event_id": name, "type": type_, "time": (DAY + timedelta(days=days)).isoformat(), **more}


def label_of(shop: Shop, name: str, days: float) -> int:
    """1 fraud, 0 honest, -1 unknown, as of so many days after."""
    found = attempts(shop, DAY + timedelta(days=days))
    label, _ = found.stream.labels()
    return int(label[found.table["event_id"].to_pylist().index(name)])


def test_a_dispute_counts_from_when_it_came_and_silence_from_when_disputes_would_have(
    shop: Shop, record: Record
) -> None:
    record(
        shop,
        paid("a", "ada", order_id="o1"),
        paid("b", "bob", order_id="o2"),
        told("x", "payment_disputed", 20, customer_id="ada", order_id="o1"),
    )
    assert [label_of(shop, "a", days) for days in (1, 20, 20.1, 90)] == [-1, -1, 1, 1]
    assert [label_of(shop, "b", days) for days in (1, 20.1, 59, 60.1)] == [-1, -1, -1, 0]


def test_a_dispute_that_names_no_order_is_about_the_newest_payment_before_it_by_that_card(
    shop: Shop, record: Record
) -> None:
    record(
        shop,
        paid("a", "ada", 0, payment_id="card"),
        paid("b", "ada", 2, payment_id="card"),
        paid("c", "ada", 9, payment_id="card"),
        paid("d", "ada", 2, payment_id="other"),
        told("x", "payment_disputed", 5, customer_id="ada", payment_id="card"),
    )
    assert [label_of(shop, name, 10) for name in "abcd"] == [-1, 1, -1, -1]


@pytest.mark.parametrize("named", [{"order_id": "o1"}, {"customer_id": "ada", "payment_id": "card"}])
def test_a_dispute_is_about_the_attempt_that_moved_money_and_not_one_that_was_declined(
    shop: Shop, record: Record, named: dict[str, str]
) -> None:
    of_order = {"order_id": "o1", "payment_id": "card"}
    record(
        shop,
        paid("a", "ada", 0, outcome="declined", **of_order),
        paid("b", "ada", 0.01, outcome="approved", **of_order),
        paid("c", "ada", 0.02, outcome="declined", **of_order),
        told("x", "payment_disputed", 5, **named),
    )
    assert [label_of(shop, name, 90) for name in "abc"] == [-1, 1, -1]


def test_a_verdict_holds_at_once_and_is_taken_back_as_if_it_had_not_been(shop: Shop, record: Record) -> None:
    verdict = told("v", "fraud_reviewed", 1, outcome="fraud", **{"properties.attempt_id": "a"})
    record(shop, paid("a", "ada"), verdict)
    assert [label_of(shop, "a", days) for days in (0.5, 1.5)] == [-1, 1]
    found = attempts(shop, DAY + timedelta(days=2))
    assert found.is_even.tolist() == [True]


def test_a_label_earlier_than_its_attempt_is_known_with_it(shop: Shop, record: Record) -> None:
    early = {"properties.is_fraud": "1", "properties.label_known_at": "2020-01-01"}
    record(shop, paid("a", "ada", **early), paid("b", "ada", 30))
    found = attempts(shop, DAY + timedelta(days=40))
    rows = np.flatnonzero(found.stream.kind == KIND["fraud"])
    assert found.stream.time[rows].tolist() == [found.facts.time[0]]


def test_a_label_column_is_known_after_its_delay(shop: Shop, record: Record) -> None:
    record(shop, paid("a", "ada", **{"properties.is_fraud": "yes"}), paid("z", "bob", 300))
    assert [label_of(shop, "a", days) for days in (6.9, 7.1)] == [-1, 1]


def test_in_a_log_of_two_days_labels_are_known_within_hours(shop: Shop, record: Record) -> None:
    record(shop, paid("a", "ada", **{"properties.is_fraud": "1"}), paid("z", "bob", 2))
    assert [label_of(shop, "a", days) for days in (0.1, 1)] == [-1, 1]


def test_frauds_known_early_are_not_learned_from_before_the_honest_ones_are_known(shop: Shop, record: Record) -> None:
    record(shop, paid("a", "ada", order_id="o1"), told("x", "payment_disputed", 3, order_id="o1"), paid("z", "bob", 90))
    assert attempts(shop, DAY + timedelta(days=30)).is_even.tolist() == [False]
    assert attempts(shop, DAY + timedelta(days=61)).is_even.tolist() == [True]


def test_silence_says_nothing_of_what_was_declined(shop: Shop, record: Record) -> None:
    record(
        shop,
        paid("a", "ada", outcome="declined"),
        paid("b", "bob", order_id="o2"),
        told("x", "payment_disputed", 20, order_id="o2"),
    )
    assert label_of(shop, "a", 100) == -1


def test_an_order_whose_payment_is_known_is_not_a_second_attempt(shop: Shop, record: Record) -> None:
    order = {"type": "order_completed", "order_id": "o1", "quantity": 2.0}
    record(
        shop,
        paid("a", "ada", order_id="o1"),
        paid("b", "ada", 0.01) | order,
        paid("c", "bob", 1) | order | {"order_id": "o9"},
    )
    found = attempts(shop, DAY + timedelta(days=2))
    assert found.table["event_id"].to_pylist() == ["a", "c"]
    assert found.facts.amount.tolist() == [10.0, 20.0]


def test_without_payments_and_orders_accounts_that_are_opened_are_attempts(shop: Shop, record: Record) -> None:
    record(shop, {"event_id": "s", "type": "signed_up", "time": DAY.isoformat(), "customer_id": "茶客", "ip": "::1"})
    found = attempts(shop, DAY + timedelta(days=2))
    assert found.table["customer_id"].to_pylist() == ["茶客"]


def test_a_log_without_attempts_says_what_to_import(shop: Shop, record: Record) -> None:
    record(shop, {"event_id": "s", "type": "product_viewed", "time": DAY.isoformat(), "customer_id": "a"})
    with pytest.raises(NotEnoughError, match="Import payments or orders"):
        attempts(shop, DAY + timedelta(days=2))


def test_addresses_of_all_kinds_and_none_are_read(shop: Shop, record: Record) -> None:
    ips = ["2001:db8::1", "2001:DB8:0:0::2", "nowhere", "::ffff:192.0.2.7", "192.0.2.9", ""]
    record(shop, *(paid(f"a{k}", "ada", k, **({"ip": ip} if ip else {})) for k, ip in enumerate(ips)))
    stream = attempts(shop, DAY + timedelta(days=9)).stream
    near = stream.codes["ip_range"][stream.attempts]
    assert near[0] == near[1]
    assert near[2] == -1
    assert near[3] == near[4]
    assert near[5] == -1


def test_unknown_currencies_and_odd_amounts_harm_nothing(shop: Shop, record: Record) -> None:
    amounts = [0.0, 1e12]
    record(shop, *(paid(f"a{k}", "ada", k, unit_price=value, currency="EUR") for k, value in enumerate(amounts)))
    record(shop, paid("z", "ada", 5, currency="XTS"))
    # A negative price is refused where it is imported, with its line.
    with pytest.raises(RejectedError, match="a price cannot be negative"):
        record(shop, paid("n", "ada", 6, unit_price=-5.0))
    found = attempts(shop, DAY + timedelta(days=9))
    assert np.isnan(found.facts.amount[-1])
    assert found.stream.cents.max() == 1e14
    assert found.stream.cents.min() == 0


def test_a_verdict_that_was_taken_back_is_still_known_of_the_time_before(shop: Shop, record: Record) -> None:
    about = {"properties.attempt_id": "a", "customer_id": "ada"}
    gone = told("w", "fraud_reviewed", 5, outcome="withdrawn", **{"properties.withdraws": "v"}, **about)
    record(
        shop,
        *(paid(name, "ada", days) for name, days in (("a", 0), ("b", 3), ("c", 7))),
        told("v", "fraud_reviewed", 1, outcome="fraud", **about),
        gone,
    )
    assert [label_of(shop, "a", days) for days in (0.5, 4, 8)] == [-1, 1, -1]
    stream = attempts(shop, DAY + timedelta(days=8)).stream
    known = features(stream, base_rate=0.1)["customer_frauds"]
    assert known.tolist() == [0, 1, 0]
    assert stream.before(micros(DAY + timedelta(days=4))).labels()[0].tolist() == [1, -1]
    assert stream.base_rate == 1 / 100
