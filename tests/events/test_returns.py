from __future__ import annotations

import pyarrow as pa

from regulars.events.returns import untied

ORDER = "2024-05-01 10:00,{},tea,1,4.50,A1"
REFUND = "2024-05-03 10:00,{},tea,-1,4.50,C1"


def refund_order(till) -> list[object]:
    return [order for kind, order in till.rows("type", "order_id") if kind == "order_refunded"]


def test_a_refund_that_names_its_order_keeps_it(till):
    till.import_rows(ORDER.format("ada"), "2024-05-02 10:00,ada,tea,1,4.50,A2", "2024-05-03 10:00,ada,tea,-1,4.50,A1")
    assert refund_order(till) == ["A1"]
    assert all(properties is None for (properties,) in till.rows("properties"))


def test_a_later_order_is_not_what_a_refund_belongs_to(till):
    till.import_rows(REFUND.format("ada"), "2024-05-04 10:00,ada,tea,1,4.50,A9")
    assert refund_order(till) == ["C1"]


def test_two_unknown_customers_are_not_the_same(till):
    till.import_rows(ORDER.format(""), REFUND.format(""))
    assert refund_order(till) == ["C1"]


def test_a_refund_that_speaks_of_a_refund_id_elsewhere_is_compared_like_others():
    said = '{"note": {"refund_id": "r1"}}'
    row = {"type": "order_refunded", "order_id": "A1", "properties": said}
    assert untied(pa.Table.from_pylist([row])).to_pylist() == [{**row, "order_id": None}]
