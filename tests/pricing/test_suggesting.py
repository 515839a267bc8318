"""List prices that are suggested keep to the rule by which a category answers competitors, inside the guardrails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.pricing.competitor import ALL, Competitors, Response, Simulated, use
from regulars.pricing.products import Products
from regulars.pricing.suggesting import OPTIMAL, suggestions, tries
from tests.pricing.conftest import T

Kinds = dict[str, Response]
Make = Callable[[Shop, datetime], pa.Table]
THEIRS = [0.9, 0.97, 1.0, 1.02, 1.1, 0.5, None]
"""What a competitor asks over our own price, of one product after the other; None for nothing."""


@pytest.fixture
def compared(tea: Callable[..., Shop], tmp_path: Path) -> Callable[..., tuple[list[dict[str, Any]], Products]]:
    """compared({category: rule}, make): what is suggested, or made else, where a competitor asks `THEIRS`, and the
    products."""
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

    def suggested(rules: Kinds, make: Make = suggestions) -> tuple[list[dict[str, Any]], Products]:
        for category, rule in rules.items():
            use(shop.state, category, rule, Simulated(products.price, 0, 0, 0.0, 0.0, 0.0, 0.0), "mei")
        return make(shop, T).to_pylist(), products

    return suggested


@pytest.mark.parametrize("rule", [Response("match"), Response("beat", 0.02)])
def test_where_a_competitor_asks_less_the_rule_is_kept_and_else_nothing_goes_above_it(
    compared: Callable[..., Any], rule: Response
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


def test_to_ignore_competitors_is_to_have_no_rule(compared: Callable[..., Any]) -> None:
    without, _ = compared({})
    assert {line["policy"] for line in without} == {OPTIMAL}
    assert compared({ALL: Response("ignore")})[0] == without


def test_the_rule_of_a_category_goes_before_that_of_all_others(compared: Callable[..., Any]) -> None:
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


@pytest.mark.parametrize("rule", [Response("match"), Response("beat", 0.02)])
def test_what_is_tried_keeps_to_the_rule_as_well(compared: Callable[..., Any], rule: Response) -> None:
    drawn = [partial(tries, salt="spring", block=block) for block in range(3)]

    def above(lines: list[dict[str, Any]], products: Products) -> list[str]:
        """What is asked more for than by a competitor, and than now."""
        return [
            line["product_id"]
            for line in lines
            if (over := THEIRS[products.place[line["product_id"]] % len(THEIRS)]) is not None
            and int(line["suggested"] * 100) > int(line["list_price"] * 100) * max(over, 1.0) + 1
        ]

    assert above(*compared({}, drawn[0]))
    answers = {line["product_id"]: line for line in compared({ALL: rule})[0]}
    for each in drawn:
        lines, products = compared({ALL: rule}, each)
        assert above(lines, products) == []
        for line in lines:
            over, answer = THEIRS[products.place[line["product_id"]] % len(THEIRS)], answers[line["product_id"]]
            if over is not None and over < 1:
                assert line["suggested"] == answer["suggested"]
                assert (line["propensity"], line["variance"], line["policy"]) == (1.0, 0.0, answer["policy"])
            else:
                assert line["policy"].startswith("Thompson sampling")
        assert len({round(line["propensity"], 6) for line in lines}) > 2
