"""Lists for customers: ranked, laid out by the shop's rules, filled, a little by chance, each line with its reason."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from regulars.recommend.candidates import Ints
from regulars.recommend.favourites import Favourites
from regulars.recommend.features import Products
from regulars.recommend.layout import Caps, has_room
from regulars.recommend.model import Ranked, RecommendModel
from regulars.recommend.past import Past
from regulars.recommend.reasons import WORDS, Lines, reasons
from regulars.recommend.shelf import SEEN, Shelf
from regulars.recommend.sources import Head, Nearest, Popular

DRAWN_FROM = 50
"""A product shown by chance is one of so many that come next in order."""


@dataclass(frozen=True)
class Lists:
    """Lists of some customers.

    Attributes
    ----------
    products : (n, k) by number, 0 where there is none.
    propensity : (n,) the chance that it was this list, (0, 1].
    by_chance : (n,) whether the last product was drawn.
    ranked : the candidates behind them; None where nothing of the customer was looked at.
    """

    products: Ints
    propensity: npt.NDArray[np.float64]
    by_chance: npt.NDArray[np.bool_]
    ranked: Ranked | None


def lists(
    model: RecommendModel,
    past: Past,
    products: Products,
    head: Head | None,
    shelf: Shelf,
    allowed: npt.NDArray[np.bool_],
    *,
    k: int | None = None,
    rng: np.random.Generator | None = None,
) -> Lists:
    """Lists for the customers of a past, of products that may be shown to them.

    Parameters
    ----------
    allowed : (products + 1,) what may be shown to these customers, see `Shelf.shown_to`.
    k : how many products; default as in shop.toml.
    rng : for what is shown by chance; without it nothing is.
    """
    k = k or shelf.settings.products
    barred = shelf.barred(past)
    ranked = without(model.rank(past, products, head, allowed), barred, past.products + 1)
    wide = ranked.top(max(SEEN, k + DRAWN_FROM))
    named = shelf.laid_out(wide, k, _vectors(model), products.is_new, allowed)
    if not named.all():
        _filled(named, model, shelf.caps, allowed, barred)
    propensity, by_chance = np.ones(len(named)), np.zeros(len(named), bool)
    if rng is not None and shelf.settings.explore:
        can = (named[:, -1] > 0) & ~np.isin(named[:, -1], shelf.pinned)
        _explore(named, wide, can, shelf.caps, propensity, by_chance, shelf.settings.explore, rng)
    return Lists(named, propensity, by_chance, ranked)


def lists_of_all(
    model: RecommendModel,
    products: Products,
    shelf: Shelf,
    allowed: npt.NDArray[np.bool_],
    customers: int,
    k: int | None = None,
) -> Lists:
    """The same list for so many customers: what most take up."""
    k = k or shelf.settings.products
    wide = _popular(model, allowed, max(SEEN, k))
    named = shelf.laid_out(wide[None], k, _vectors(model), products.is_new, allowed)
    if not named.all():
        _filled(named, model, shelf.caps, allowed, np.zeros(0, np.int64))
    named = np.repeat(named, customers, axis=0)
    return Lists(named, np.ones(len(named)), np.zeros(len(named), bool), None)


def _explore(
    named: Ints,
    wide: Ints,
    can: npt.NDArray[np.bool_],
    caps: Caps,
    propensity: npt.NDArray[np.float64],
    by_chance: npt.NDArray[np.bool_],
    share: float,
    rng: np.random.Generator,
) -> None:
    """In a share of the lists that can, draw the last product evenly among those that come next; chances beside."""
    row = np.arange(len(named))[:, None] * (int(max(wide.max(initial=0), named.max(initial=0))) + 1)
    is_next = (wide > 0) & ~np.isin(row + wide, row + named) & caps.room(named[:, :-1], wide)
    is_next &= np.cumsum(is_next, axis=1) <= DRAWN_FROM
    pool = is_next.sum(axis=1)
    can = can & (pool > 0)
    is_drawn = (rng.random(len(named)) < share) & can
    which = (rng.random(len(named)) * np.maximum(pool, 1)).astype(np.int64)
    place = (np.cumsum(is_next, axis=1) - 1 == which[:, None]) & is_next
    drawn = np.where(place, wide, 0).max(axis=1)
    propensity[can] = np.where(is_drawn[can], share / pool[can], 1 - share)
    named[is_drawn, -1] = drawn[is_drawn]
    by_chance[is_drawn] = True


def without(ranked: Ranked, pairs: Ints, width: int) -> Ranked:
    """The same without some pairs, customer x width + product."""
    found = ranked.candidates
    if not len(pairs):
        return ranked
    keep = ~np.isin(found.customer * width + found.product, pairs)
    kept = found.where(keep)
    scores = ranked.scores[keep]
    return Ranked(kept, ranked.features[keep], scores, kept.order(scores))


def _popular(model: RecommendModel, allowed: npt.NDArray[np.bool_], k: int) -> Ints:
    """(k,) what most take up, then whatever else may be shown, by number; 0 where there is no more."""
    best = next(source for source in model.sources if isinstance(source, Popular)).best(k, allowed)
    return np.concatenate([best, np.zeros(k - len(best), np.int64)]).astype(np.int64)


def _filled(named: Ints, model: RecommendModel, caps: Caps, allowed: npt.NDArray[np.bool_], barred: Ints) -> None:
    """Fill the places of lists that are left by what most take up; `barred` are pairs that may not be shown."""
    _fill(named, _popular(model, allowed, len(allowed)), barred, caps.group, caps.most, len(allowed))


@numba.njit(cache=True, nogil=True)
def _fill(named: Ints, popular: Ints, never: Ints, group: Ints, most: Ints, width: int) -> None:
    """Put what most take up into the places that are left, but nothing twice, too often, or in a pair of `never`."""
    for row in range(len(named)):
        next_one = 0
        for place in range(named.shape[1]):
            while named[row, place] == 0 and next_one < len(popular) and popular[next_one] > 0:
                product = popular[next_one]
                next_one += 1
                pair = row * width + product
                at = np.searchsorted(never, pair)
                is_never = at < len(never) and never[at] == pair
                if not is_never and not (named[row] == product).any() and has_room(product, named[row], group, most):
                    named[row, place] = product


def _vectors(model: RecommendModel) -> npt.NDArray[np.float32]:
    return next(source.vectors for source in model.sources if isinstance(source, Nearest))


def why(model: RecommendModel, past: Past, products: Products, shelf: Shelf, found: Lists) -> list[str]:
    """A reason for each product of lists that is one, row by row."""
    language = shelf.settings.language
    words = WORDS[language]
    customer, place = np.nonzero(found.products > 0)
    product = found.products[customer, place]
    said = np.array([words["unprofiled" if found.ranked is None else "popular"]] * len(customer), object)
    if found.ranked is not None:
        width = len(shelf.allowed)
        candidates = found.ranked.candidates
        is_candidate = np.isin(customer * width + product, candidates.customer * width + candidates.product)
        whose, what = customer[is_candidate], product[is_candidate]
        favourites = Favourites.of(past, shelf.categories)
        is_new = favourites.new_in(whose, what, products.is_new)
        liked = favourites.of_customer[whose]
        new_in = [favourites.names[k] if new else None for k, new in zip(liked.tolist(), is_new.tolist(), strict=True)]
        lines = Lines.of(found.ranked, whose, what)
        said[is_candidate] = reasons(model, past, lines, shelf.titles, language, new_in)
    said[np.isin(product, shelf.pinned)] = words["pinned"]
    said[found.by_chance[customer] & (place == found.products.shape[1] - 1)] = words["chance"]
    return list(said.tolist())
