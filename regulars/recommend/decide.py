"""A list for each customer: ranked, laid out by the shop's rules, a little of it by chance, each line with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.behavior.dataset import micros, sequences_of
from regulars.customers import withheld
from regulars.errors import NotEnoughError
from regulars.events.identity import hash_rows
from regulars.recommend.candidates import Ints
from regulars.recommend.dataset import head_as_of
from regulars.recommend.features import Products
from regulars.recommend.model import BLOCK, Ranked, RecommendModel
from regulars.recommend.past import Past
from regulars.recommend.reasons import WORDS, Lines, reasons
from regulars.recommend.shelf import SEEN, Shelf
from regulars.recommend.sources import Head, Nearest, Popular

if TYPE_CHECKING:
    from regulars.shop import Shop

PURPOSE = "profiling"
"""Whoever forbids this gets a list that does not look at what the customer did."""
DRAWN_FROM = 50
"""A product shown by chance is one of so many that come next in order."""
DISCLOSURE = {
    "en": "Chosen for you by what you and others did in this shop.",
    "zh": "根据您和其他顾客在本店的行为为您选择。",
}


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


def decide(shop: Shop, as_of: datetime) -> pa.Table:
    """For each customer with an order before a moment, the products to show.

    Returns
    -------
    One row a customer: the columns of `DECISION`, `products` (their ids, the first to be shown first) and `titles`; its
    reasons are one a product. Whoever objected to profiling, or took consent back, gets what most customers take up.
    """
    kept = shop.models.in_use("recommend")
    model = RecommendModel.from_files({name: kept.read(name) for name in kept.card["files"] if name != "report.html"})
    customers = shop.customers(as_of)
    if not customers.num_rows:
        raise NotEnoughError(f"recommend: no customer has an order before {as_of:%Y-%m-%d}. Choose a later as-of time.")
    ids = customers["customer_id"].to_pylist()
    past = past_as_of(shop, model, as_of, None)
    number = {name: place for place, name in enumerate(past.sequences.customers)}
    whose = np.array([number[name] for name in ids], np.int64)
    is_unprofiled = np.asarray(pc.is_in(customers["customer_id"], withheld(shop, PURPOSE, as_of)))
    shelf = Shelf.of(shop, model.vocabulary.products, as_of)
    products = Products.of(past)
    head = head_as_of(shop, as_of) if model.has_head else None
    rng = np.random.default_rng(micros(as_of))
    parts = []
    for low in range(0, len(ids), BLOCK):
        for forbids in (False, True):
            some = low + np.flatnonzero(is_unprofiled[low : low + BLOCK] == forbids)
            if not len(some):
                continue
            part = past.of(whose[some])
            found = lists_of_all(model, part, shelf) if forbids else lists(model, part, products, head, shelf, rng=rng)
            parts.append(_table(shop, model, part, shelf, found))
    return pa.concat_tables(parts).sort_by("customer_id").combine_chunks()


def past_as_of(shop: Shop, model: RecommendModel, as_of: datetime, customers: list[str] | None) -> Past:
    """What customers (default: all) did before a moment, with the products that a model knows."""
    sequences = sequences_of(shop, model.vocabulary, as_of, customers)
    return Past(model.vocabulary, model.content, sequences, micros(as_of))


def lists(
    model: RecommendModel,
    past: Past,
    products: Products,
    head: Head | None,
    shelf: Shelf,
    *,
    allowed: npt.NDArray[np.bool_] | None = None,
    k: int | None = None,
    rng: np.random.Generator | None = None,
) -> Lists:
    """Lists for the customers of a past, of products that may be shown to them.

    Parameters
    ----------
    allowed : (products + 1,) default what the shelf allows.
    k : how many products; default as in shop.toml.
    rng : for what is shown by chance; without it nothing is.
    """
    k = k or shelf.settings.products
    allowed = shelf.allowed if allowed is None else allowed
    ranked = model.rank(past, products, head, allowed)
    if not shelf.again.all():
        ranked = without_had(past, ranked, shelf.again)
    wide = ranked.top(max(SEEN, k + DRAWN_FROM))
    named = _filled(shelf.laid_out(wide, k, _vectors(model)), _popular(model, allowed, k))
    propensity, by_chance = np.ones(len(named)), np.zeros(len(named), bool)
    if rng is not None and shelf.settings.explore:
        _explore(named, wide, propensity, by_chance, shelf.settings.explore, rng)
    return Lists(named, propensity, by_chance, ranked)


def lists_of_all(
    model: RecommendModel, past: Past, shelf: Shelf, allowed: npt.NDArray[np.bool_] | None = None, k: int | None = None
) -> Lists:
    """The same list for everybody: what most take up."""
    k = k or shelf.settings.products
    wide = _popular(model, shelf.allowed if allowed is None else allowed, max(SEEN, k))
    named = shelf.laid_out(wide[None], k, _vectors(model))
    named = np.repeat(named, len(past.sequences.customers), axis=0)
    return Lists(named, np.ones(len(named)), np.zeros(len(named), bool), None)


def _explore(
    named: Ints,
    wide: Ints,
    propensity: npt.NDArray[np.float64],
    by_chance: npt.NDArray[np.bool_],
    share: float,
    rng: np.random.Generator,
) -> None:
    """In a share of the lists, draw the last product evenly among those that come next; chances are written beside."""
    is_again = (wide[:, :, None] == named[:, None, :]).any(axis=2)
    is_next = (wide > 0) & ~is_again
    is_next &= np.cumsum(is_next, axis=1) <= DRAWN_FROM
    pool = is_next.sum(axis=1)
    can = (pool > 0) & (named[:, -1] > 0)
    is_drawn = (rng.random(len(named)) < share) & can
    which = (rng.random(len(named)) * np.maximum(pool, 1)).astype(np.int64)
    place = (np.cumsum(is_next, axis=1) - 1 == which[:, None]) & is_next
    drawn = np.where(place, wide, 0).max(axis=1)
    propensity[can] = np.where(is_drawn[can], share / pool[can], 1 - share)
    named[is_drawn, -1] = drawn[is_drawn]
    by_chance[is_drawn] = True


def without_had(past: Past, ranked: Ranked, again: npt.NDArray[np.bool_]) -> Ranked:
    """The same without what customers had, but for the products (products + 1,) that may be shown again."""
    found = ranked.candidates
    events = past.with_product
    had = np.unique(events.customer * (past.products + 1) + events.product)
    is_had = np.isin(found.customer * (past.products + 1) + found.product, had) & ~again[found.product]
    keep = ~is_had
    kept = found.where(keep)
    order = np.lexsort((kept.product, -ranked.scores[keep], kept.customer))
    return Ranked(kept, ranked.features[keep], ranked.scores[keep], order)


def _popular(model: RecommendModel, allowed: npt.NDArray[np.bool_], k: int) -> Ints:
    """(k,) what most take up, then whatever else may be shown, by number; 0 where there is no more."""
    score = next(source.score for source in model.sources if isinstance(source, Popular))
    order = np.lexsort((np.arange(len(score)), -score))
    order = order[allowed[order]][:k]
    return np.concatenate([order, np.zeros(k - len(order), np.int64)]).astype(np.int64)


def _filled(named: Ints, popular: Ints) -> Ints:
    """Lists with what most take up in the places that are left."""
    short = np.flatnonzero((named == 0).any(axis=1))
    for row in short.tolist():
        others = popular[~np.isin(popular, named[row])]
        free = np.flatnonzero(named[row] == 0)[: len(others)]
        named[row, free] = others[: len(free)]
    return named


def _vectors(model: RecommendModel) -> npt.NDArray[np.float32]:
    return next(source.vectors for source in model.sources if isinstance(source, Nearest))


def _table(shop: Shop, model: RecommendModel, past: Past, shelf: Shelf, found: Lists) -> pa.Table:
    settings = shop.config.recommend
    has_any = found.products[:, 0] > 0
    customer, place = np.nonzero(found.products > 0)
    at = pa.array(found.products[customer, place] - 1)
    lengths = np.bincount(customer, minlength=len(has_any))[has_any]
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    columns = {
        name: pa.ListArray.from_arrays(offsets, shelf.table[column].combine_chunks().take(at))
        for name, column in (("products", "product_id"), ("titles", "title"))
    }
    count = len(lengths)
    ids = pa.array(past.sequences.customers, pa.string()).filter(pa.array(has_any))
    joined = pc.binary_join(columns["products"], " ")
    made_by = pa.table({"customer_id": ids, "products": joined, "now": np.full(count, past.now)})
    hashes = hash_rows(made_by, tuple(made_by.column_names))
    is_personal = found.ranked is not None
    policy = f"ranked; in {settings.explore:.0%} of lists the last by chance" if is_personal else "what most take up"
    said = DISCLOSURE[settings.language] if is_personal else None
    return pa.table(
        {
            "customer_id": ids,
            "action": pa.repeat("recommend", count),
            **columns,
            "policy": pa.repeat(policy, count),
            "propensity": pa.array(found.propensity[has_any]),
            "reasons": pa.ListArray.from_arrays(offsets, pa.array(why(model, past, shelf, found), pa.string())),
            "inputs_hash": pa.array([f"{value:016x}" for value in hashes.tolist()], pa.string()),
            "disclosure": pa.repeat(pa.scalar(said, pa.string()), count),
        }
    )


def why(model: RecommendModel, past: Past, shelf: Shelf, found: Lists) -> list[str]:
    """A reason for each product of lists that is one, row by row."""
    language = shelf.settings.language
    words = WORDS[language]
    customer, place = np.nonzero(found.products > 0)
    if found.ranked is None:
        return [words["unprofiled"]] * len(customer)
    product = found.products[customer, place]
    width = len(shelf.allowed)
    candidates = found.ranked.candidates
    is_candidate = np.isin(customer * width + product, candidates.customer * width + candidates.product)
    said = np.array([words["popular"]] * len(customer), object)
    lines = Lines.of(found.ranked, customer[is_candidate], product[is_candidate])
    titles = [None, *shelf.table["title"].to_pylist()]
    said[is_candidate] = reasons(model, past, lines, titles, language)
    said[found.by_chance[customer] & (place == found.products.shape[1] - 1)] = words["chance"]
    return list(said.tolist())
