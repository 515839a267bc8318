"""What the model has a vector for: products, kinds of event, channels; and what is known of each product."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from safetensors.numpy import load as from_safetensors
from safetensors.numpy import save as to_safetensors

from regulars.behavior.buckets import GAPS, PRICES, QUANTITIES

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

NOTHING = 0
"""The number of what is unknown, and of the product of an event that is about none."""
MEANINGS = 64
"""Directions of meaning that are told apart; what texts of one shop differ in has hardly more."""
SAMPLED = 20_000


@dataclass(frozen=True)
class Content:
    """What is known of products besides who bought them. Row 0 is of no product.

    Attributes
    ----------
    attributes : (n_products + 1, n_attributes) each row's entries add up to 1, or to 0 where nothing is known.
    texts : (n_products + 1, m) the meaning of what is said of each; m is 0 where no product has a text.
    directions : (encoder's m, m) of the encoder's space, along which the texts were condensed; None before that.
    """

    attributes: sp.csr_matrix
    texts: Floats
    directions: Floats | None = None

    @classmethod
    def none(cls, count: int) -> Content:
        """Of products of which nothing is known."""
        return cls(sp.csr_matrix((count + 1, 0), dtype=np.float32), np.zeros((count + 1, 0), np.float32))

    @classmethod
    def of_attributes(cls, rows: Ints, columns: Ints, count: int, attributes: int) -> Content:
        """From pairs of a product (from 1) and a number of an attribute."""
        found = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(count + 1, attributes))
        return cls(shares(found), np.zeros((count + 1, 0), np.float32))

    def condensed(self, directions: Floats | None = None) -> Content:
        """The same with texts in at most 64 dimensions: by those directions, or by those in which texts differ most.

        >>> rng = np.random.default_rng(0)
        >>> texts = (rng.normal(size=(100, 5)) @ rng.normal(size=(5, 512))).astype(np.float32)
        >>> found = Content(sp.csr_matrix((100, 0), dtype=np.float32), texts).condensed()
        >>> found.texts.shape, np.allclose(found.texts @ found.directions.T, texts, atol=1e-3)
        ((100, 64), True)
        """
        if self.directions is not None:
            return self
        if directions is None or len(directions) != self.texts.shape[1]:
            some = self.texts[1 :: len(self.texts) // SAMPLED + 1].astype(np.float64)
            directions = np.linalg.eigh(some.T @ some)[1][:, ::-1][:, :MEANINGS].astype(np.float32)
        return Content(self.attributes, np.ascontiguousarray(self.texts @ directions), directions)

    def to_bytes(self) -> bytes:
        """As safetensors."""
        matrix = self.attributes
        found: bytes = to_safetensors(
            {
                "rows": matrix.indptr.astype(np.int64),
                "columns": matrix.indices.astype(np.int64),
                "values": matrix.data.astype(np.float32),
                "shape": np.array(matrix.shape),
                "texts": np.ascontiguousarray(self.texts),
                **({} if self.directions is None else {"directions": np.ascontiguousarray(self.directions)}),
            }
        )
        return found

    @classmethod
    def from_bytes(cls, data: bytes) -> Content:
        """From what `to_bytes` gave; SafetensorError, KeyError or ValueError if it is something else."""
        kept = from_safetensors(data)
        parts = kept["values"], kept["columns"], kept["rows"]
        return cls(sp.csr_matrix(parts, shape=tuple(kept["shape"].tolist())), kept["texts"], kept.get("directions"))


def shares(counts: sp.csr_matrix) -> sp.csr_matrix:
    """Rows that add up to 1, or stay empty."""
    total = np.asarray(counts.sum(axis=1)).ravel()
    scaled = sp.diags(1 / np.maximum(total, 1e-9)) @ counts
    found: sp.csr_matrix = scaled.tocsr().astype(np.float32)
    return found


@dataclass(frozen=True)
class Vocabulary:
    """Names behind the numbers. The number of the first name is 1.

    Attributes
    ----------
    products : ids of products, those of the catalogue that nobody ever met among them.
    types, channels : of events.
    attributes : names of attributes of products, in the order of the content's columns.
    counts : (n_products + 1,) in how many events of the log each product was met.
    usual_price : (n_products + 1,) the median price of the product's category (or its own), NaN where unknown.
    clock : when the shop's clock was changed, in seconds since 1970, and its seconds ahead of Greenwich since.
    is_timed : whether it is known when events were.
    """

    products: Sequence[str]
    types: Sequence[str]
    channels: Sequence[str]
    attributes: Sequence[str]
    counts: Ints
    usual_price: npt.NDArray[np.float64]
    clock: tuple[tuple[int, int], ...] = ((0, 0),)
    is_timed: bool = True
    _places: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of_numbers(cls, counts: Ints) -> Vocabulary:
        """Of products that have no names, in histories of which only the order is known."""
        names = [str(number) for number in range(1, len(counts))]
        return cls(names, ("met",), (), (), counts, np.full(len(counts), np.nan), is_timed=False)

    @property
    def sizes(self) -> dict[str, int]:
        """{field: how many numbers it has, 0 among them}; a field that says nothing here is left out."""
        found = {"type": len(self.types) + 2 if len(self.types) > 1 or self.is_timed else 0}
        if self.is_timed:
            found |= {"gap": GAPS, "hour": 25, "weekday": 8}
        if not np.isnan(self.usual_price).all():
            found |= {"price": len(PRICES) + 2}
        if len(self.channels) > 1:
            found |= {"channel": len(self.channels) + 1}
        if self.is_timed:
            found |= {"quantity": len(QUANTITIES) + 2}
        return {name: count for name, count in found.items() if count}

    @property
    def now(self) -> int:
        """The type of a token that is no event but the question how things stand at a moment."""
        return len(self.types) + 1

    def numbers(self, products: Sequence[str | None]) -> npt.NDArray[np.int32]:
        """The numbers of products; 0 for one that is not known."""
        if not self._places and len(self.products):
            self._places.update({name: number for number, name in enumerate(self.products, 1)})
        found = [self._places.get(name, NOTHING) if name is not None else NOTHING for name in products]
        return np.array(found, np.int32)

    def grown(self, newer: Vocabulary) -> tuple[Vocabulary, dict[str, Ints]]:
        """This vocabulary with what another has besides, at the end.

        Returns
        -------
        vocabulary, and {"products", "types", "channels", "attributes": for each name of the grown vocabulary the
        place in the newer one, from 0; -1 where that has it no more}
        """
        merged: dict[str, Any] = {}
        places: dict[str, Ints] = {}
        for name in ("products", "types", "channels", "attributes"):
            mine, others = list(getattr(self, name)), list(getattr(newer, name))
            has = set(mine)
            merged[name] = [*mine, *(other for other in others if other not in has)]
            at = {other: number for number, other in enumerate(others)}
            places[name] = np.array([at.get(one, -1) for one in merged[name]], np.int64)
        rows = np.concatenate([[0], np.where(places["products"] >= 0, places["products"] + 1, 0)])
        grown = replace(newer, **merged, counts=newer.counts[rows], usual_price=newer.usual_price[rows], _places={})
        return grown, places

    def to_bytes(self) -> bytes:
        """As JSON."""
        saved: dict[str, Any] = {
            "products": list(self.products),
            "types": list(self.types),
            "channels": list(self.channels),
            "attributes": list(self.attributes),
            "counts": self.counts.tolist(),
            "usual_price": [None if np.isnan(price) else price for price in self.usual_price],
            "clock": self.clock,
            "is_timed": self.is_timed,
        }
        return json.dumps(saved, ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Vocabulary:
        """From what `to_bytes` gave; ValueError, KeyError or TypeError if it is something else."""
        saved = json.loads(data)
        prices = [np.nan if price is None else price for price in saved.pop("usual_price")]
        clock = tuple((int(moment), int(offset)) for moment, offset in saved.pop("clock"))
        counts = np.array(saved.pop("counts"), np.int64)
        return cls(**saved, counts=counts, usual_price=np.array(prices, np.float64), clock=clock)
