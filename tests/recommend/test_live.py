"""Every kind of list, for one customer or product at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.errors import InputError, NotFoundError
from regulars.recommend import Recommender, Shown, parameters
from regulars.recommend.dataset import model_in_use
from regulars.rules import RuleError

Record = Callable[..., object]
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def recommender(learned_shop: Shop, tea_as_of: datetime) -> Recommender:
    return Recommender.open(learned_shop, tea_as_of)


def ids(shown: Shown) -> list[str]:
    return list(shown.table["product_id"].to_pylist())


def category(product: str) -> str:
    return ("black", "green", "herbal")[int(product.removeprefix("tea")) % 3]


def test_one_customer_gets_the_list_that_the_batch_gives(
    recommender: Recommender, own_shop: Shop, tea_as_of: datetime
) -> None:
    rows = own_shop.decide("recommend", tea_as_of).table.slice(0, 40).to_pylist()
    for row in rows:
        if row["propensity"] > 0.5:  # no chance was involved
            assert ids(recommender.for_you(row["customer_id"], len(row["products"]))) == row["products"]


def test_a_filter_is_applied_before_the_list_is_cut(recommender: Recommender) -> None:
    for customer in ("c000", "c001", "nobody"):
        found = ids(recommender.for_you(customer, 3, "category = 'herbal'"))
        assert len(found) == 3
        assert {category(product) for product in found} == {"herbal"}
        nothing = recommender.for_you(customer, 3, "category = 'lamps'")
        assert ids(nothing) == []
        assert nothing.note.startswith("No product is left")


def test_a_stranger_gets_what_most_take_up_and_a_note(recommender: Recommender) -> None:
    found = recommender.for_you("nobody", 4)
    assert ids(found) == ids(recommender.popular(4))
    assert found.note == "nobody was never seen before: this is what most take up."


def test_a_list_as_long_as_can_be_is_all_products(recommender: Recommender) -> None:
    assert len(ids(recommender.for_you("c000", 1_000_000))) == 9


def test_similar_products_come_with_the_product_they_are_like(recommender: Recommender) -> None:
    found = recommender.similar("tea3", 8)
    assert "tea3" not in ids(found)
    # Tea 3 and Tea 9 would share category and brand; of nine it is those of its category that come first.
    assert category(ids(found)[0]) == "black"
    assert set(found.table["reason"].to_pylist()) == {"It is like “Tea 3”."}


def test_what_is_bought_in_one_order_goes_together(own_shop: Shop, record: Record) -> None:
    lines = [
        {"type": "order_completed", "customer_id": f"n{k}", "time": f"2024-05-1{k % 9}T10:00:00Z", "order_id": f"n{k}",
         "product_id": product, "unit_price": 4}
        for k in range(400) for product in ("tea1", "tea8")
    ]  # fmt: skip
    record(own_shop, *lines)
    asked = Recommender.open(own_shop, own_shop.now)
    assert ids(asked.together("tea1"))[:1] == ["tea8"]
    assert ids(asked.together("tea8", 5, "category = 'green'")) == ["tea1"]


def test_again_names_what_was_bought_and_is_due(
    recommender: Recommender, learned_shop: Shop, tea_as_of: datetime
) -> None:
    events = learned_shop.events
    bought = learned_shop.engine.to_arrow(
        events.filter(events.type == "order_completed", events.time < tea_as_of).select("customer_id", "product_id")
    )
    pairs = set(zip(bought["customer_id"].to_pylist(), bought["product_id"].to_pylist(), strict=True))
    named = 0
    for customer in ("c000", "c002", "c004", "c006"):
        for product in ids(recommender.again(customer)):
            assert (customer, product) in pairs
            named += 1
    assert named


def test_because_viewed_shows_what_is_like_the_last_product_looked_at(own_shop: Shop, record: Record) -> None:
    look = {"type": "product_viewed", "customer_id": "c000", "product_id": "tea4"}
    record(own_shop, {**look, "time": own_shop.now.isoformat()})
    events = own_shop.events.filter(own_shop.events.customer_id == "c000", own_shop.events.type == "order_completed")
    bought = set(own_shop.engine.to_arrow(events.select("product_id"))["product_id"].to_pylist())
    asked = Recommender.open(own_shop, own_shop.now)
    found = asked.because_viewed("c000", 3)
    if "tea4" in bought:
        assert found.note.startswith("c000 looked at nothing")
    else:
        assert set(found.table["reason"].to_pylist()) == {"It is like “Tea 4”, which you looked at."}
        assert "tea4" not in ids(found)


def test_popular_with_alike_counts_those_who_like_the_same_category_best(own_shop: Shop, record: Record) -> None:
    lines = [
        {"type": "order_completed", "customer_id": f"h{k}", "time": f"2024-06-29T1{k % 9}:00:00Z", "order_id": f"h{k}",
         "product_id": product, "category": "herbal", "unit_price": 4}
        for k in range(60) for product in ("tea2", "tea5")
    ] + [
        {"type": "order_completed", "customer_id": f"h{k}", "time": f"2024-06-30T1{k % 9}:00:00Z", "order_id": f"g{k}",
         "product_id": "tea7", "unit_price": 4}
        for k in range(60)
    ]  # fmt: skip
    record(own_shop, *lines)
    found = Recommender.open(own_shop, own_shop.now).popular_with_alike("h0", 3)
    assert set(ids(found)) == {"tea2", "tea5", "tea7"}
    assert set(found.table["reason"].to_pylist()) == {"Many who like herbal best choose it these weeks."}


def test_who_forbids_profiling_gets_no_list_of_what_was_done(own_shop: Shop, cli: Cli) -> None:
    code, said, _ = cli("customers", "object", "c002", "profiling", "--shop", own_shop.folder)
    assert code == 0
    assert said == "c002 objects to profiling from now on.\n"
    asked = Recommender.open(own_shop, own_shop.now)
    assert ids(asked.for_you("c002", 4)) == ids(asked.popular(4))
    assert ids(asked.again("c002")) == []
    assert "forbids profiling" in asked.because_viewed("c002").note
    assert "forbids profiling" in asked.popular_with_alike("c002").note
    cli("customers", "object", "c002", "profiling", "--withdraw", "--shop", own_shop.folder)
    assert ids(Recommender.open(own_shop, own_shop.now).again("c002", 9))
    code, _, complaint = cli("customers", "object", "c002", "everything", "--shop", own_shop.folder)
    assert code != 0
    assert "There are: marketing, profiling, pricing, ads" in complaint


def test_what_was_sent_back_is_not_shown_until_it_is_bought_again(own_shop: Shop, record: Record) -> None:
    asked = Recommender.open(own_shop, own_shop.now)
    before = ids(asked.for_you("c004", 9))
    back = {"type": "order_refunded", "customer_id": "c004", "product_id": before[0], "quantity": 1, "unit_price": 4}
    record(own_shop, {**back, "time": own_shop.now.isoformat()})
    assert ids(Recommender.open(own_shop, own_shop.now).for_you("c004", 9)) == [
        product for product in ids(asked.for_you("c004", 9)) if product != before[0]
    ]
    again = {
        "type": "order_completed",
        "customer_id": "c004",
        "product_id": before[0],
        "order_id": "z",
        "unit_price": 4,
    }
    record(own_shop, {**again, "time": own_shop.now.isoformat()})
    assert before[0] in ids(Recommender.open(own_shop, own_shop.now).for_you("c004", 9))


def test_what_each_source_has_to_do_with_a_place_is_told(recommender: Recommender) -> None:
    best, *_, last = ids(recommender.for_you("c000", 9))
    first, other = (recommender.explain("c000", product) for product in (best, last))
    assert first["share"].to_pylist() == sorted(first["share"].to_pylist(), reverse=True)
    assert sum(first["share"].to_pylist()) > sum(other["share"].to_pylist())
    assert set(first["source"].to_pylist()) >= {"own", "covisitation", "factors", "content", "popular"}
    popular = {row["source"]: row["place"] for row in first.to_pylist()}["popular"]
    assert ids(recommender.popular(9))[popular - 1] == best
    with pytest.raises(NotFoundError, match="no product pot"):
        recommender.explain("c000", "pot")


def test_the_parameters_are_those_in_force(own_shop: Shop, cli: Cli) -> None:
    path = own_shop.folder / "shop.toml"
    code, said, _ = cli("recommend", "--how", "--shop", own_shop.folder)
    assert code == 0
    assert "In 5% of the lists the last product is drawn by chance" in said
    assert "Never shown: products for which this is true: stock <= 0." in said
    assert "places of a list are kept" not in said
    shares = [int(line.rsplit(" ", 1)[1].rstrip("%")) for line in said.splitlines() if line.startswith("- ")]
    assert abs(sum(shares) - 100) <= len(shares)
    text = path.read_text().replace("# explore = 0.05", "explore = 0.0").replace("# fresh = 0", "fresh = 2")
    path.write_text(text)
    found = parameters(Shop.open(own_shop.folder), "zh")
    assert "列表中为新品保留2个位置。" in found
    assert not any("随机" in line for line in found)
    assert all(not line.isascii() for line in found)


def test_trending_and_new_are_of_all(recommender: Recommender) -> None:
    assert recommender.new().note == "No product is newer than 30 days."
    assert set(ids(recommender.trending())) <= {f"tea{k}" for k in range(9)}


@pytest.mark.parametrize("k", [0, -3])
def test_a_list_of_nothing_is_refused(recommender: Recommender, k: int) -> None:
    with pytest.raises(InputError, match=f"k is {k}"):
        recommender.for_you("c000", k)


def test_what_does_not_exist_is_named(recommender: Recommender) -> None:
    with pytest.raises(NotFoundError, match="no product pot"):
        recommender.similar("pot")
    with pytest.raises(NotFoundError, match="no customer eve"):
        recommender.again("eve")
    with pytest.raises(RuleError, match="line 1, column 1"):
        recommender.for_you("c000", 3, "colour = 'red'")


def test_the_command_shows_a_list(cli: Cli, learned_shop: Shop, tea_as_of: datetime) -> None:
    where = ("--shop", learned_shop.folder, "--as-of", tea_as_of.isoformat())
    code, said, _ = cli("recommend", "c000", "--k", 2, "--where", "category = 'green'", *where)
    assert code == 0
    assert said.count("Tea ") >= 2
    code, said, _ = cli("recommend", "--list", "popular", "--json", *where)
    assert code == 0
    assert '"products"' in said
    code, _, complaint = cli("recommend", "--list", "similar", *where)
    assert code == 5
    assert "the id of a product" in complaint
    code, _, complaint = cli("recommend", "c000", "--where", "price <", *where)
    assert code == 3
    assert "column" in complaint


def test_no_list_of_a_customer_holds_what_was_sent_back(own_shop: Shop, record: Record) -> None:
    at = own_shop.now
    about = {"customer_id": "new", "product_id": "tea4", "order_id": "n1", "unit_price": 4, "quantity": 1}
    record(
        own_shop,
        {"type": "order_completed", **about, "time": at.isoformat()},
        {"type": "product_viewed", "customer_id": "new", "product_id": "tea1", "time": at.isoformat()},
    )
    asked = Recommender.open(own_shop, own_shop.now)
    assert all("tea4" in ids(show("new", 9)) for show in (asked.because_viewed, asked.popular_with_alike))
    record(own_shop, {"type": "order_refunded", **about, "time": own_shop.now.isoformat()})
    asked = Recommender.open(own_shop, own_shop.now)
    assert all("tea4" not in ids(show("new", 9)) for show in (asked.because_viewed, asked.popular_with_alike))


def test_a_moment_before_the_model_was_learned_is_refused(learned_shop: Shop, tea_as_of: datetime) -> None:
    with pytest.raises(InputError, match="learned from events until 2024-06-01"):
        Recommender.open(learned_shop, tea_as_of - timedelta(days=1))


def test_a_recommender_whose_behaviour_model_is_gone_shows_nothing_wrong(
    learned_shop: Shop, tea_as_of: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = replace(model_in_use(learned_shop), has_head=True)
    monkeypatch.setattr("regulars.recommend.live.model_in_use", lambda shop: asking)
    with pytest.raises(NotFoundError, match="regulars learn behavior"):
        Recommender.open(learned_shop, tea_as_of)


def test_a_product_without_a_title_is_called_by_its_id_in_reasons(learned_shop: Shop, tea_as_of: datetime) -> None:
    asked = Recommender.open(learned_shop, tea_as_of)
    some = [f"c{number:03d}" for number in range(0, 60, 2)]
    titled = [reason for name in some for reason in asked.for_you(name, 9).table["reason"].to_pylist()]
    table = asked.shelf.table
    nameless = table.set_column(table.column_names.index("title"), "title", pa.nulls(table.num_rows, pa.string()))
    asked.shelf = replace(asked.shelf, table=nameless)
    plain = [reason for name in some for reason in asked.for_you(name, 9).table["reason"].to_pylist()]
    assert any("“Tea " in reason for reason in titled)
    assert plain == [reason.replace("“Tea ", "“tea") for reason in titled]


def test_an_id_that_belongs_to_a_customer_gets_the_customers_list(own_shop: Shop, record: Record, cli: Cli) -> None:
    at = own_shop.now.isoformat()
    record(own_shop, {"type": "customer_identified", "customer_id": "c000", "anonymous_id": "visitor", "time": at})
    said = [cli("recommend", name, "--k", 3, "--shop", own_shop.folder)[1] for name in ("visitor", "c000")]
    assert said[0] == said[1]
