"""Delivery: caps and gaps hold over channels, who is excluded is, places are safe, creatives rotate."""

from __future__ import annotations

import itertools
import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.ads.delivery import (
    BrandSafety,
    Cap,
    Creative,
    DayParts,
    Exposures,
    Placement,
    Rotation,
    context,
    excluded,
)
from regulars.ads.delivery.context import FEATURES
from regulars.errors import InputError, NotFoundError

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@given(st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(["a", "b"])), max_size=60), st.integers(0, 4))
@settings(max_examples=50)
def test_no_person_sees_more_than_the_cap_in_any_window(shown: list[tuple[int, str]], most: int) -> None:
    exposures = Exposures([Cap(most, DAY), Cap(2, timedelta(hours=6), "a")], gap=timedelta(minutes=7))
    times: list[tuple[datetime, str]] = []
    for minutes, campaign in sorted(shown):
        at = NOON + timedelta(minutes=minutes)
        if exposures.refusal("ada", campaign, at) is None:
            exposures.add("ada", campaign, at)
            times.append((at, campaign))
    for end, _ in times:
        assert sum(end - DAY < when <= end for when, _ in times) <= most
        assert sum(end - timedelta(hours=6) < when <= end and of == "a" for when, of in times) <= 2
    assert all(later - sooner >= timedelta(minutes=7) for (sooner, _), (later, _) in itertools.pairwise(times))


def test_a_lost_bid_does_not_count() -> None:
    exposures = Exposures([Cap(1, DAY)])
    exposures.add("ada", "a", NOON)
    assert exposures.refusal("ada", "b", NOON) == "shown 1 of 1 times within 24 hours"
    exposures.take_back("ada", "a", NOON)
    exposures.take_back("ada", "a", NOON)
    assert exposures.refusal("ada", "b", NOON) is None
    assert exposures.refusal("bob", "b", NOON) is None


def test_what_the_law_forbids_is_told_first() -> None:
    found, why = excluded(2, {"bought": [True, False], "minor": [True, False], "fraud": [False, False]})
    assert found.tolist() == [True, False]
    assert why == ["is not of age: no profiling for ads", None]
    with pytest.raises(InputError, match="no exclusion poor"):
        excluded(2, {"poor": [True, True]})
    with pytest.raises(InputError, match=r"\(2,\)"):
        excluded(2, {"fraud": [True]})


def test_only_listed_domains_where_there_is_a_list() -> None:
    safe = BrandSafety("tea.example", only_domains=("news.example",))
    assert safe.refusal(Placement("sport.news.example")) is None
    assert safe.refusal(Placement("notnews.example")) is not None
    assert safe.refusal(Placement(None)) is not None
    assert "blocks tea.example" in str(
        BrandSafety("tea.example").refusal(Placement("x.example", blocked_advertisers=("TEA.example",)))
    )


def test_a_creative_without_a_product_is_refused() -> None:
    with pytest.raises(InputError, match=r'creative "red" has no product_id\. Name the product'):
        Creative("red", "spring", "")
    with pytest.raises(InputError, match="not of campaign spring"):
        Rotation("spring", [Creative("red", "summer", "tea"), Creative("blue", "spring", "tea")])


def test_a_context_decides_between_creatives() -> None:
    rotation = Rotation("s", [Creative("a", "s", "tea"), Creative("b", "s", "tea")], features=2, explore=0.1)
    for number in range(400):
        context = (1.0, 1.0 if number % 2 else -1.0)
        pick = rotation.pick(context, at=NOON)
        liked = (pick.creative.creative_id == "a") == (context[1] > 0)
        rotation.seen(rotation.shown(pick, at=NOON), clicked=liked, at=NOON)
    assert rotation.chances((1.0, 1.0))["a"] > 0.8
    assert rotation.chances((1.0, -1.0))["b"] > 0.8


def clicked_at(rotation: Rotation, shares: dict[str, float], rounds: int, seed: int = 0) -> None:
    """Show creatives, each of which is clicked so often, on phones and desktops at all hours."""
    rng = random.Random(seed)
    for _ in range(rounds):
        at = NOON + timedelta(hours=rng.randrange(24))
        pick = rotation.pick(context(at, device=rng.choice(("phone", "desktop"))), at=NOON)
        clicked = rng.random() < shares[pick.creative.creative_id]
        rotation.seen(rotation.shown(pick, at=NOON), clicked=clicked, at=NOON)


def test_a_new_creative_gets_its_share_and_what_comes_of_it_decides() -> None:
    names = ("a", "b", "new", "worse")
    creatives = {name: Creative(name, "s", "tea") for name in names}
    rotation = Rotation("s", [creatives["a"], creatives["b"]], features=FEATURES, click_share=0.02)
    shares = {"a": 0.02, "b": 0.02, "new": 0.06, "worse": 0.0}
    clicked_at(rotation, shares, 3000)
    usual = context(NOON, device="phone")
    rotation.add(creatives["new"])
    assert rotation.chances(usual)["new"] > 0.25
    clicked_at(rotation, shares, 3000, seed=1)
    assert rotation.chances(usual)["new"] > 0.6
    rotation.add(creatives["worse"])
    assert rotation.chances(usual)["worse"] > 0.2
    clicked_at(rotation, shares, 1500, seed=2)
    assert 0.01 < rotation.chances(usual)["worse"] < 0.1  # what is spread evenly keeps it in sight
    with pytest.raises(InputError, match="click_share = 2"):
        Rotation("s", list(creatives.values()), click_share=2)


def test_hours_before_and_after_midnight_are_alike() -> None:
    late, early, noon = (context(NOON.replace(hour=hour)) for hour in (23, 0, 12))
    assert math.dist(late, early) < math.dist(late, noon) / 5


def test_a_creative_that_was_not_shown_teaches_nothing() -> None:
    rotation = Rotation("s", [Creative("a", "s", "tea"), Creative("b", "s", "tea")])
    before = rotation.chances()
    for _ in range(50):
        assert 0 < rotation.pick(at=NOON).propensity <= 1
    assert rotation.settle(NOON + DAY) == 0
    assert rotation.chances() == before
    shown = rotation.shown(rotation.pick(at=NOON), at=NOON)
    assert rotation.settle(NOON + DAY) == 1
    assert not rotation.seen(shown, clicked=True, at=NOON + DAY)


def test_day_parts_stay_between_their_bounds_and_one_hour_says_little() -> None:
    parts = DayParts()
    assert parts.factors().tolist() == [1.0] * 168
    parts.learn(NOON, foreseen=0.1, came=5.0)
    assert 0.5 <= parts.factors().min() <= parts.factors().max() <= 1.5
    with pytest.raises(InputError, match="finite amounts"):
        parts.learn(NOON, foreseen=-1.0, came=0.0)


def test_creatives_have_whatever_names_platforms_give_them() -> None:
    rotation = Rotation("k:1", [Creative("a-1/b", "k:1", "tea"), Creative("c#2", "k:1", "tea")])
    rotation.add(Creative("d.3", "k:1", "pot"))
    rotation.retire("c#2")
    assert set(rotation.chances()) == {"a-1/b", "d.3"}
    assert {rotation.pick(at=NOON).creative.creative_id for _ in range(60)} == {"a-1/b", "d.3"}
    with pytest.raises(NotFoundError, match="shows no creative"):
        rotation.retire("c#2")


def test_a_cap_and_a_gap_end_to_the_minute() -> None:
    seen = Exposures([Cap(1, DAY)], gap=timedelta(minutes=10))
    seen.add("ada", "a", NOON)
    assert seen.refusal("ada", "a", NOON + timedelta(minutes=9)) == "shown 9 minutes ago, 10 must lie between"
    assert seen.refusal("ada", "a", NOON + timedelta(minutes=10)) == "shown 1 of 1 times within 24 hours"
    assert seen.refusal("ada", "a", NOON + DAY - timedelta(seconds=1)) is not None
    assert seen.refusal("ada", "a", NOON + DAY) is None
    assert (seen.count("ada", NOON), seen.count("ada", NOON + DAY), seen.count("bob", NOON)) == (1, 0, 0)


def test_a_gap_alone_looks_back_as_far_as_it_is_long() -> None:
    seen = Exposures([], gap=timedelta(hours=2))
    for minutes in (0, 30):
        seen.add("ada", "a", NOON + timedelta(minutes=minutes))
    assert seen.refusal("ada", "b", NOON + timedelta(minutes=149)) == "shown 119 minutes ago, 120 must lie between"
    assert seen.refusal("ada", "b", NOON + timedelta(minutes=150)) is None
    assert seen.count("ada", NOON + timedelta(minutes=121)) == 1


def test_a_cap_of_one_campaign_leaves_the_others_alone() -> None:
    seen = Exposures([Cap(1, DAY, "a"), Cap(3, DAY)])
    seen.add("ada", "a", NOON)
    seen.add("ada", "b", NOON)
    assert seen.refusal("ada", "a", NOON) == "shown 1 of 1 times within 24 hours"
    assert seen.refusal("ada", "b", NOON) is None
    seen.add("ada", "b", NOON)
    assert seen.refusal("ada", "b", NOON) == "shown 3 of 3 times within 24 hours"
    seen.take_back("ada", "a", NOON + DAY)  # not one that there was
    seen.take_back("eve", "a", NOON)
    assert seen.count("ada", NOON) == 3


@pytest.mark.parametrize(("most", "within", "gap"), [(-1, DAY, DAY), (1, timedelta(0), DAY), (1, DAY, -DAY)])
def test_a_cap_that_cannot_be_is_refused(most: int, within: timedelta, gap: timedelta) -> None:
    with pytest.raises(InputError, match=r"more than no time|no time or more"):
        Exposures([Cap(most, within)], gap=gap)


def test_a_cap_of_none_shows_nothing() -> None:
    assert Exposures([Cap(0, DAY)]).refusal("ada", "a", NOON) == "shown 0 of 0 times within 24 hours"
