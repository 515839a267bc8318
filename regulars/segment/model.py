"""What is learned of segments: the thresholds of RFM, and clusters with their ids, names and descriptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from regulars.segment.dataset import Known
from regulars.segment.partition import Partition, partition_from
from regulars.segment.rfm import Rfm
from regulars.segment.space import Space

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FILES = ("segment.json", "partition.safetensors")


@dataclass(frozen=True)
class SegmentModel:
    """Which cell and which segment a customer is in: the same for who was learned from and who is new.

    Attributes
    ----------
    space : which columns, e.g. "features".
    columns : their names.
    method : e.g. "k-means".
    ids : (k,) of the segments, in the order of their number in the partition; kept from model to model.
    newest : the largest id that was ever given.
    names, paragraphs : language -> (k,) texts.
    behavior : which behaviour model's vectors, where the space is theirs: version, whether its earlier one.
    """

    rfm: Rfm
    space: str
    columns: tuple[str, ...]
    transform: Space
    method: str
    partition: Partition
    ids: Ints
    newest: int
    names: Mapping[str, tuple[str, ...]]
    paragraphs: Mapping[str, tuple[str, ...]]
    behavior: tuple[int, bool] | None = None

    def assign(self, known: Known) -> Ints:
        """(n,) the number of each customer's segment in `ids`, below 0 for none."""
        return self.partition.assign(self.points(known))

    def points(self, known: Known) -> Floats:
        """(n, d) where customers lie; columns that are not known of them any more are filled as absent."""
        place = {name: k for k, name in enumerate(known.names.get(self.space, ()))}
        values = np.full((len(known), len(self.columns)), np.nan)
        for k, name in enumerate(self.columns):
            if name in place:
                values[:, k] = known.columns[self.space][:, place[name]]
        return self.transform.points(values)

    def to_files(self) -> dict[str, bytes]:
        """As JSON and safetensors."""
        about: dict[str, Any] = {
            "rfm": self.rfm.to_json(),
            "space": self.space,
            "columns": list(self.columns),
            "transform": self.transform.to_json(),
            "method": self.method,
            "ids": self.ids.tolist(),
            "newest": self.newest,
            "names": {language: list(texts) for language, texts in self.names.items()},
            "paragraphs": {language: list(texts) for language, texts in self.paragraphs.items()},
            "behavior": self.behavior,
        }
        arrays = {name: np.ascontiguousarray(array) for name, array in self.partition.to_arrays().items()}
        return {
            "segment.json": json.dumps(about, indent=1, ensure_ascii=False).encode(),
            "partition.safetensors": save(arrays),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> SegmentModel:
        """From what `to_files` gave."""
        about = json.loads(files["segment.json"])
        behavior = about["behavior"]
        return cls(
            rfm=Rfm.from_json(about["rfm"]),
            space=about["space"],
            columns=tuple(about["columns"]),
            transform=Space.from_json(about["transform"]),
            method=about["method"],
            partition=partition_from(load(files["partition.safetensors"])),
            ids=np.array(about["ids"], np.int64),
            newest=about["newest"],
            names={language: tuple(texts) for language, texts in about["names"].items()},
            paragraphs={language: tuple(texts) for language, texts in about["paragraphs"].items()},
            behavior=None if behavior is None else (behavior[0], behavior[1]),
        )
