from __future__ import annotations

import time

import numpy as np

from regulars.fraud.graph import links
from regulars.fraud.stream import Stream
from tests.fraud.graph.conftest import stream


def test_rows_that_name_both_are_counted() -> None:
    found = links(stream(*[{"customer": "ada", "device": "phone"}] * 3, {"customer": "bo", "device": "phone"}))
    assert found.rows.toarray().tolist() == [[3.0], [1.0]]


def test_a_label_is_no_new_row() -> None:
    found = links(
        stream({"customer": "ada", "device": "d"}, {"customer": "ada", "device": "d", "kind": "fraud", "of": 0})
    )
    assert found.rows.toarray().tolist() == [[1.0]]


def test_who_has_no_row_yet_has_no_link() -> None:
    whole = stream({"customer": "ada", "device": "d", "at": 0}, {"customer": "bo", "device": "d", "at": 5})
    found = links(whole.before(int(whole.time[1])))
    assert found.rows.toarray().tolist() == [[1.0], [0.0]]
    assert found.opened.tolist() == [found.opened.max()] * 2


def test_what_too_many_share_is_reported_and_joins_nobody() -> None:
    rows = [{"customer": f"c{k}", "device": "till", "ip": f"10.0.0.{k}"} for k in range(21)]
    found = links(stream(*rows))
    assert [(hub.kind, hub.customers) for hub in found.hubs] == [("device", 21)]
    assert found.rows.nnz == 21  # the IPs
    assert not links(stream(*rows[:20])).hubs


def test_a_row_that_names_nobody_is_left_out() -> None:
    found = links(stream({"device": "d"}, {"customer": "ada"}, {"customer": "ada", "device": "d"}))
    assert found.rows.toarray().tolist() == [[1.0]]


def test_an_account_whose_device_came_by_failed_sign_ins_was_taken_over() -> None:
    found = links(
        stream(
            {"customer": "ada", "device": "own"},
            {"customer": "bo", "device": "other", "kind": "sign_in_failed"},
            {"customer": "ada", "device": "other", "kind": "sign_in_failed"},
            {"customer": "ada", "device": "other", "kind": "sign_in"},
        )
    )
    # Bo, who begins with a slip of the finger, was not known before.
    taken = {
        (int(c), int(e)) for c, e in zip(found.customer[found.is_taken], found.entity[found.is_taken], strict=True)
    }
    assert taken == {(0, 1)}


def test_a_device_of_fifty_thousand_customers_costs_nothing() -> None:
    many = np.arange(50_000, dtype=np.int32)
    crowd = Stream(
        many.astype(np.int64), np.zeros(len(many), np.int8), np.ones(len(many)), many.astype(np.int64),
        {"customer": many, "device": np.zeros_like(many)}, {},
    )  # fmt: skip
    start = time.process_time()
    found = links(crowd)
    assert time.process_time() - start < 1.0
    assert found.rows.nnz == 0
    assert found.hubs[0].customers == 50_000
