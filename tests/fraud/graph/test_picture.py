from __future__ import annotations

import numpy as np
import pytest

from regulars.fraud.graph import picture, rings
from regulars.fraud.graph.layout import layout
from regulars.fraud.stream import KIND
from tests.fraud.graph.conftest import shop_with_ring, stream


def values(chart: object, layer: int) -> list[dict[str, object]]:
    return chart.to_dict()["layer"][layer]["data"]["values"]  # type: ignore[attr-defined, no-any-return]


def test_customers_and_what_they_share_are_drawn_with_known_frauds_marked() -> None:
    made = shop_with_ring()
    told = made.with_known(np.array([60]), made.time[[-1]], np.array([KIND["fraud"]], np.int8))
    chart = picture(rings(told), 1, told)
    lines, nodes = values(chart, 0), values(chart, 2)
    kinds = [node["kind"] for node in nodes]
    assert (kinds.count("Device"), kinds.count("Customer"), kinds.count("Customer with a known fraud")) == (1, 4, 1)
    assert len(lines) == 5
    assert all(line["rows"] == 4 for line in lines)


@pytest.mark.parametrize("customers", [3, 20, 90])
def test_a_picture_never_has_more_than_sixty_customers_and_says_who_is_left_out(customers: int) -> None:
    rows = [{"customer": f"顾客{k}", "device": f"d{k // 15}", "payment": f"p{k // 4}"} for k in range(customers)]
    rows += [{"customer": f"顾客{k}", "device": f"d{k // 15 - 1}"} for k in range(15, customers, 15)]
    made = stream(*rows)
    chart = picture(rings(made), 1, made)
    nodes = values(chart, 2)
    assert sum(node["kind"] == "Customer" for node in nodes) == min(customers, 60)
    assert ("30 customers" in chart.to_dict()["description"]) == (customers == 90)
    places = np.array([[node["x"], node["y"]] for node in nodes], float)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + 9 * np.eye(len(places))
    assert apart.min() > 0.05, "two marks lie on each other"


def test_the_same_graph_gets_the_same_places_and_neighbours_stand_near() -> None:
    ring = np.roll(np.eye(8), 1, axis=1)
    ring = ring + ring.T
    places = layout(ring)
    assert np.array_equal(places, layout(ring))
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert apart[ring > 0].max() < apart[(ring == 0) & ~np.eye(8, dtype=bool)].min()


def test_parts_that_hang_together_by_nothing_stand_apart() -> None:
    two = np.kron(np.eye(2), np.ones((3, 3)) - np.eye(3))
    places = layout(two)
    assert np.isfinite(places).all()
    assert np.linalg.norm(places[:3].mean(0) - places[3:].mean(0)) > 1
