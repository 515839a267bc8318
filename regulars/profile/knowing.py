"""What is known of one customer beside features, and why each other thing is not."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow.compute as pc

from regulars.behaving import model_before
from regulars.profile import tallies, traits
from regulars.profile.base import HABITS, Base, Usual, column
from regulars.profile.levels import Source, known_of
from regulars.profile.needs import why_absent
from regulars.profile.telling import Known, NextCategory
from regulars.profile.written import Question, answers

if TYPE_CHECKING:
    from regulars.shop import Shop

ACTED_ON = {"hour": "timed_acts", "weekday": "active_days", "channel": "channel_days"}
GONE = {
    "en": "the last order is longer ago than nineteen in twenty of such pauses last",
    "zh": "距上次下单太久：这样的间隔二十次中有十九次更短",
}
NEITHER = {"en": "needs the price level or the discount affinity", "zh": "需要价格水平或折扣偏好"}


def known_of_one(shop: Shop, source: Source, base: Base, language: str) -> tuple[Known, dict[str, str], float]:
    """What is known of the one customer of a source.

    Returns
    -------
    known; {prediction: why it cannot be made}; the days with an order.
    """
    asking = _Asking(shop, source, base, language)
    interests = asking.interests()
    gaps, level, discounts = asking.gaps(), asking.price_level(), asking.discounts()
    sensitivity = traits.sensitivity(level, discounts)
    if sensitivity is None:
        asking.why["price_sensitivity"] = NEITHER[language]
    known = Known(
        interests=interests,
        habits=asking.habits(),
        price_level=level,
        discounts=discounts,
        sensitivity=sensitivity,
        next_order=asking.next_order(gaps),
        next_category=asking.next_category(interests.get("category", [])),
    )
    return known, asking.why, float(gaps.get("order_days", 0))


def in_one_language(found: list[traits.Interest], language: str) -> list[traits.Interest]:
    """Interests without those that say the same of the same products in another language ("pink" and 粉色).

    >>> pink, chinese = (traits.Interest(name, 0.2, 0.1, 0.3, 0.1, 0.9, 2, 3, 5.0) for name in ("pink", "粉色"))
    >>> [each.name for each in in_one_language([pink, chinese], "zh")]
    ['粉色']
    """
    own = {each._replace(name="") for each in found if _is_chinese(each.name) == (language == "zh")}
    return [each for each in found if _is_chinese(each.name) == (language == "zh") or each._replace(name="") not in own]


def _is_chinese(name: str) -> bool:
    return any("\u4e00" <= sign <= "\u9fff" for sign in name)


class _Asking:
    """Asks for one thing after another, and keeps why what cannot be told cannot."""

    def __init__(self, shop: Shop, source: Source, base: Base, language: str) -> None:
        self.shop, self.source, self.base, self.language = shop, source, base, language
        self.why: dict[str, str] = {}
        questions: dict[str, Question] = {"habits": tallies.habits, "gaps": tallies.gaps}
        if base.kinds:
            questions["interests"] = tallies.interests
        if base.prices is not None or base.discounts is not None:
            questions["prices"] = tallies.prices
        found = answers(shop.engine, source, list(questions.values()))
        self._found = dict(zip(questions, found, strict=True))
        self._prices = self._one("prices")
        self._occasions: dict[str, float] = {}

    def _one(self, question: str) -> dict[str, Any]:
        rows = self._found[question].to_pylist() if question in self._found else []
        return rows[0] if rows else {}

    def _may(self, prediction: str, **has: float) -> bool:
        reason = why_absent(prediction, {**self.base.counts, **has}, self.language)
        if reason is not None:
            self.why[prediction] = reason
        return reason is None

    def interests(self) -> dict[str, list[traits.Interest]]:
        found = {}
        for kind in tallies.KINDS:
            usual = self.base.kinds.get(kind)
            if usual is None:
                self._may(f"{kind}_interests")
                continue
            rows = self._found["interests"]
            rows = rows.filter(pc.equal(rows["kind"], kind))
            self._occasions[kind] = float(rows["all_occasions"][0].as_py()) if rows.num_rows else 0.0
            if self._may(f"{kind}_interests", occasions=self._occasions[kind], shop_kinds=len(usual.share)):
                found[kind] = traits.interests(rows, usual)
        if "style" in found:
            found["style"] = in_one_language(found["style"], self.language)
        return found

    def habits(self) -> dict[str, traits.Preference]:
        rows = self._found["habits"].sort_by([("habit", "ascending"), ("name", "ascending")])
        found = {}
        for habit in HABITS:
            own = rows.filter(pc.equal(rows["habit"], habit))
            days = column(own, "days")
            if self._may(f"preferred_{habit}", **{ACTED_ON[habit]: float(days.sum())}) and habit in self.base.habits:
                usual = self.base.habits[habit]
                found[habit] = traits.preference(habit, own["name"].to_pylist(), days.tolist(), usual)
        return found

    def gaps(self) -> dict[str, Any]:
        return self._one("gaps")

    def next_order(self, gaps: dict[str, Any]) -> traits.NextOrder | None:
        pauses = self.base.pauses
        if not self._may("next_order", order_days=gaps.get("order_days", 0)) or pauses is None:
            return None
        found = traits.next_order(gaps, pauses, self._as_of)
        if found is None:
            self.why["next_order"] = GONE[self.language]
        return found

    @property
    def _as_of(self) -> datetime:
        return self.source.last

    def price_level(self) -> traits.PriceLevel | None:
        orders, levels = self._prices.get("compared_orders", 0), self.base.prices
        if not self._may("price_level", compared_orders=orders) or levels is None:
            return None
        return traits.price_level(orders, self._prices["level_sum"], levels)

    def discounts(self) -> traits.Discounts | None:
        orders, usual = self._prices.get("listed_orders", 0), self.base.discounts
        if not self._may("discount_affinity", listed_orders=orders) or usual is None:
            return None
        return traits.discount_affinity(orders, self._prices["discounted_sum"], usual)

    def next_category(self, interests: list[traits.Interest]) -> NextCategory | None:
        usual = self.base.kinds.get("category", Usual({}, 1.0))
        occasions = self._occasions.get("category", 0.0)
        if not self._may("next_category", occasions=occasions, shop_kinds=len(usual.share)):
            return None
        shares, by = self._by_behavior(), "behavior"
        if not shares:
            shares, by = {each.name: each.share for each in interests}, "interests"
        name = max(sorted(shares), key=lambda each: shares[each])
        return NextCategory(name, round(shares[name], 4), round(usual.share.get(name, 0.0), 4), by)

    def _by_behavior(self) -> dict[str, float]:
        """What the behaviour model expects to be ordered next, by category; empty where there is no model."""
        kept = model_before(self.shop, self._as_of)
        if kept is None:
            return {}
        from regulars import behavior  # noqa: PLC0415

        pairs, categories = answers(self.shop.engine, self.source, [_who, _categories])
        following = behavior.next_products(self.shop, pairs, len(kept.model.vocabulary.products), model=kept.model)
        named = following.join(categories, "product_id", join_type="inner")
        sums = named.group_by("category").aggregate([("probability", "sum")])
        whole = pc.sum(sums["probability"]).as_py() or 1.0
        return {row["category"]: row["probability_sum"] / whole for row in sums.to_pylist()}


def _who(source: Source) -> ibis.Table:
    return source.pairs.select("customer_id", "as_of")


def _categories(source: Source) -> ibis.Table:
    return known_of(source, "category").select("product_id", "category")
