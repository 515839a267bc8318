"""What a product counts for, if it is taken up: orders, clicks, margin, or a sum of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from regulars import Shop
from regulars.errors import ConfigError
from regulars.recommend.dataset import Aim, Outcome, margin_share
from regulars.recommend.past import past_of

MAY = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def shop_with_costs(shop: Shop, record: Callable[..., Any]) -> Shop:
    """Ada and bob order again in May: dear pots with a small margin, cups with a large one; ada looks at a tin."""

    def event(kind: str, customer: str, day: str, product: str, **about: Any) -> dict[str, Any]:
        return {
            "type": kind, "customer_id": customer, "time": f"2024-{day}T10:00:00Z", "product_id": product, **about,
        }  # fmt: skip

    pot = {"unit_price": 100, "quantity": 1, "list_price": 100, "unit_cost": 90}
    cup = {"unit_price": 10, "quantity": 3, "list_price": 10, "unit_cost": 5}
    tin = {"unit_price": 5, "quantity": 1}
    events = [event("order_completed", f"c{k}", f"02-0{1 + k % 9}", "pot", order_id=f"o{k}", **pot) for k in range(60)]
    record(
        shop,
        *events,
        *(event("product_viewed", f"c{k}", f"03-0{1 + k % 9}", "tin") for k in range(60)),
        event("order_completed", "ada", "04-02", "cup", order_id="a1", **cup),
        event("order_completed", "bob", "04-02", "tin", order_id="b1", **tin),
        event("order_completed", "ada", "05-02", "pot", order_id="a2", **pot),
        event("order_completed", "ada", "05-03", "cup", order_id="a3", **cup),
        event("product_viewed", "ada", "05-04", "tin"),
        event("product_viewed", "ada", "05-05", "tin"),
        event("order_completed", "bob", "05-04", "cup", order_id="b2", **cup),
        event("order_completed", "new", "05-04", "cup", order_id="n1", **cup),
    )
    return shop


def worth(shop: Shop, aim: Aim | None = None) -> dict[tuple[str, str], float]:
    past = past_of(shop, MAY)
    found = Outcome.within(shop, past, 30, aim)
    names = past.sequences.customers
    return {
        (names[customer], past.vocabulary.products[product - 1]): pytest.approx(float(value), rel=1e-5)
        for place, customer in enumerate(found.customer.tolist())
        for product, value in zip(
            found.product[found.starts[place] : found.starts[place + 1]].tolist(),
            found.value[found.starts[place] : found.starts[place + 1]].tolist(),
            strict=True,
        )
    }


def test_by_default_orders_count_and_each_product_once(shop_with_costs: Shop) -> None:
    assert worth(shop_with_costs) == {("ada", "cup"): 1, ("ada", "pot"): 1, ("bob", "cup"): 1}


def test_clicks_count_beside_orders(shop_with_costs: Shop) -> None:
    found = worth(shop_with_costs, Aim(orders=1, clicks=0.25))
    assert found == {("ada", "cup"): 1, ("ada", "pot"): 1, ("ada", "tin"): 0.25, ("bob", "cup"): 1}


def test_margin_counts_in_proportion_to_that_of_a_mean_line(shop_with_costs: Shop) -> None:
    past = past_of(shop_with_costs, MAY)
    share = margin_share(shop_with_costs, past)
    at = {name: number for number, name in enumerate(past.vocabulary.products, 1)}
    assert share[at["pot"]] == pytest.approx(0.1)
    assert share[at["cup"]] == pytest.approx(0.5)
    # Nothing is known of tins: the middle of the others.
    assert share[at["tin"]] == pytest.approx(0.3)
    # Margins are 10 of the pot, 15 of each cup line: 40 / 3 in the mean.
    found = worth(shop_with_costs, Aim(orders=0, margin=1, share=share))
    assert found == {("ada", "pot"): 0.75, ("ada", "cup"): 1.125, ("bob", "cup"): 1.125}


def test_an_aim_of_nothing_is_refused(shop_with_costs: Shop) -> None:
    path = shop_with_costs.folder / "shop.toml"
    path.write_text(path.read_text().replace("# aim_orders = 1.0", "aim_orders = 0"))
    shop = Shop.open(shop_with_costs.folder)
    with pytest.raises(ConfigError, match="aim_orders, aim_margin and aim_clicks are all 0"):
        Aim.of(shop, past_of(shop, MAY))
