"""The recommender as a value: sources that name products, and a ranker that puts them in one order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from lightgbm.basic import LightGBMError
from safetensors import SafetensorError
from safetensors.numpy import load as from_safetensors
from safetensors.numpy import save as to_safetensors

from regulars.behavior.vocabulary import Content, Vocabulary
from regulars.errors import CorruptLogError
from regulars.recommend.candidates import Candidates, Floats, Ints, Top
from regulars.recommend.features import NAMES, Products, features
from regulars.recommend.past import Past
from regulars.recommend.ranker import Ranker
from regulars.recommend.sources import SOURCES, Allowed, Head, Source

FORMAT = 2
NAMED = 100
"""Products that each source names for a customer."""


@dataclass(frozen=True)
class Ranked:
    """Candidates in the ranker's order.

    Attributes
    ----------
    candidates, features : all of them, and what the ranker knew of each.
    scores : (m,) the ranker's.
    order : (m,) candidates by customer, the best of each first.
    """

    candidates: Candidates
    features: Floats
    scores: Floats
    order: Ints

    def top(self, k: int) -> Ints:
        """(n, k) the best products of each customer, 0 where there are no more."""
        starts = self.candidates.starts
        found = np.zeros((len(starts) - 1, k), np.int64)
        place = np.arange(len(self.order)) - starts[self.candidates.customer]
        is_in = place < k
        found[self.candidates.customer[is_in], place[is_in]] = self.candidates.product[self.order[is_in]]
        return found


@dataclass(frozen=True)
class RecommendModel:
    """What to show to whom, as learned until a moment.

    Attributes
    ----------
    vocabulary, content : the products that it knows, and their attributes; of texts it needs what the sources keep.
    sources : in the order of `SOURCES`.
    has_head : whether the ranker reads what the behaviour model expects, too.
    until : microseconds since 1970; it saw no event at or after it.
    worth : (products + 1,) what a product counts for if it is taken up; 1 where the ranker has learned that itself.
    """

    vocabulary: Vocabulary
    content: Content
    sources: tuple[Source, ...]
    ranker: Ranker
    has_head: bool
    until: int
    worth: Floats

    @property
    def names(self) -> list[str]:
        """Of the ranker's features."""
        return feature_names(has_head=self.has_head)

    @property
    def every(self) -> Allowed:
        """(products + 1,) all products."""
        found = np.ones(len(self.vocabulary.products) + 1, bool)
        found[0] = False
        return found

    def rank(self, past: Past, products: Products, head: Head | None, allowed: Allowed | None = None) -> Ranked:
        """The candidates of each customer of a past, in order.

        Parameters
        ----------
        past : with this model's vocabulary.
        products : what is known of them as of the same moment, from all customers.
        head : the behaviour model to ask; needed if `has_head`.
        allowed : (products + 1,) which may be named; default all.
        """
        found, known = candidates(self.sources, head if self.has_head else None, past, products, allowed)
        scores = self.ranker.scores(known) * self.worth[found.product]
        return Ranked(found, known, scores, found.order(scores))

    def to_files(self) -> dict[str, bytes]:
        """As files: JSON, safetensors, LightGBM's text."""
        about = {"format": FORMAT, "has_head": self.has_head, "until": self.until}
        files = {
            "recommend.json": json.dumps(about, indent=1).encode(),
            "vocabulary.json": self.vocabulary.to_bytes(),
            "products.safetensors": self.content.to_bytes(),
            "ranker.txt": self.ranker.to_bytes(),
            "aim.safetensors": to_safetensors({"worth": self.worth}),
        }
        for source in self.sources:
            arrays = {name: np.ascontiguousarray(values) for name, values in source.to_arrays().items()}
            files[f"{source.name}.safetensors"] = to_safetensors(arrays)
        return files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> RecommendModel:
        """From what `to_files` gave.

        Raises
        ------
        CorruptLogError
            If a file is cut short, or the model is of another version of the program.
        """
        try:
            about = json.loads(files["recommend.json"])
            if about["format"] != FORMAT:
                raise CorruptLogError(
                    f"This recommender is of format {about['format']}; this version of Regulars reads format {FORMAT}. "
                    "Learn anew: regulars learn recommend"
                )
            sources = tuple(
                source.from_arrays(from_safetensors(files[f"{source.name}.safetensors"])) for source in SOURCES
            )
            return cls(
                Vocabulary.from_bytes(files["vocabulary.json"]),
                Content.from_bytes(files["products.safetensors"]),
                sources,
                Ranker.from_bytes(files["ranker.txt"]),
                about["has_head"],
                about["until"],
                from_safetensors(files["aim.safetensors"])["worth"],
            )
        except (SafetensorError, LightGBMError, ValueError, KeyError, TypeError) as error:
            raise CorruptLogError(
                f"The recommender cannot be read: {error}. Learn anew: regulars learn recommend"
            ) from None


def feature_names(*, has_head: bool) -> list[str]:
    """Of what the ranker reads: each source's score and place, then `features.NAMES`."""
    sources = [source.name for source in SOURCES] + ["behavior"] * has_head
    return [f"score_{name}" for name in sources] + [f"place_{name}" for name in sources] + list(NAMES)


def candidates(
    sources: tuple[Source, ...], head: Head | None, past: Past, products: Products, allowed: Allowed | None = None
) -> tuple[Candidates, npt.NDArray[np.float32]]:
    """What all sources name for the customers of a past, and the features of each candidate."""
    found = named(sources, head, past, allowed)
    return found, features(past, products, found)


def named(sources: tuple[Source, ...], head: Head | None, past: Past, allowed: Allowed | None = None) -> Candidates:
    """What all sources name for the customers of a past."""
    if allowed is None:
        allowed = np.ones(past.products + 1, bool)
    allowed = allowed & (np.arange(past.products + 1) > 0)
    tops: list[Top] = [source.top(past, NAMED, allowed) for source in sources]
    if head is not None:
        tops.append(head.top(past, NAMED, allowed))
    return Candidates.of(tops)
