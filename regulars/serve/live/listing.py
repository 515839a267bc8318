"""What to show now: what the live state names and what was decided at night, in one order, by the shop's rules."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from regulars.serve.live.decisions import Decision, Who, new_id

if TYPE_CHECKING:
    from regulars.serve.live.lists import LiveLists

Nightly = tuple[Sequence[str], Sequence[str]]

CONSTANT = 60.0
"""Of reciprocal rank fusion: Cormack, Clarke and Büttcher (2009), whose value it is."""
WIDER = 10
"""So many times as many are looked at, where rules leave too few."""
DRAWN_FROM = 10
"""Of so many that come next the last one is drawn, where it is."""
NOTHING: Nightly = ((), ())
PERSONAL, OF_ALL = "live and nightly lists, fused", "what most take up"


class Wish(NamedTuple):
    """What a list is to be.

    Attributes
    ----------
    personalised : whether what is known of the customer may be looked at.
    where : a rule over the catalogue; "" for all.
    without : products that are not to be in it.
    """

    who: Who
    k: int
    where: str = ""
    without: frozenset[str] = frozenset()
    personalised: bool = True


def recommend(here: LiveLists, wish: Wish, moment: datetime, *, explain: bool = False) -> dict[str, Any]:
    """A list, noted down.

    Raises
    ------
    RuleError
        If the filter cannot be read.
    """
    live, rules = here.live, here.rules.get()
    customer = live.aliases.get(wish.who.id, wish.who.id)
    objects = here.consents.forbids(customer, "profiling")
    is_personal = wish.personalised and not objects
    nightly = here.nightly(customer) if is_personal else NOTHING
    had = here.had.of(customer) if is_personal else {}
    for wide in (wish.k + DRAWN_FROM, WIDER * (wish.k + DRAWN_FROM)):
        named = live.candidates(customer if is_personal else "", wide, moment)
        places: tuple[dict[str, int], dict[str, int]] = (
            {each.product_id: place for place, each in enumerate(named, 1)},
            {product: place for place, product in enumerate(nightly[0], 1)},
        )
        products = rules.allowed(fused(places), customer, had, wish.where)
        if wish.without:
            products = [product for product in products if product not in wish.without]
        if len(products) >= wish.k or len(named) < wide:
            break
    name = new_id()
    shown = rules.laid_out(products, wish.k, customer)
    settings = here.shop.config.recommend
    share = settings.explore if is_personal and not set(shown[-1:]) & set(settings.pin) else 0.0
    propensity = explored(shown, rules.beside(shown[:-1], products), wish.k, share, random.Random(name))
    by_live = {each.product_id: each for each in named}
    at_night = dict(zip(*nightly, strict=False))
    lines = []
    for rank, product in enumerate(shown, 1):
        found = by_live.get(product)
        why = found.reason if found is not None else at_night.get(product, "")
        line = {"rank": rank, "product_id": product, **rules.about(product), "reason": why}
        line["chance"] = None if found is None else round(found.chance, 6)
        if explain:
            line["places"] = {"live": places[0].get(product), "nightly": places[1].get(product)}
        lines.append(line)
    policy = PERSONAL if is_personal else OF_ALL
    here.decisions.note(
        Decision(
            name, "recommend", wish.who, "recommend", policy, propensity, [line["reason"] for line in lines],
            [customer, live.position, wish.k, wish.where], here.model_version,
            {"products": shown},
        ),
        moment, shown,
    )  # fmt: skip
    return {
        "recommendation_id": name, "customer_id": wish.who.customer_id, "anonymous_id": wish.who.anonymous_id,
        "personalised": is_personal, "note": "The customer objects to profiling." if objects else None,
        "policy": policy, "propensity": propensity, "products": lines,
    }  # fmt: skip


def fused(places: Sequence[dict[str, int]]) -> list[str]:
    """Products in one order, from their places in several.

    >>> fused([{"tea": 1, "pot": 2}, {"cup": 1, "tea": 2}])
    ['tea', 'cup', 'pot']
    """
    if not places[1]:
        return list(places[0])
    scores: dict[str, float] = {}
    for each in places:
        for product, place in each.items():
            scores[product] = scores.get(product, 0.0) + 1 / (CONSTANT + place)
    return sorted(scores, key=lambda product: (-scores[product], product))


def explored(shown: list[str], products: Sequence[str], k: int, share: float, draw: random.Random) -> float:
    """In a share of lists, put one of those that come next in the last place; the chance that it was this list.

    >>> shown = ["a", "b"]
    >>> explored(shown, ["a", "b", "c", "d"], 2, 1.0, random.Random(1)), shown[0], shown[1] in "cd"
    (0.5, 'a', True)
    """
    if not share or len(shown) < k:
        return 1.0
    there = set(shown)
    pool = [product for product in products if product not in there][:DRAWN_FROM]
    if not pool:
        return 1.0
    if draw.random() >= share:
        return 1.0 - share
    shown[-1] = pool[draw.randrange(len(pool))]
    return share / len(pool)
