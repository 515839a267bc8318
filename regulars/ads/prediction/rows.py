"""Impressions as arrays: fields (campaign, creative, channel, hour, …) as numbers, and amounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RARE = 5
"""A value that was seen less often is as one never seen: 0."""


@dataclass(frozen=True)
class AdRows:
    """n impressions: what was known before each.

    Attributes
    ----------
    names : of the fields.
    fields : (n, f) each value's number from 1; 0 is one that was not known when learning.
    numbers : (n, k) amounts, NaN where absent; a behaviour vector is so many of them.
    """

    names: tuple[str, ...]
    fields: Ints
    numbers: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", np.asarray(self.fields, np.int64))
        object.__setattr__(self, "numbers", np.asarray(self.numbers, np.float64))
        if self.numbers.ndim != 2 or self.fields.shape != (len(self.numbers), len(self.names)):
            raise InputError(
                f"fields {self.fields.shape} named {', '.join(self.names)}, numbers {self.numbers.shape}: "
                "(n, fields) and (n, numbers) are expected."
            )

    def __len__(self) -> int:
        return len(self.fields)

    def where(self, rows: npt.NDArray[np.bool_] | Ints | slice) -> AdRows:
        """Some of the rows."""
        return AdRows(self.names, self.fields[rows], self.numbers[rows])


@dataclass(frozen=True)
class Vocabulary:
    """Which number each value of each field has.

    Examples
    --------
    >>> words = Vocabulary.of({"channel": ["social"] * 5 + ["search"] * 2})
    >>> words.encode({"channel": ["social", "search", "radio"]}).tolist()  # search is rare, radio was never seen
    [[1], [0], [0]]
    """

    values: Mapping[str, Mapping[str, int]]

    @classmethod
    def of(cls, fields: Mapping[str, Sequence[str | None]]) -> Vocabulary:
        """Of the values of fields; those seen less than five times are left out."""
        found = {}
        for name, column in fields.items():
            known, counts = np.unique(np.array([value for value in column if value is not None], object).astype(str),
                                      return_counts=True)  # fmt: skip
            found[name] = {str(value): place + 1 for place, value in enumerate(known[counts >= RARE].tolist())}
        return cls(found)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many numbers each field has, 0 included."""
        return tuple(len(known) + 1 for known in self.values.values())

    def encode(self, fields: Mapping[str, Sequence[str | None]]) -> Ints:
        """(n, f) numbers; InputError if a field is missing, or has not as many values as the others."""
        missing = [name for name in self.values if name not in fields]
        if missing:
            raise InputError(f"no field {', '.join(missing)}. There are: {', '.join(fields)}.")
        if len(lengths := {len(fields[name]) for name in self.values}) > 1:
            raise InputError(f"fields of {', '.join(map(str, sorted(lengths)))} values: as many of each are expected.")
        columns = [[known.get(str(value), 0) for value in fields[name]] for name, known in self.values.items()]
        return np.array(columns, np.int64).T.reshape(-1, len(self.values))
