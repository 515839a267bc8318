"""The commands of pricing, as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from regulars import Shop

Tell = Callable[..., None]
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tea(shop: Shop, tell: Tell) -> Path:
    tell("tea", 1000, 500, title="Sencha 250 g", category="Tea")
    tell("pot", 3000, 900, title="Iron pot", category="Pots")
    return shop.folder


AT = ("--as-of", "2026-11-01")


def test_prices_are_tried_set_quoted_and_audited(tea: Path, cli: Cli) -> None:
    code, said, _ = cli("pricing", "explore", "--name", "spring", "--set", "--shop", tea, *AT)
    assert code == 0
    assert "2 of 2 products may be asked more than one price: evenly." in said
    assert "2 prices set." in said
    # From the moment after it was set.
    later = ("--as-of", "2026-11-01T00:00:01")
    code, said, _ = cli("pricing", "quote", "tea", "--customer", "ada", "--shop", tea, *later, "--json")
    quoted = json.loads(said)
    assert quoted["personalised"] is False
    code, said, _ = cli("pricing", "audit", "tea", "--shop", tea, "--json")
    lines = json.loads(said)
    assert [line["what"] for line in lines] == ["set", "shown"]
    assert lines[1]["price"].startswith(quoted["price"])
    assert lines[0]["propensity"] > 0
    assert "2 lines, 0 with a problem" in cli("pricing", "audit", "tea", "--shop", tea)[1]
    assert "1 lines" in cli("pricing", "audit", "--customer", "ada", "--shop", tea)[1]


def test_where_no_price_may_be_tried_it_is_said_why(shop: Shop, tell: Tell, cli: Cli) -> None:
    tell("tea", 1000, title="Sencha 250 g")
    code, said, _ = cli("pricing", "explore", "--shop", shop.folder, *AT)
    assert code == 0
    assert "0 of 1 products may be asked more than one price: nothing to draw." in said
    assert "1 may not: cost is not known: the price stays as it is." in said
    assert "Import a file of products with their costs" in said


def test_an_audit_of_nothing_says_what_to_name(tea: Path, cli: Cli) -> None:
    code, _, wrong = cli("pricing", "audit", "--shop", tea)
    assert code == 5
    assert "Name a customer or a product" in wrong
    code, _, wrong = cli("pricing", "audit", "nobody", "--shop", tea)
    assert code == 8
    assert 'customer or product "nobody"' in wrong


def test_the_budget_says_what_was_given_and_is_left(tea: Path, cli: Cli) -> None:
    code, said, _ = cli("pricing", "budget", "--shop", tea, *AT)
    assert code == 0
    assert "0 discounts stood within 28 days" in said
    assert "The next decision may give away 1,000.00 of 1,000.00." in said
    assert json.loads(cli("pricing", "budget", "--shop", tea, *AT, "--json")[1])["left"] == 1000.0


def test_suggestions_need_a_model(tea: Path, cli: Cli) -> None:
    code, _, wrong = cli("pricing", "suggest", "--shop", tea, *AT)
    assert code == 8
    assert "regulars learn pricing" in wrong


def test_competitors_from_the_file_to_the_index(tea: Path, cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "seen.csv"
    file.write_text(
        "product,competitor,price,seen_at,source,title\ntea,Leaf,8.00,2026-10-30,web,\n"
        "x1,Leaf,28.00,2026-10-30,web,Iron pot\ntea,Kettle,0,2026-10-30,web,\n"
    )
    code, said, wrong = cli("pricing", "competitors", "import", file, "--shop", tea, *AT)
    assert code == 0
    assert "2 added, 0 known already, 1 refused; 1 matches wait" in said
    assert "nobody sells for nothing" in wrong
    (match,) = json.loads(cli("pricing", "competitors", "matches", "--shop", tea, "--json")[1])
    assert match["product_id"] == "pot"


def test_the_law_is_printed_with_its_words_and_sources(cli: Cli) -> None:
    code, said, _ = cli("pricing", "law", "--country", "US", "--region", "NY", "--as-of", "2026-11-24")
    assert code == 0
    assert "THIS PRICE WAS SET BY AN ALGORITHM USING YOUR PERSONAL DATA." in said
    found = json.loads(cli("pricing", "law", "--json")[1])
    assert {"EU", "US-NY", "CN"} <= {row["place"] for row in found["rows"]}
