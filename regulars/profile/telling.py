"""What is said of a customer, and what is left unsaid: a sentence for each thing that is known surely enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from regulars.language.verify import Fact
from regulars.profile.model import Norms
from regulars.profile.own import Evidence, Own
from regulars.profile.rhythm import LEVEL
from regulars.profile.tallies import ACTS, SHOPPING, WEIGHTS
from regulars.profile.traits import SURE, WINDOW, Discounts, Interest, NextOrder, Preference, PriceLevel
from regulars.profile.wording import STAGE_NAMES, STAGES, Sentence, Words

ORDERS = ("order_completed",)
MOST = 3
"""Interests of a kind that are said."""
WORTH_SAYING = 1.2
"""Times the shop's share; less, however sure, tells nothing of a customer."""
LEAST_APART = 0.05
"""A smaller difference in prices, however sure, is none."""
DAYS = 30
"""What is new is new within so many days."""
IN_WORDS = {
    "cooling": (Fact("three", 3, "customers"), Fact("four", 4, "customers")),
    "lapsed": (Fact("nineteen", 19, "customers"), Fact("twenty", 20, "customers")),
}
"""Numbers that the words of a stage hold."""


class NextCategory(NamedTuple):
    """What a customer chooses next, most likely.

    Attributes
    ----------
    by : "behavior" (the behaviour model) or "interests".
    """

    name: str
    share: float
    of_all: float
    by: str


@dataclass(frozen=True)
class Known:
    """All that is known of a customer beside features; what is not there cannot be told, or is no preference."""

    interests: Mapping[str, list[Interest]] = field(default_factory=dict)
    habits: Mapping[str, Preference] = field(default_factory=dict)
    price_level: PriceLevel | None = None
    discounts: Discounts | None = None
    sensitivity: str | None = None
    next_order: NextOrder | None = None
    next_category: NextCategory | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        order = self.next_order
        return {
            "interests": {kind: [each._asdict() for each in found] for kind, found in self.interests.items()},
            "habits": {habit: found._asdict() for habit, found in self.habits.items()},
            "price_level": self.price_level and self.price_level._asdict(),
            "discount_affinity": self.discounts and self.discounts._asdict(),
            "price_sensitivity": self.sensitivity,
            "next_order": order and order.to_dict(),
            "next_category": self.next_category and self.next_category._asdict(),
        }


@dataclass(frozen=True)
class Teller:
    """Who says it: in which language, by which measure, on which events.

    Attributes
    ----------
    zone : of the shop, for days.
    """

    words: Words
    measure: Norms
    own: Own
    zone: str

    def features(self, features: Mapping[str, float], stage: str, *, has_list_prices: bool = False) -> list[Sentence]:
        """Who this is, by features: each sentence is said only where its features are known.

        Parameters
        ----------
        has_list_prices : whether discounts are told by list prices; if not, by what products cost before.
        """
        say, own = self.words.say, self.own
        ordered = own.evidence(own.of_types(ORDERS))
        fact = Fact("stage", STAGES[self.words.language][stage], "words")
        everything = own.evidence(own.of_types(ACTS))
        said = [say("stage", [fact], ordered or everything, IN_WORDS.get(stage, ()))]
        if features.get("orders"):
            facts = [
                Fact("orders", features["orders"], "orders"), Fact("tenure", features["tenure_days"], "days"),
                Fact("recency", features["recency_days"], "days"),
            ]  # fmt: skip
            said.append(say("orders", facts, ordered))
            facts = [Fact("spend", features["spend"], "money")]
            above = self.measure.share_below("spend", features["spend"])
            facts += [Fact("above", above, "share")] if above else []
            said.append(say("spend_above" if above else "spend", facts, ordered))
        # Who placed all orders at one time has no pauses to tell of.
        if features.get("gap_mean_days", 0) >= 0.5 and "overdue" in features:
            late = features["overdue"]
            how = "overdue" if late > 1.5 else "about_due" if late > 0.8 else "not_due"
            said.append(say(how, [Fact("gap", features["gap_mean_days"], "days")], ordered))
        if features.get("refunded"):
            facts = [Fact("refunds", features["refunds"], "products"), Fact("refunded", features["refunded"], "money")]
            said.append(say("refunds", facts, own.evidence(own.of_types(["order_refunded"]))))
        if features.get("discount_share", 0) >= 0.3 and not has_list_prices:
            said.append(say("discounts", [Fact("share", features["discount_share"], "share")], ordered))
        if features.get("weekend_share", 0) >= 0.6:
            said.append(say("weekend", [], ordered))
        if features.get("devices", 0) >= 2 and "units_mean" in features:
            facts = [Fact("pieces", features["units_mean"], "pieces"), Fact("devices", features["devices"], "devices")]
            said.append(say("household", facts, own.evidence(own.having("device_id"))))
        return said

    def known(self, known: Known) -> list[Sentence]:
        """What is known surely enough to be said; the rest is in the page's tables, with its confidence."""
        return [
            *self._next_order(known.next_order),
            *(sentence for kind, found in known.interests.items() for sentence in self._interests(kind, found)),
            *self._next_category(known.next_category),
            *self._prices(known.price_level, known.discounts),
            *(sentence for habit, found in known.habits.items() for sentence in self._habit(habit, found)),
        ]

    def _next_order(self, found: NextOrder | None) -> list[Sentence]:
        if found is None:
            return []
        moments = {"expected": found.expected, "earliest": found.earliest, "latest": found.latest}
        facts = [Fact(name, self._day(moment), "date") for name, moment in moments.items()]
        evidence = self.own.evidence(self.own.of_types(ORDERS))
        return [self.words.say("next_order", [*facts, Fact("sure", LEVEL, "share")], evidence)]

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def _interests(self, kind: str, found: list[Interest]) -> list[Sentence]:
        sure = [
            each
            for each in found
            if each.confidence >= SURE and each.occasions >= 2 and each.share >= WORTH_SAYING * each.of_all
        ][:MOST]
        return [self.words.say(kind, _shares(each), self._choices(kind, each.name)) for each in sure]

    def _choices(self, kind: str, name: str) -> Evidence | None:
        of_kind = self.own.of_types(WEIGHTS)
        if kind != "style":
            of_kind &= self.own.saying(kind, name)
        else:
            of_kind &= self.own.with_style(name)
        return self.own.evidence(of_kind)

    def _next_category(self, found: NextCategory | None) -> list[Sentence]:
        if found is None:
            return []
        facts = [Fact("name", found.name, "text"), Fact("share", found.share, "share")]
        evidence = self.own.evidence(self.own.of_types(WEIGHTS))
        return [self.words.say("next_category", [*facts, Fact("of_all", found.of_all, "share")], evidence)]

    def _prices(self, level: PriceLevel | None, discounts: Discounts | None) -> list[Sentence]:
        said = []
        lines = self.own.of_types(ORDERS) & self.own.having("is_priced")
        apart = 0.0 if level is None else abs(level.level / level.of_all - 1)
        if level is not None and apart >= LEAST_APART and not 1 - SURE < level.confidence < SURE:
            about = "pays_less" if level.confidence >= SURE else "pays_more"
            evidence = self.own.evidence(lines & self.own.having("category"))
            said.append(self.words.say(about, [Fact("apart", apart, "share")], evidence))
        if discounts is not None and not 1 - SURE < discounts.confidence < SURE:
            about = "below_list" if discounts.confidence >= SURE else "at_list"
            evidence = self.own.evidence(lines & self.own.having("is_listed"))
            facts = [Fact("share", discounts.share, "share"), Fact("of_all", discounts.of_all, "share")]
            said.append(self.words.say(about, facts, evidence))
        return said

    def _habit(self, habit: str, found: Preference) -> list[Sentence]:
        if found.name is None:
            return []
        share = Fact("share", found.share, "share")
        acts = self.own.of_types(ACTS)
        if habit == "hour":
            begin = int(found.name)
            end = (begin + WINDOW["hour"]) % 24
            facts = [Fact("begin", begin, "hour"), Fact("end", end, "hour"), share]
            return [self.words.say(habit, facts, self.own.evidence(acts & self.own.having("is_timed")))]
        if habit == "weekday":
            return [self.words.say(habit, [Fact("day", int(found.name), "weekday"), share], self.own.evidence(acts))]
        evidence = self.own.evidence(self.own.of_types(SHOPPING) & self.own.saying("channel", found.name))
        return [self.words.say(habit, [Fact("name", found.name, "text"), share], evidence)]

    def changes(
        self, before: Mapping[str, float], after: Mapping[str, float], stages: tuple[str, str]
    ) -> list[Sentence]:
        """What is other than thirty days ago.

        Parameters
        ----------
        before, after : features as of thirty days ago, and now.
        stages : likewise.
        """
        say, own, days = self.words.say, self.own, Fact("days", DAYS, "days")
        recent = own.since(DAYS)
        said = []
        if stages[0] != stages[1]:
            names = stages if self.words.language == "en" else tuple(STAGE_NAMES[stage] for stage in stages)
            facts = [Fact("before", names[0], "words"), Fact("after", names[1], "words"), days]
            # A stage also changes when nothing happens: what it rests on then is the last order.
            said.append(say("was_stage", facts, own.evidence(own.of_types(ORDERS))))
        for about, name, unit, types in (
            ("more_orders", "orders_30d", "orders", ORDERS),
            ("more_spend", "spend_30d", "money", ORDERS),
            ("more_views", "views_30d", "views", ("product_viewed",)),
        ):
            was, now = before.get(name, 0.0), after.get(name, 0.0)
            if was != now or (name == "orders_30d" and now):
                facts = [Fact("after", now, unit), Fact("before", was, unit), days]
                said.append(say(about, facts, own.evidence(own.of_types(types) & own.since(2 * DAYS))))
        chosen = own.of_types(WEIGHTS)
        for kind in ("category", "brand"):
            first = own.first_in(kind, chosen, recent)
            said += [
                say("first_kind", [Fact("name", name, "text"), days], own.evidence(chosen & own.saying(kind, name)))
                for name in first[:MOST]
            ]
        return said or [say("nothing", [days], own.evidence(own.of_types(ACTS)))]


def _shares(found: Interest) -> list[Fact]:
    return [
        Fact("name", found.name, "text"), Fact("share", found.share, "share"), Fact("of_all", found.of_all, "share"),
    ]  # fmt: skip
