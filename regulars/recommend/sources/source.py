"""What a source of candidates is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from regulars.recommend.candidates import Top
from regulars.recommend.past import Past

Allowed = npt.NDArray[np.bool_]
Arrays = Mapping[str, npt.NDArray[np.generic]]


class Source(Protocol):
    """Names products for customers.

    Attributes
    ----------
    name : under which its scores stand, and its share in a reason.
    """

    name: ClassVar[str]

    @classmethod
    def fit(cls, past: Past) -> Self:
        """Learn from a past."""

    def top(self, past: Past, k: int, allowed: Allowed) -> Top:
        """The best k products for each customer of a past, with the numbers of the past it was fitted on.

        Parameters
        ----------
        allowed : (products + 1,) which may be named; so a filter never leaves fewer than there are.
        """

    def to_arrays(self) -> Arrays:
        """What it learned, as arrays by name."""

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """From what `to_arrays` gave."""
