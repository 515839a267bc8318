"""Who clicks: the click model with what its rows are made of, and how it follows what came since it was learned."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from regulars.ads.dataset import CLICK_WITHIN, Impressions, impressions, inputs_of
from regulars.ads.prediction import AdRows, ClickModel, Vocabulary
from regulars.behaving.vectors import VectorColumns

if TYPE_CHECKING:
    from regulars.shop import Shop

NAME, VECTORS = "click", "click_vectors.safetensors"
DAY = 86_400_000_000


@dataclass(frozen=True)
class Clicks:
    """Chances of a click.

    Attributes
    ----------
    words : numbers of the values of fields. numbers : the features, in the order of the columns that `model` takes.
    vectors : how its columns `behavior_0`, … come about, where it has any.
    """

    model: ClickModel
    words: Vocabulary
    numbers: tuple[str, ...]
    vectors: VectorColumns | None = None

    def rows(self, shop: Shop, profiles: pa.Table, fields: Mapping[str, Sequence[str | None]]) -> AdRows:
        """Impressions as the model takes them: profiles as of each, and the values of its fields."""
        inputs = inputs_of(shop, profiles, self.vectors, self.numbers)
        return AdRows(tuple(self.words.values), self.words.encode(fields), inputs)

    def of(self, shop: Shop, ads: Impressions) -> AdRows:
        """The same of ads that were shown."""
        return self.rows(shop, ads.table, ads.fields())

    def follow(self, shop: Shop, learned: datetime, as_of: datetime) -> None:
        """Let the calibration follow what came of ads since the model was learned, a day at a time.

        It is worked out anew from the log whenever it is asked for: the same log and moment give the same chances.
        """
        later = impressions(shop, as_of, learned - CLICK_WITHIN)
        if not len(later.clicked):
            return
        rows = self.of(shop, later)
        day = later.table["as_of"].cast(pa.int64()).to_numpy() // DAY
        for each in np.unique(day):
            is_of = day == each
            self.model.update(rows.where(is_of), later.clicked[is_of])

    def to_files(self) -> dict[str, bytes]:
        """As files."""
        about = {
            "words": {name: dict(known) for name, known in self.words.values.items()}, "numbers": self.numbers,
        }  # fmt: skip
        return {
            "clicks.json": json.dumps(about, indent=2).encode(),
            **self.model.to_files(NAME),
            **({} if self.vectors is None else {VECTORS: self.vectors.to_bytes()}),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Clicks:
        """From what `to_files` gave."""
        about = json.loads(files["clicks.json"])
        return cls(
            model=ClickModel.from_files(files, NAME),
            words=Vocabulary(about["words"]),
            numbers=tuple(about["numbers"]),
            vectors=VectorColumns.from_bytes(files[VECTORS]) if VECTORS in files else None,
        )
