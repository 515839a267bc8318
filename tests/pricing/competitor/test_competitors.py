"""Competitors' prices: what is read and refused, what counts as the same product, and what an answer would bring."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.errors import InputError, NotFoundError
from regulars.events.schema import RATES
from regulars.pricing.competitor import (
    Competitors,
    Response,
    by_category,
    by_title,
    in_use,
    lowest,
    matches_of,
    simulate,
    undercuts,
    use,
)
from regulars.pricing.guard import Rules, list_prices
from regulars.pricing.products import Products
from regulars.pricing.suggest import ConstantElasticity

T = datetime(2026, 11, 1, tzinfo=UTC)
HEADER = "product,competitor,price,seen_at,source,currency,title\n"

Book = Callable[[], Competitors]


@pytest.fixture
def book(shop: Shop, tell: Callable[..., None]) -> Book:
    tell("4001", 1000, 500, title="Sencha green tea 250 g", category="Tea")
    tell("4002", 2000, 900, title="Sencha green tea 500 g", category="Tea")
    tell("4003", 3000, 900, title="Iron tea pot", category="Pots")
    return lambda: Competitors(shop, Products.of(shop, T))


def write(folder: Path, *lines: str) -> Path:
    path = folder / "seen.csv"
    path.write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_a_known_identifier_is_the_same_product_however_it_is_written(book: Book, tmp_path: Path) -> None:
    found = book().import_(write(tmp_path, "40-01,Leaf & Co,9.50,2026-10-30 10:00,https://leaf.example/1,EUR,"))
    assert (found.added, found.proposed, found.refused) == (1, 0, ())
    row = book().newest(T).to_pylist()[0]
    assert (row["product_id"], row["coins"], row["source"]) == ("4001", 950, "https://leaf.example/1")


def test_the_same_file_again_adds_nothing(book: Book, tmp_path: Path) -> None:
    path = write(tmp_path, "4001,Leaf,9.50,2026-10-30,web,EUR,", "4001,Leaf,9.40,2026-10-31,web,EUR,")
    assert book().import_(path).added == 2
    again = book().import_(path)
    assert (again.added, again.known) == (0, 2)
    assert book().newest(T)["coins"].to_pylist() == [940]


def test_a_title_is_proposed_and_counts_only_once_a_person_approved_it(book: Book, shop: Shop, tmp_path: Path) -> None:
    found = book().import_(write(tmp_path, "L-77,Leaf,9.00,2026-10-30,web,EUR,SENCHA Green Tea (250g)"))
    assert found.proposed == 1
    assert book().newest(T).num_rows == 0
    (match,) = matches_of(shop.state, "proposed")
    assert match.product_id == "4001"
    book().judge("Leaf", match.what, approve=True, who="mei")
    assert book().newest(T)["coins"].to_pylist() == [900]
    book().judge("Leaf", match.what, approve=False, who="mei")
    assert book().newest(T).num_rows == 0


def test_nobody_judges_without_a_name_nor_what_is_not_there(book: Book) -> None:
    with pytest.raises(InputError, match="Who judges"):
        book().judge("Leaf", "x", approve=True, who=" ")
    with pytest.raises(NotFoundError, match='no "x" of Leaf'):
        book().judge("Leaf", "x", approve=True, who="mei")


def test_a_pack_of_another_size_is_another_product() -> None:
    assert by_title(["Sencha 100g"], ["a"], ["Sencha 50 g"]) == [None]
    found = by_title(["铁观音 茶叶 250克"], ["a", "b"], ["铁观音茶叶 500克", "铁观音 茶叶 250克 礼盒"])
    assert found[0] is not None
    assert found[0].product_id == "b"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("4001,Leaf,0,2026-10-30,web,EUR,", "line 2: price = 0: nobody sells for nothing"),
        ("4001,Leaf,-3,2026-10-30,web,EUR,", "nobody sells for nothing"),
        ("4001,Leaf,cheap,2026-10-30,web,EUR,", "'cheap' is no amount"),
        ("4001,Leaf,9.50,soon,web,EUR,", "'soon' is no time"),
        ("4001,Leaf,9.50,2062-10-30,web,EUR,", "line 2: seen_at = 2062-10-30 has not come yet"),
        ("4001,Leaf,9.50,2026-10-30,,EUR,", "no source"),
        ("4001,Leaf,950,2026-10-30,web,EUR,", "950.00 EUR for 4001, which costs 10.00 here: another unit or currency"),
        ("4001,Leaf,0.09,2026-10-30,web,EUR,", "another unit or currency"),
        ("4001,Leaf,9.50,2026-10-30,web,USD,", "no rate of USD is known at 2026-10-30"),
    ],
)
def test_a_price_that_cannot_be_is_refused_with_its_line_and_the_others_are_kept(
    book: Book, tmp_path: Path, line: str, said: str
) -> None:
    found = book().import_(write(tmp_path, line, "4002,Leaf,19.00,2026-10-30,web,EUR,"))
    assert found.added == 1
    assert len(found.refused) == 1
    assert said in found.refused[0]


def test_a_foreign_price_is_taken_at_the_rate_of_its_day(shop: Shop, book: Book, tmp_path: Path) -> None:
    with shop.log.transaction("rates") as transaction:
        days = pa.array([T - timedelta(days=9), T], RATES.field("valid_from").type)
        transaction.add("rates", pa.table([["USD", "USD"], [0.5, 0.9], days], schema=RATES))
        transaction.commit()
    assert book().import_(write(tmp_path, "4001,Leaf,19.00,2026-10-30,web,USD,")).added == 1
    assert book().newest(T)["coins"].to_pylist() == [950]


def test_a_file_without_its_columns_is_refused_whole(book: Book, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("product,price\n4001,3\n")
    with pytest.raises(InputError, match="no column competitor, seen_at, source"):
        book().import_(path)


def test_what_was_seen_long_ago_says_nothing_of_today(book: Book, tmp_path: Path) -> None:
    book().import_(write(tmp_path, "4001,Leaf,9.50,2026-10-01,web,EUR,", "4002,Leaf,9.50,2026-11-02,web,EUR,"))
    assert book().newest(T).num_rows == 0


def test_the_index_says_where_we_are_dearer_and_who_undercuts_us(shop: Shop, book: Book, tmp_path: Path) -> None:
    lines = ["4001,Leaf,8.00,2026-10-30,web,EUR,", "4001,Kettle,12.50,2026-10-30,web,EUR,"]
    book().import_(write(tmp_path, *lines, "4003,Leaf,60.00,2026-10-30,web,EUR,"))
    products, newest = Products.of(shop, T), book().newest(T)
    tea, pots = by_category(products, newest)
    assert (tea.category, tea.products, round(tea.mean_index, 3), tea.lowest_index, tea.undercut) == (
        "Tea", 1, 1.0, pytest.approx(1.25), 1,
    )  # fmt: skip
    assert (pots.category, pots.mean_index, pots.undercut) == ("Pots", pytest.approx(0.5), 0)
    (only,) = undercuts(products, newest)
    assert (only.product_id, only.competitor, round(only.gap, 2)) == ("4001", "Leaf", 0.2)
    assert undercuts(products, newest, at_least=0.25) == []
    assert lowest(products, newest).tolist() == [800, -1, 6000]


ONE = np.ones(2)
OURS, COST = np.array([1000, 1000]), np.array([500, 980])


def demand(elasticity: float) -> ConstantElasticity:
    return ConstantElasticity(10 * ONE, 1000 * ONE, elasticity * ONE, 0.1 * ONE)


def test_an_answer_is_simulated_within_guardrails() -> None:
    rules = Rules(min_margin=0.0, max_change=0.15)
    bounds = list_prices(rules, OURS, COST)
    found = simulate(Response("match"), bounds, OURS, np.array([800, 800]), COST, demand(-3.0))
    # One may fall by 15 % a week; the other not under its cost.
    assert found.price.tolist() == [850, 980]
    assert (found.products, found.limited) == (2, 2)
    assert found.low <= found.change <= found.high
    assert simulate(Response("ignore"), bounds, OURS, np.array([800, 800]), COST, demand(-3.0)).products == 0


@pytest.mark.parametrize(("elasticity", "pays"), [(-3.0, True), (-1.0, False)])
def test_a_match_pays_only_where_customers_answer_prices(elasticity: float, pays: bool) -> None:
    bounds = list_prices(Rules(min_margin=0.0), OURS[:1], COST[:1])
    one = ConstantElasticity(ONE[:1], 1000 * ONE[:1], elasticity * ONE[:1], 0 * ONE[:1])
    found = simulate(Response("match"), bounds, OURS[:1], np.array([900]), COST[:1], one)
    assert (found.change > 0) == pays


def test_no_answer_is_used_before_it_was_simulated(shop: Shop) -> None:
    response = Response("beat", 0.02)
    with pytest.raises(InputError, match="simulated before it is used"):
        use(shop.state, "Tea", response, None, "mei")
    bounds = list_prices(Rules(), OURS, COST)
    use(shop.state, "Tea", response, simulate(response, bounds, OURS, OURS - 50, COST, demand(-2.0)), "mei")
    assert in_use(shop.state) == {"Tea": response}


@pytest.mark.parametrize(("kind", "by"), [("match", 0.1), ("beat", 0.0), ("beat", 0.6), ("follow", 0.0)])
def test_an_answer_that_cannot_be_is_refused(kind: str, by: float) -> None:
    with pytest.raises(InputError, match="beat"):
        Response(kind, by)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("theirs", "ours", "is_same"),
    [
        ("Sencha 25 g", "Sencha 250 g", False), ("Sencha 2 g", "Sencha 20 g", False), ("Sencha 0 g", "Sencha g", False),
        ("Sencha 2,50 kg", "Sencha 2.5 kg", True), ("Sencha 250 g", "Sencha 250g", True),
    ],
)  # fmt: skip
def test_titles_are_the_same_by_the_value_of_their_numbers(theirs: str, ours: str, is_same: bool) -> None:
    (found,) = by_title([theirs], ["tea"], [ours])
    assert (found is not None) == is_same


def test_an_identifier_that_two_products_share_is_neither_of_them(
    book: Book, tell: Callable[..., None], tmp_path: Path
) -> None:
    for product in ("AB-1", "A-B1"):
        tell(product, 1000, 500, title=f"Cup {product}")
    ids = ("ab1", "40-01", "A-B1")
    found = book().import_(write(tmp_path, *(f"{each},Leaf,9.50,2026-10-30,web,EUR," for each in ids)))
    assert found.added == 3
    assert [row["product_id"] for row in book().newest(T).to_pylist()] == ["4001", "A-B1"]
