"""Lists keep to the caps, are as diverse as asked for, and hold no product twice, whatever the ranker likes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars import Shop
from regulars.config import RecommendSettings
from regulars.errors import ConfigError
from regulars.recommend.layout import Caps, arranged
from regulars.recommend.shelf import Shelf
from regulars.rules import RuleError
from regulars.serve.live.rules import Rules

MAY = datetime(2024, 5, 1, tzinfo=UTC)


@given(
    st.integers(1, 12).flatmap(
        lambda width: st.tuples(
            st.lists(st.permutations(range(1, 13)).map(lambda p: p[:width]), min_size=1, max_size=4),
            st.integers(1, 14),
            st.lists(st.integers(-1, 3), min_size=13, max_size=13),
            st.integers(1, 4),
            st.sampled_from([0.0, 0.3, 0.9, 1.0]),
        )
    )
)
def test_lists_keep_to_caps_and_hold_each_product_once(
    case: tuple[list[list[int]], int, list[int], int, float],
) -> None:
    ranked, k, groups, most, diversity = case
    group = np.array(groups)
    group[0] = -1
    vectors = np.eye(13, 4, dtype=np.float32)
    found = arranged(np.array(ranked), k, vectors, Caps.of([(group, most)]), diversity)
    for row, given_ in zip(found, ranked, strict=True):
        shown = row[row > 0]
        assert len(set(shown.tolist())) == len(shown)
        assert set(shown.tolist()) <= set(given_)
        counts = np.bincount(group[shown][group[shown] >= 0], minlength=1)
        assert counts.max() <= most
        # Nothing that could still be shown is held back.
        possible = [p for p in given_ if p not in shown and (group[p] < 0 or (group[shown] == group[p]).sum() < most)]
        assert len(shown) == k or len(shown) == len(given_) or not possible


def test_without_a_wish_the_order_is_the_rankers() -> None:
    ranked = np.array([[3, 1, 2], [2, 3, 0]])
    assert arranged(ranked, 2, np.zeros((4, 2), np.float32), Caps.of()).tolist() == [[3, 1], [2, 3]]


def test_the_more_diverse_a_list_is_to_be_the_more_it_is() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(41, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ranked = np.arange(1, 41)[None]

    def likeness(diversity: float) -> float:
        chosen = vectors[arranged(ranked, 8, vectors, Caps.of(), diversity)[0]]
        return float((chosen @ chosen.T - 9 * np.eye(8)).max(axis=1).mean())

    found = [likeness(share) for share in (0.0, 0.3, 0.8)]
    assert found[0] > found[1] > found[2]


def order(product: str, **about: Any) -> dict[str, Any]:
    return {
        "type": "order_completed", "customer_id": "ada", "time": "2024-04-01T10:00:00Z", "product_id": product,
        "order_id": product, "unit_price": 4, **about,
    }  # fmt: skip


@pytest.fixture
def tea(shop: Shop, record: Callable[..., Any]) -> Shop:
    record(shop, order("pot", category="pots", brand="Nord"), order("cup", category="cups"), order("tin"))
    return shop


def with_setting(shop: Shop, line: str) -> Shop:
    path = shop.folder / "shop.toml"
    path.write_text(
        path.read_text() + f"\n[recommend]\n{line}\n"
        if "[recommend]" not in path.read_text()
        else path.read_text().replace("[recommend]", f"[recommend]\n{line}")
    )
    return Shop.open(shop.folder)


def test_what_a_rule_excludes_may_not_be_shown(tea: Shop) -> None:
    products = ["cup", "pot", "tin", "gone"]
    assert Shelf.of(tea, products, MAY).allowed.tolist() == [False, True, True, True, True]
    shelf = Shelf.of(with_setting(tea, "exclude = [\"category = 'pots'\"]"), products, MAY)
    # Of what nothing is known a rule is not true.
    assert shelf.allowed.tolist() == [False, True, False, True, True]
    assert shelf.shown_to(None, "category = 'cups'").tolist() == [False, True, False, False, False]
    assert shelf.shown_to("ada", "category = 'pots' or brand = 'Nord'").sum() == 0


def test_a_rule_that_cannot_be_read_is_named_with_its_place(tea: Shop, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"\[recommend\] exclude\[0\]: line 1, column 1 of the rule: there is no column"
    ):
        Shelf.of(with_setting(tea, 'exclude = ["colour = 3"]'), ["pot"], MAY)
    with pytest.raises(RuleError, match="There are: brand, category"):
        Shelf.of(tea, ["pot"], MAY).shown_to(None, "colour = 'red'")


def test_what_is_boosted_stands_further_up_in_lists_of_all_kinds(tea: Shop) -> None:
    products = ["cup", "pot", "tin", "gone"]
    shelf = Shelf.of(with_setting(tea, "boost = [\"2: category = 'pots'\"]"), products, MAY)
    ranked, vectors = np.array([[1, 4, 3, 2], [2, 1, 3, 4]]), np.zeros((5, 1), np.float32)
    assert shelf.laid_out(ranked, 3, vectors, np.zeros(5, bool), shelf.allowed).tolist() == [[1, 2, 4], [2, 1, 3]]
    live = Rules(shelf, {name: number for number, name in enumerate(products, 1)}, np.zeros(5, bool))
    assert live.laid_out(["cup", "gone", "tin", "pot"], 3, "ada") == ["cup", "pot", "gone"]


def test_what_is_for_adults_is_shown_to_known_adults_alone(tea: Shop, record: Callable[..., Any]) -> None:
    for customer, age in (("ada", 44), ("bob", 12)):
        said = {"type": "customer_identified", "customer_id": customer, "time": "2024-04-02T10:00:00Z"}
        record(tea, {**said, "properties.age": age})
    shelf = Shelf.of(with_setting(tea, "adults_only = \"category = 'pots'\""), ["cup", "pot"], MAY)
    assert shelf.shown_to("ada").tolist() == [False, True, True]
    for other in ("bob", "eve", None):
        assert shelf.shown_to(other).tolist() == [False, True, False]
        assert shelf.shown_to(other, "category = 'pots'").sum() == 0


def test_margin_is_a_rule_like_any_other(shop: Shop, record: Callable[..., Any]) -> None:
    record(shop, order("pot", list_price=10, unit_cost=9), order("cup", list_price=10, unit_cost=4), order("tin"))
    shelf = Shelf.of(with_setting(shop, 'exclude = ["list_price - unit_cost < .2 * list_price"]'), ["pot", "cup"], MAY)
    assert shelf.allowed.tolist() == [False, False, True]


@given(st.permutations(range(1, 13)), st.integers(1, 12), st.sets(st.integers(1, 12)), st.integers(0, 6))
def test_so_many_places_are_of_new_products_as_far_as_there_are_any(
    wide: list[int], k: int, new: set[int], places: int
) -> None:
    is_new = np.isin(np.arange(13), list(new))
    nothing = np.zeros((13, 1), np.float32)
    found = arranged(np.array([wide]), k, nothing, Caps.of(), is_new=is_new, fresh=places)[0].tolist()
    assert len(set(found)) == k
    assert is_new[found].sum() == max(min(places, len(new), k), is_new[wide[:k]].sum())
    # Of both kinds those that the ranker likes best, in its order.
    for kind in (new, set(wide) - new):
        shown = [product for product in found if product in kind]
        assert shown == [product for product in wide if product in kind][: len(shown)]


def test_caps_count_what_is_pinned_and_hold_for_what_is_new() -> None:
    nothing, is_new = np.zeros((6, 1), np.float32), np.arange(6) >= 4
    caps = Caps.of([(np.array([-1, 7, 7, 8, 8, 9]), 1)])
    assert arranged(np.array([[1, 2, 3, 4, 5]]), 3, nothing, caps, pinned=1).tolist() == [[1, 3, 5]]
    assert arranged(np.array([[3, 1, 4, 5]]), 3, nothing, caps, is_new=is_new, fresh=1).tolist() == [[3, 1, 5]]
    # What the shop pins it pins, whatever the caps say.
    assert arranged(np.array([[1, 2, 3, 5]]), 4, nothing, caps, pinned=2).tolist() == [[1, 2, 3, 5]]


def test_places_for_new_products_are_kept_behind_what_is_pinned(tea: Shop) -> None:
    shelf = Shelf.of(with_setting(tea, 'pin = ["tin"]\nfresh = 1'), ["cup", "pot", "tin", "gone"], MAY)
    ranked, is_new = np.array([[1, 2, 3, 4]]), np.arange(5) == 4
    assert shelf.laid_out(ranked, 3, np.zeros((5, 1), np.float32), is_new, shelf.allowed).tolist() == [[3, 1, 4]]


def test_what_a_live_list_draws_keeps_to_the_caps(tea: Shop) -> None:
    products = ["cup", "pot", "tin", "gone"]
    shelf = Shelf.of(with_setting(tea, "most_per_brand = 1"), products, MAY)
    live = Rules(shelf, {name: number for number, name in enumerate(products, 1)}, np.zeros(5, bool))
    assert live.beside(["pot"], ["cup", "pot", "new"]) == ["cup", "new"]


def test_rules_can_be_tried_that_are_not_kept(tea: Shop) -> None:
    tried = RecommendSettings(exclude=("category = 'pots'",))
    assert Shelf.of(tea, ["cup", "pot"], MAY, tried).allowed.tolist() == [False, True, False]
    assert Shelf.of(tea, ["cup", "pot"], MAY).allowed.tolist() == [False, True, True]
