"""Which category does each customer like best, and what do the others take up who like the same?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from regulars.behavior.sequences import DAY
from regulars.recommend.candidates import Floats, Ints
from regulars.recommend.features import LONG_DAYS, SHORT_DAYS
from regulars.recommend.past import Past


class Categories(NamedTuple):
    """The categories of products.

    Attributes
    ----------
    names : of categories.
    code : (products + 1,) a number into the names, -1 for none.
    belongs : (products + 1, names + 1) 1 where a product is of a category.
    """

    names: list[str]
    code: Ints
    belongs: sp.csr_matrix

    @classmethod
    def of(cls, categories: pa.ChunkedArray) -> Categories:
        """From the category of each product, in the order of their numbers."""
        encoded = pa.chunked_array(categories).combine_chunks().dictionary_encode()
        codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        code = np.concatenate([[-1], codes]).astype(np.int64)
        known = np.flatnonzero(code >= 0)
        shape = (len(code), len(encoded.dictionary) + 1)
        belongs = sp.csr_matrix((np.ones(len(known), np.float32), (known, code[known])), shape=shape)
        return cls(encoded.dictionary.to_pylist(), code, belongs)


@dataclass(frozen=True)
class Favourites:
    """Customers by the category that most of their past is of, recent events more.

    Attributes
    ----------
    names : of categories.
    category : (products + 1,) a number into the names, -1 for none.
    of_customer : (n,) likewise; -1 for who has nothing of any category.
    """

    names: list[str]
    category: Ints
    of_customer: Ints

    @classmethod
    def of(cls, past: Past, categories: Categories) -> Favourites:
        """From a past."""
        liked = (past.matrix(LONG_DAYS) @ categories.belongs).tocsr()
        best = np.asarray(liked.argmax(axis=1)).ravel().astype(np.int64)
        best[np.diff(liked.indptr) == 0] = -1
        return cls(categories.names, categories.code, best)

    def popular_with(self, past: Past, category: int) -> Floats:
        """(products + 1,) what customers take up of late who like a category best, whatever it is of."""
        events = past.with_product
        inside = self.of_customer[events.customer] == category
        weight = events.weight[inside] * np.exp2(-(past.now - events.time[inside]) / DAY / SHORT_DAYS)
        return np.bincount(events.product[inside], weight, past.products + 1).astype(np.float32)

    def new_in(self, customer: Ints, product: Ints, is_new: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """(l,) whether each product is new, and of the category that its customer likes best."""
        found: npt.NDArray[np.bool_] = is_new[product] & (self.category[product] == self.of_customer[customer])
        return found & (self.category[product] >= 0)
