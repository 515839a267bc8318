"""List prices that are suggested keep to the rule by which a category answers competitors, inside the guardrails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regulars import Shop
from regulars.pricing.competitor import ALL, Competitors, Response, Simulated, use
from regulars.pricing.products import Products
from regulars.pricing.suggesting import OPTIMAL, suggestions
from tests.pricing.conftest import T

Kinds = dict[str, Response]
THEIRS = [0.9, 0.97, 1.0, 1.02, 1.1, 0.5, None]
"""What a competitor asks over our own price, of one product after the other; None for nothing."""


@pytest.fixture
def compared(tea: Callable[..., Shop], tmp_path: Path) -> Callable[[Kinds], tuple[list[dict[str, Any]], Products]]:
    """compared({category: rule}): what is suggested where a competitor asks `THEIRS`, and the products."""
    shop = tea(max_change=0.2, min_margin=0.0, lowest=0.5, highest=2.0)
    products = Products.of(shop, T)
    rows = ["product,competitor,price,seen_at,source"]
    for number, (product, price) in enumerate(zip(products.ids, products.price.tolist(), strict=True)):
        over = THEIRS[number % len(THEIRS)]
        if over is not None:
            rows.append(f"{product},Leaf,{round(price * over) / 100:.2f},2026-10-30,web")
    path = tmp_path / "seen.csv"
    path.write_text("\n".join(rows))
    assert not Competitors(shop, products).import_(path).refused

    def suggested(rules: Kinds) -> tuple[list[dict[str, Any]], Products]:
        for category, rule in rules.items():
            use(shop.state, category, rule, Simulated(products.price, 0, 0, 0.0, 0.0, 0.0, 0.0), "mei")
        return suggestions(shop, T).to_pylist(), products

    return suggested


@pytest.mark.parametrize("rule", [Response("match"), Response("beat", 0.02)])
def test_where_a_competitor_asks_less_the_rule_is_kept_and_else_nothing_goes_above_it(
    compared: Callable[[Kinds], Any], rule: Response
) -> None:
    lines, products = compared({ALL: rule})
    seen = set()
    for line in lines:
        ours, asked = int(line["list_price"] * 100), int(line["suggested"] * 100)
        if line["competitor"] is None:
            assert line["policy"] == OPTIMAL
            continue
        theirs = int(line["competitor"] * 100)
        answer = int(theirs * (1 - rule.by))
        cost = int(products.cost[products.place[line["product_id"]]])
        if theirs < ours:
            # A fifth in a week is the most, counted from the highest of the week; and no less than the cost.
            week_high = int(products.week_high[products.place[line["product_id"]]])
            assert asked == max(answer, -(-week_high * 8 // 10), cost)
            assert line["policy"].startswith(f"{rule.kind} the lowest competitor")
            seen.add("less")
        else:
            assert asked <= max(theirs, ours)
            assert line["policy"] == OPTIMAL or asked == max(answer, ours)
            seen.add(line["policy"])
    assert len(seen) == 3  # an answer, the best price below theirs, and one that would have been above


def test_to_ignore_competitors_is_to_have_no_rule(compared: Callable[[Kinds], Any]) -> None:
    without, _ = compared({})
    assert {line["policy"] for line in without} == {OPTIMAL}
    assert compared({ALL: Response("ignore")})[0] == without


def test_the_rule_of_a_category_goes_before_that_of_all_others(compared: Callable[[Kinds], Any]) -> None:
    without = {line["product_id"]: line for line in compared({})[0]}
    lines, _ = compared({ALL: Response("match"), "Pots": Response("ignore"), "Cups": Response("beat", 0.05)})
    policies: dict[str, set[str]] = {}
    for line in lines:
        policies.setdefault(line["category"], set()).add(line["policy"])
        if line["category"] == "Pots":
            assert line["suggested"] == without[line["product_id"]]["suggested"]
    assert policies["Pots"] == {OPTIMAL}
    assert "beat the lowest competitor by 5%" in policies["Cups"]
    assert "match the lowest competitor" in policies["Tea"]
    assert "match the lowest competitor" not in policies["Cups"]
