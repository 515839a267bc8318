"""Why a product is shown: a fact for each line, from a fixed set, never invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from regulars.behavior.sequences import DAY
from regulars.recommend.candidates import Floats, Ints
from regulars.recommend.model import Ranked, RecommendModel
from regulars.recommend.past import Past
from regulars.recommend.sources import Covisitation, Nearest
from regulars.recommend.sources.content import HALF_LIFE_DAYS
from regulars.recommend.sources.covisitation import ASKED_HALF_LIFE_DAYS

OF_SOURCE = {
    "own": ("times_had", "had_recently", "days_since_had", "interval_share"),
    "content": ("attribute_share",),
    "popular": (
        "product_sold_recently",
        "product_sold",
        "product_customers",
        "product_rise",
        "product_days_since_sold",
    ),
}
"""Features that speak for a source, beside its score and its place."""

WORDS = {
    "en": {
        "again": "You bought it {times} times, last {days} days ago.",
        "once": "You bought it {days} days ago.",
        "looked": "You looked at it {days} days ago.",
        "covisitation": "Others who chose “{title}” chose this too.",
        "content": "It is like “{title}”, which you chose before.",
        "content_of": "It is like “{title}”.",
        "covisitation_of": "It is bought together with “{title}”.",
        "factors": "Customers with a taste like yours chose it.",
        "behavior": "It often comes next after what you did last.",
        "new_in": "New in {category}, of which you choose most.",
        "popular_with": "Many who like {category} best choose it these weeks.",
        "because_viewed": "It is like “{title}”, which you looked at.",
        "popular": "Many choose it these weeks.",
        "worth": "Many who look at it order it, or it is worth much to the shop.",
        "pinned": "Chosen by the shop.",
        "chance": "Shown by chance, to learn whether it is liked.",
        "unprofiled": "Many choose it these weeks. This list does not look at what you did.",
    },
    "zh": {
        "again": "您买过它{times}次，最近一次在{days}天前。",
        "once": "您在{days}天前买过它。",
        "looked": "您在{days}天前看过它。",
        "covisitation": "选了“{title}”的顾客也选了它。",
        "content": "它与您选过的“{title}”相似。",
        "content_of": "它与“{title}”相似。",
        "covisitation_of": "它常与“{title}”一起购买。",
        "factors": "与您喜好相近的顾客选了它。",
        "behavior": "在您最近的选择之后，它常常是下一个。",
        "new_in": "{category}的新品，您选得最多的类别。",
        "popular_with": "最近很多偏爱{category}的顾客选它。",
        "because_viewed": "它与您看过的“{title}”相似。",
        "popular": "最近很多顾客选它。",
        "worth": "看过它的顾客很多会下单，或者它对本店很有价值。",
        "pinned": "本店精选。",
        "chance": "随机展示，以了解它是否受欢迎。",
        "unprofiled": "最近很多顾客选它。此列表不参考您的行为。",
    },
}
"""What a line can say, by language."""


@dataclass(frozen=True)
class Lines:
    """Lines of lists: which candidates stand in them.

    Attributes
    ----------
    candidate : (l,) numbers into the candidates.
    """

    ranked: Ranked
    candidate: Ints

    @classmethod
    def of(cls, ranked: Ranked, customer: Ints, product: Ints) -> Lines:
        """By customers (as numbers into the past) and products, each of which must be a candidate."""
        found = ranked.candidates
        width = int(found.product.max(initial=0)) + 1
        return cls(ranked, np.searchsorted(found.customer * width + found.product, customer * width + product))


def shares(model: RecommendModel, lines: Lines) -> tuple[list[str], npt.NDArray[np.float64]]:
    """How much of each line's place each source explains: the exact SHAP values of its features, added up.

    Returns
    -------
    names (s,), and (l, s); above 0 speaks for the product. What no source stands behind is left out.
    """
    moved = model.ranker.contributions(lines.ranked.features[lines.candidate])
    place = {name: number for number, name in enumerate(model.names)}
    sources = [name.removeprefix("score_") for name in model.names if name.startswith("score_")]
    found = np.stack(
        [
            moved[
                :, [place[f"score_{name}"], place[f"place_{name}"], *(place[n] for n in OF_SOURCE.get(name, ()))]
            ].sum(1)
            for name in sources
        ],
        axis=1,
    )
    return sources, found


def reasons(
    model: RecommendModel,
    past: Past,
    lines: Lines,
    titles: Sequence[str | None],
    language: str,
    new_in: Sequence[str | None],
) -> list[str]:
    """One sentence for each line: the fact of the source that speaks most for it, among those that named it.

    Parameters
    ----------
    past : of the customers of the lines.
    titles : (products + 1,) by number; None where a product has none: it is called by its id.
    language : "en" or "zh".
    new_in : (l,) of a product that is new in the category that its customer likes best, that category; else None.
    """
    words = WORDS[language]
    sources, share = shares(model, lines)
    found = lines.ranked.candidates
    named = found.places[lines.candidate] > 0
    best = np.where(named, share, -np.inf).argmax(axis=1)
    customer, product = found.customer[lines.candidate], found.product[lines.candidate]
    times, since = _own(past, customer, product)
    because = np.zeros(len(best), np.int64)
    for number, name in enumerate(sources):
        if name in ("covisitation", "content"):
            inside = np.flatnonzero(best == number)
            because[inside] = _because(model.sources[number], past, customer[inside], product[inside])
    said = []
    for line, number in enumerate(best.tolist()):
        name = sources[number]
        if name == "own":
            key = ("looked", "once", "again")[min(int(times[line]), 2)]
            said.append(words[key].format(times=int(times[line]), days=int(since[line])))
        elif (category := new_in[line]) is not None and name in ("content", "popular"):
            said.append(words["new_in"].format(category=category))
        elif name in ("covisitation", "content"):
            of = int(because[line])
            title = titles[of] or (past.vocabulary.products[of - 1] if of else None)
            said.append(words[name].format(title=title) if title else words["factors"])
        else:
            said.append(words[name])
    return said


def _own(past: Past, customer: Ints, product: Ints) -> tuple[Ints, Floats]:
    """How often a customer bought each product, and how many days ago; of who never did, days since the last event."""
    events = past.with_product
    width = past.products + 1
    key = events.customer * width + events.product
    asked, back = np.unique(customer * width + product, return_inverse=True)
    at = np.minimum(np.searchsorted(asked, key), len(asked) - 1)
    is_asked = asked[at] == key
    at, age = at[is_asked], ((past.now - events.time[is_asked]) / DAY).astype(np.float32)
    is_bought = events.is_bought[is_asked]
    times = np.bincount(at[is_bought], minlength=len(asked))
    since = np.full(len(asked), np.inf, np.float32)
    told = is_bought | (times[at] == 0)
    np.minimum.at(since, at[told], age[told])
    return times[back], since[back]


def _because(source: object, past: Past, customer: Ints, product: Ints) -> Ints:
    """(l,) the product of the customer's past that speaks most for each line, by a source; 0 for none."""
    if isinstance(source, Covisitation):
        had, near = past.matrix(ASKED_HALF_LIFE_DAYS), source.near
        asked = had.indptr, had.indices, np.sqrt(had.data)
        return _nearest(customer, product, *asked, near.indptr, near.indices, near.data)
    if isinstance(source, Nearest):
        had = past.matrix(HALF_LIFE_DAYS)
        return _likest(customer, product, had.indptr, had.indices, had.data, source.vectors)
    raise TypeError(f"{type(source).__name__} does not say because of what")


@numba.njit(cache=True)
def _nearest(
    customer: Ints, product: Ints, starts: Any, items: Any, weights: Any, rows: Any, columns: Any, values: Any
) -> Ints:
    found = np.zeros(len(customer), np.int64)
    for line in range(len(customer)):
        best = 0.0
        for k in range(starts[customer[line]], starts[customer[line] + 1]):
            low, high = rows[items[k]], rows[items[k] + 1]
            at = low + np.searchsorted(columns[low:high], product[line])
            if at < high and columns[at] == product[line] and weights[k] * values[at] > best:
                best = weights[k] * values[at]
                found[line] = items[k]
    return found


@numba.njit(cache=True)
def _likest(customer: Ints, product: Ints, starts: Any, items: Any, weights: Any, vectors: Floats) -> Ints:
    found = np.zeros(len(customer), np.int64)
    for line in range(len(customer)):
        best = 0.0
        for k in range(starts[customer[line]], starts[customer[line] + 1]):
            like = weights[k] * np.dot(vectors[items[k]], vectors[product[line]])
            if like > best:
                best = like
                found[line] = items[k]
    return found
