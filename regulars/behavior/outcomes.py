"""What customers did in the days after moments: who stayed away, and which categories and products were bought."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.cluster import KMeans

from regulars.behavior.dataset import catalogue_before
from regulars.customers import bought_within, ordered_within
from regulars.language import embed

if TYPE_CHECKING:
    from regulars.shop import Shop

Float32s = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LABELS = 100
"""At most so many categories, and so many products: the most frequent."""
CLUSTERS = 50


def outcomes_of(shop: Shop, pairs: pa.Table, days: int, is_learned: Bools) -> dict[str, Float32s]:
    """{"churn", "category", "product": (n, labels)} 1 for what customers did in the days after their moments, else 0.

    Churn is no order. Of categories and products the labels are those that were bought most often in the rows learned
    from; a task without a label is left out.

    Parameters
    ----------
    pairs : (n,) customer_id and as_of.
    is_learned : (n,) which rows are learned from.
    """
    bought = bought_within(shop, pairs, days)
    place = bought["place"].to_numpy()
    names, product = np.unique(bought["product_id"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    category_of = categories(shop, pc.max(pairs["as_of"]).as_py())
    category = np.array([category_of.get(name, -1) for name in names], np.int64)[product]
    found = {
        "churn": (~ordered_within(shop, pairs, days)).astype(np.float32)[:, None],
        "category": _most_frequent(place[category >= 0], category[category >= 0], is_learned),
        "product": _most_frequent(place, product, is_learned),
    }
    return {task: target for task, target in found.items() if target.shape[1]}


def _most_frequent(place: Ints, label: Ints, is_learned: Bools) -> Float32s:
    """(n, labels) of pairs of a row and a label."""
    counts = np.bincount(label[is_learned[place]], minlength=int(label.max(initial=-1)) + 1)
    kept = np.argsort(-counts, kind="stable")[:LABELS]
    kept = kept[counts[kept] > 0]
    column = np.full(len(counts), -1)
    column[kept] = np.arange(len(kept))
    found = np.zeros((len(is_learned), len(kept)), np.float32)
    at = column[label]
    found[place[at >= 0], at[at >= 0]] = 1
    return found


def categories(shop: Shop, as_of: datetime) -> dict[str, int]:
    """The number of each product's category, as the catalogue has it before a moment.

    Where no product has a category, groups of products stand for them, made of the meaning of their titles by k-means.
    """
    known = catalogue_before(shop, as_of)
    ids, named, titles = (known[name].to_pylist() for name in ("product_id", "category", "title"))
    if any(named):
        number = {name: k for k, name in enumerate(sorted({name for name in named if name}))}
        return {product: number[name] for product, name in zip(ids, named, strict=True) if name}
    told = [(product, title) for product, title in zip(ids, titles, strict=True) if title]
    meaning = embed([title for _, title in told], shop.folder / "cache" / "embeddings.parquet")
    distinct = len(np.unique(meaning, axis=0))
    groups = KMeans(min(CLUSTERS, distinct), random_state=0, n_init=1).fit_predict(meaning) if told else []
    return {product: int(group) for (product, _), group in zip(told, groups, strict=True)}
