"""The world answers back: to prices, positions, stock, recommendations, contacts; and its events hang together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars.errors import InputError
from regulars.events.schema import EVENTS, TYPES
from regulars.simulate import Params, World, earned, everyday

MakeWorld = Callable[..., World]


def changed(params: Params, **sections: dict[str, object]) -> Params:
    """Parameters with some of them changed, by section."""
    updates = {name: getattr(params, name).model_copy(update=update) for name, update in sections.items()}
    return params.model_copy(update=updates)


@pytest.fixture
def steady(gifts: Params) -> Params:
    """A shop where all are there, come often and stay: effects show on a few thousand customers."""
    return changed(
        gifts,
        customers={"arrived_share": 1.0, "visits_per_month": 9.0, "consent_share": 1.0, "household_share": 0.0},
        visits={"needs": 4.0, "weekdays": (1.0,) * 7},
        catalogue={"launched_share": 0.0, "ended_share": 0.0, "stock_days": 1000.0},
    )


def play(world: World, days: int, decide: pa.Table | None = None) -> pa.Table:
    """Some days, the decisions on each of them."""
    return pa.concat_tables([world.step(decide) for _ in range(days)])


def of(events: pa.Table, *types: str) -> pa.Table:
    return events.filter(pc.is_in(events["type"], pa.array(types)))


def bought(events: pa.Table, product: str) -> float:
    orders = of(events, "order_completed")
    return float(np.sum(orders.filter(pc.equal(orders["product_id"], product))["quantity"].to_numpy()))


def most_bought(events: pa.Table) -> str:
    counts = of(events, "order_completed").group_by("product_id").aggregate([("quantity", "sum")])
    return str(counts.sort_by([("quantity_sum", "descending")])["product_id"][0])


def decisions(world: World, action: str, who: npt.NDArray[np.bool_] | None = None, **columns: object) -> pa.Table:
    chosen = np.ones(len(world.customer_ids), bool) if who is None else who
    ids = world.customer_ids.filter(pa.array(chosen))
    more = {name: pa.array([value] * len(ids)) for name, value in columns.items()}
    return pa.table({"customer_id": ids, "action": pa.array([action] * len(ids)), **more})


def test_events_are_of_the_log_and_of_their_day(make_world: MakeWorld) -> None:
    world = make_world(days=30)
    for _ in range(30):
        begins = world.now
        events = world.step(everyday.decide(world))
        assert events.schema.equals(EVENTS)
        times = events["time"].to_pylist()
        assert begins <= min(times)
        assert max(times) < world.now
        assert times == sorted(times)
        assert set(pc.unique(events["type"]).to_pylist()) <= set(TYPES)


def test_an_order_was_seen_carted_and_paid_in_its_session(make_world: MakeWorld) -> None:
    events = play(make_world(), 20)
    orders = of(events, "order_completed")
    # Rings come straight to the checkout; all others put into the cart what they saw.
    added, viewed = (
        set(zip(of(events, kind)["session_id"].to_pylist(), of(events, kind)["product_id"].to_pylist(), strict=True))
        for kind in ("product_added", "product_viewed")
    )
    by_visit = orders.filter(pc.is_in(orders["session_id"], of(events, "product_added")["session_id"].combine_chunks()))
    lines = set(zip(by_visit["session_id"].to_pylist(), by_visit["product_id"].to_pylist(), strict=True))
    assert len(lines) > 200
    assert lines <= added <= viewed
    paid = of(events, "payment_attempted")
    approved = set(paid.filter(pc.equal(paid["outcome"], "approved"))["order_id"].to_pylist())
    assert set(orders["order_id"].to_pylist()) <= approved


def test_clocks_that_change_neither_lose_nor_repeat_an_hour(gifts: Params) -> None:
    from datetime import date, timedelta

    world = World(gifts.model_copy(update={"start": date(2024, 3, 30)}), customers=400, seed=1, days=3)
    lengths = []
    for _ in range(3):
        begins = world.now
        events = world.step()
        assert max(events["time"].to_pylist()) < world.now
        lengths.append(world.now - begins)
    assert lengths == [timedelta(hours=24), timedelta(hours=23), timedelta(hours=24)]


def test_a_dearer_product_is_bought_less_and_a_cheaper_more(make_world: MakeWorld, steady: Params) -> None:
    world = make_world(steady, customers=3000)
    product = most_bought(play(world.copy(), 2))
    listed = world.catalogue()
    now = float(listed.filter(pc.equal(listed["product_id"], product))["list_price"][0].as_py())
    sold = []
    for multiple in (0.7, 1.0, 1.5):
        price = pa.table({"action": ["price"], "product_id": [product], "price": [now * multiple]})
        sold.append(bought(play(world.copy(), 5, price), product))
    assert sold[0] > 1.2 * sold[1] > 1.2 * 1.2 * sold[2]


def test_what_stands_first_in_a_list_is_seen_more(make_world: MakeWorld, steady: Params) -> None:
    # All products are alike; so whatever is seen more is seen for its place.
    alike = changed(steady, catalogue={"appeal_spread": 1e-6, "products": 100, "season_spread": 0.0})
    viewed = of(play(make_world(alike, customers=2000), 5), "product_viewed")
    counts = np.sort(viewed.group_by("product_id").aggregate([("line", "count")])["line_count"].to_numpy())[::-1]
    assert counts[:10].mean() > 1.5 * counts[-50:].mean()


def test_what_is_out_of_stock_is_not_bought_until_it_is_resupplied(make_world: MakeWorld, steady: Params) -> None:
    scarce = changed(steady, catalogue={"stock_days": 1.0, "resupply_days": 5, "products": 60})
    world = make_world(scarce, customers=2000)
    sold_out, returned = set(), set()
    for _ in range(12):
        stock = world.catalogue()
        empty = set(stock.filter(pc.less_equal(stock["stock"], 0))["product_id"].to_pylist())
        now = set(of(world.step(), "product_viewed")["product_id"].to_pylist())
        assert not now & empty
        returned |= sold_out & now
        sold_out |= empty
    assert sold_out
    assert returned


def test_what_is_recommended_is_seen_and_bought_more(make_world: MakeWorld, steady: Params) -> None:
    world = make_world(steady, customers=2000)
    seldom = world.product_ids[77].as_py()
    before = bought(play(world.copy(), 5), seldom)
    listed = decisions(world, "recommend", products=[seldom])
    events = play(world.copy(), 5, listed)
    assert bought(events, seldom) > 3 * before + 20
    viewed = of(events, "product_viewed")
    marked = viewed.filter(pc.equal(viewed["outcome"], "recommended"))
    assert set(marked["product_id"].to_pylist()) == {seldom}


def test_what_was_recommended_where_and_by_what_chance_is_in_the_log(make_world: MakeWorld, steady: Params) -> None:
    world = make_world(steady, customers=1000)
    seldom = world.product_ids.slice(70, 5).to_pylist()
    listed = decisions(world, "recommend", products=seldom, propensity=0.25, campaign_id="home")
    events = world.step(listed)
    assert not events.select(["event_id", "line"]).group_by(["event_id", "line"]).aggregate([]).num_rows < len(events)
    shown = of(events, "product_list_viewed").filter(
        pc.equal(of(events, "product_list_viewed")["outcome"], "recommended")
    )
    # Three of them stand before the list of the first need, the others before that of the second.
    lists: dict[str, dict[int, str]] = {}
    for row in shown.to_pylist():
        assert (row["propensity"], row["campaign_id"]) == (0.25, "home")
        assert row["unit_price"] is not None
        lists.setdefault(row["event_id"], {})[row["line"]] = row["product_id"]
    assert len(lists) > 300
    assert {tuple(sorted(places.items())) for places in lists.values()} == {
        ((0, seldom[0]), (1, seldom[1]), (2, seldom[2])),
        ((0, seldom[3]), (1, seldom[4])),
    }
    viewed = of(events, "product_viewed")
    clicked = viewed.filter(pc.equal(viewed["outcome"], "recommended")).select(
        ["session_id", "product_id", "campaign_id"]
    )
    seen = set(zip(shown["session_id"].to_pylist(), shown["product_id"].to_pylist(), strict=True))
    assert clicked.num_rows > 50
    assert {(row["session_id"], row["product_id"]) for row in clicked.to_pylist()} <= seen
    assert set(clicked["campaign_id"].to_pylist()) == {"home"}
    assert not of(world.step(), "product_list_viewed")["product_id"].drop_null()


def test_what_cannot_be_bought_is_not_recommended_to_anybody(make_world: MakeWorld, gifts: Params) -> None:
    world = make_world(changed(gifts, catalogue={"launched_share": 0.5}), customers=1000)
    on_sale = set(world.catalogue()["product_id"].to_pylist())
    later = next(product for product in world.product_ids.to_pylist() if product not in on_sale)
    events = world.step(decisions(world, "recommend", products=[later]))
    assert later not in events["product_id"].to_pylist()


def test_a_recommendation_moves_only_who_sees_it(make_world: MakeWorld, steady: Params) -> None:
    # All are signed in, so that the log names whoever comes.
    steady = changed(steady, visits={"signed_out_share": 0.0})
    eager = changed(steady, treatments={"persuadable_share": 1.0, "sleeping_dog_share": 0.0, "half_life_days": 1000.0})
    world = make_world(eager, customers=3000)
    other = world.copy()
    events = world.step(decisions(world, "recommend", products=[]))
    other.step()
    came = pc.unique(events.filter(pc.is_valid(events["session_id"]))["customer_id"].drop_null())

    def visits(events: pa.Table, who: pa.Array) -> int:
        return len(pc.unique(events.filter(pc.is_in(events["customer_id"], who))["session_id"]))

    away = world.customer_ids.filter(pc.invert(pc.is_in(world.customer_ids, came)))
    moved, unmoved = play(world, 5), play(other, 5)
    assert visits(moved, came) > 1.2 * visits(unmoved, came)
    assert visits(moved, away) < 1.05 * visits(unmoved, away)


def test_what_a_day_earned_is_read_from_its_orders_and_the_catalogue(make_world: MakeWorld) -> None:
    world = make_world()
    catalogue = world.catalogue()
    events = world.step()
    cost = {row["product_id"]: float(row["unit_cost"]) for row in catalogue.to_pylist()}
    orders = of(events, "order_completed").to_pylist()
    by_hand = sum(row["quantity"] * (float(row["unit_price"]) - cost[row["product_id"]]) for row in orders)
    assert earned(events, catalogue) == pytest.approx(by_hand)
    assert by_hand > 0
    with pytest.raises(InputError, match="catalogue: no unit_cost of product 'p"):
        earned(events, catalogue.slice(0, 1))


def test_a_discount_lowers_the_price_paid_that_day_and_a_coupon_for_its_days(
    make_world: MakeWorld, steady: Params
) -> None:
    world = make_world(changed(steady, treatments={"coupon_days": 3, "redeemed_share": 1.0}), customers=500)
    price = {row["product_id"]: float(row["list_price"]) for row in world.catalogue().to_pylist()}

    def paid(events: pa.Table) -> float:
        rows = of(events, "order_completed").to_pylist()
        honest = [row for row in rows if row["customer_id"] <= world.customer_ids[-1].as_py()]
        return float(np.median([float(row["unit_price"]) / price[row["product_id"]] for row in honest]))

    for action, days in (("discount", 1), ("coupon", 3)):
        played = world.copy()
        first = played.step(decisions(played, action, share=0.2))
        assert paid(first) == pytest.approx(0.8, abs=0.01)
        shares = [paid(played.step()) for _ in range(4)]
        lowered = [share < 0.9 for share in shares]
        assert lowered == [day + 1 < days for day in range(4)]


def test_rivals_follow_our_price(make_world: MakeWorld) -> None:
    world = make_world()
    product, cheap = world.product_ids[3].as_py(), 0.5
    listed = world.catalogue()
    now = float(listed.filter(pc.equal(listed["product_id"], product))["list_price"][0].as_py())

    def rival() -> float:
        table = world.rivals()
        return float(table.filter(pc.equal(table["product_id"], product))["price"][0].as_py())

    before = rival()
    price = pa.table({"action": ["price"], "product_id": [product], "price": [now * cheap]})
    play(world, 30, price)
    assert rival() < 0.7 * before


def test_customers_come_more_on_festivals(gifts: Params) -> None:
    from datetime import date

    calm, festive = (
        changed(gifts.model_copy(update={"start": date(2024, 11, 11)}), visits={"festivals": {"11-11": times}})
        for times in (1.0, 3.0)
    )
    calm, festive = (changed(params, customers={"arrived_share": 1.0}) for params in (calm, festive))
    counts = [World(params, customers=5000, seed=1, days=5).step().num_rows for params in (calm, festive)]
    assert 2 < counts[1] / counts[0] < 4


def test_who_signs_up_says_from_where_and_whether_may_be_written_to(make_world: MakeWorld) -> None:
    events = play(make_world(), 40)
    signed = of(events, "signed_up")
    assert {"search", "friend", "social"} <= set(signed["channel"].to_pylist())
    assert all('"country"' in text for text in signed["properties"].to_pylist())
    consent = of(events, "consent_given")
    assert set(consent["text"].to_pylist()) == {"marketing"}
    first = {}
    for row in events.select(["customer_id", "type"]).to_pylist():
        first.setdefault(row["customer_id"], row["type"])
    came = set(signed["customer_id"].to_pylist())
    assert {first[customer] for customer in came} <= {"signed_up", "ad_clicked"}
