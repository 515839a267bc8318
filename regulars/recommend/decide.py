"""A list for each customer who ordered before, as a decision that is logged with its chance and its reasons."""

from __future__ import annotations

from datetime import datetime
from itertools import product as product_of
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.clock import micros
from regulars.customers import withheld
from regulars.errors import NotEnoughError
from regulars.events.identity import hash_rows
from regulars.recommend.blocks import blocks, in_threads
from regulars.recommend.dataset import head_for, model_in_use, past_as_of
from regulars.recommend.features import Products
from regulars.recommend.lists import Lists, lists, lists_of_all, why
from regulars.recommend.model import RecommendModel
from regulars.recommend.past import Past
from regulars.recommend.shelf import Shelf

if TYPE_CHECKING:
    from regulars.shop import Shop

PURPOSE = "profiling"
"""Whoever forbids this gets a list that does not look at what the customer did."""
DISCLOSURE = {
    "en": "Chosen for you by what you and others did in this shop.",
    "zh": "根据您和其他顾客在本店的行为为您选择。",
}


def decide(shop: Shop, as_of: datetime) -> pa.Table:
    """For each customer with an order before a moment, the products to show.

    Returns
    -------
    One row a customer: the columns of `DECISION`, `products` (their ids, the first to be shown first) and `titles`; its
    reasons are one a product. Whoever objected to profiling, or took consent back, gets what most customers take up.
    """
    model = model_in_use(shop)
    customers = shop.customers(as_of)
    if not customers.num_rows:
        raise NotEnoughError(f"recommend: no customer has an order before {as_of:%Y-%m-%d}. Choose a later as-of time.")
    ids = customers["customer_id"].to_pylist()
    past = past_as_of(shop, model, as_of, None)
    number = {name: place for place, name in enumerate(past.sequences.customers)}
    whose = np.array([number[name] for name in ids], np.int64)
    shelf = Shelf.of(shop, model.vocabulary.products, as_of)
    is_unprofiled = np.asarray(pc.is_in(customers["customer_id"], withheld(shop, PURPOSE, as_of)))
    is_adult = np.array([name in shelf.adults for name in ids])
    products = Products.of(past)
    head = head_for(shop, model, as_of)

    def decided(block: range) -> pa.Table:
        rng = np.random.default_rng([micros(as_of), block.start])
        numbers = np.arange(block.start, block.stop)
        parts = []
        for forbids, adult in product_of((False, True), repeat=2):
            some = numbers[(is_unprofiled[numbers] == forbids) & (is_adult[numbers] == adult)]
            if not len(some):
                continue
            part, allowed = past.of(whose[some]), shelf.to_adults if adult else shelf.allowed
            if forbids:
                found = lists_of_all(model, products, shelf, allowed, len(some))
            else:
                found = lists(model, part, products, head, shelf, allowed, rng=rng)
            parts.append(_table(shop, model, part, products, shelf, found))
        return pa.concat_tables(parts)

    return pa.concat_tables(in_threads(decided, blocks(len(ids)))).sort_by("customer_id").combine_chunks()


def _table(shop: Shop, model: RecommendModel, past: Past, products: Products, shelf: Shelf, found: Lists) -> pa.Table:
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
            "reasons": pa.ListArray.from_arrays(
                offsets, pa.array(why(model, past, products, shelf, found), pa.string())
            ),
            "inputs_hash": pa.array([f"{value:016x}" for value in hashes.tolist()], pa.string()),
            "disclosure": pa.repeat(pa.scalar(said, pa.string()), count),
        }
    )
