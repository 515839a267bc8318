"""What happened, in order of time: attempts, what was known of them and when, and what else tells of fraud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

KINDS = (
    "attempt", "declined", "fraud", "honest", "sign_in", "sign_in_failed", "signed_up", "coupon", "refunded",
    "reviewed", "address_changed", "traits", "withdrawn",
)  # fmt: skip
"""Kinds of rows. `fraud` and `honest` are labels, at the moment that they became known; `withdrawn` takes one back."""
KIND = {name: number for number, name in enumerate(KINDS)}

ENTITIES = (
    "customer", "device", "ip", "ip_range", "payment", "address", "phone", "email", "email_domain", "product",
    "merchant", "customer_device", "customer_address", "customer_payment", "amount_band",
)  # fmt: skip
"""What rows can share. A pair such as `customer_device` is what both share: a device that is new to its customer."""

OWN = "property:"
"""Before the names of entities that are other properties of attempts: texts of few values."""
BANDS = 8
"""Bands of amounts to a factor of ten."""

UNKNOWN = -1
"""Code of an entity that a row does not name."""
DEAREST = 1e12
"""Amounts above count as this in sums, so that one slip of a till does not drown all others."""
LATEST = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Stream:
    """Rows in order of time; of one time, in the order in which they became known.

    Attributes
    ----------
    time : (n,) int64, microseconds since 1970, UTC: when the row was known.
    kind : (n,) int8, by `KIND`.
    amount : (n,) float64, in the shop's currency; NaN where unknown.
    about : (n,) int64, of a label the row of its attempt, of what takes one back the row of the label, else the row
        itself.
    codes : {entity: (n,) int32}, -1 where the row names none; of labels those of their attempt.
    names : {entity: the values, by code}.
    """

    time: Ints
    kind: npt.NDArray[np.int8]
    amount: Floats
    about: Ints
    codes: Mapping[str, npt.NDArray[np.int32]]
    names: Mapping[str, pa.Array]

    def __len__(self) -> int:
        return len(self.time)

    @property
    def attempts(self) -> Ints:
        """The rows that are attempts."""
        return np.flatnonzero(self.kind == KIND["attempt"])

    @cached_property
    def withdrawn_at(self) -> Ints:
        """(n,) when a label was taken back; `LATEST` of what stands. Until then it was known."""
        found = np.full(len(self), LATEST)
        rows = np.flatnonzero(self.kind == KIND["withdrawn"])
        found[self.about[rows]] = self.time[rows]
        return found

    @cached_property
    def is_settled(self) -> bool:
        """Whether nothing was ever taken back."""
        return not (self.kind == KIND["withdrawn"]).any()

    @property
    def base_rate(self) -> float:
        """The share of frauds among labels, drawn to one in a hundred where there are few."""
        stands = self.withdrawn_at == LATEST
        frauds, honest = (int(((self.kind == KIND[each]) & stands).sum()) for each in ("fraud", "honest"))
        return (frauds + 1) / (frauds + honest + 100)

    @property
    def cents(self) -> Floats:
        """(n,) amounts as whole cents, in [0, DEAREST]; 0 where unknown: sums of them are exact."""
        found: Floats = np.rint(np.clip(np.nan_to_num(self.amount), 0, DEAREST) * 100)
        return found

    def before(self, moment: int) -> Self:
        """What was known before a moment."""
        return self._first(int(np.searchsorted(self.time, moment)))

    def _first(self, count: int) -> Self:
        codes = {entity: codes[:count] for entity, codes in self.codes.items()}
        return replace(
            self, time=self.time[:count], kind=self.kind[:count], amount=self.amount[:count], about=self.about[:count],
            codes=codes,
        )  # fmt: skip

    def with_known(
        self, about: Ints, known_at: Ints, kind: npt.NDArray[np.int8], withdrawn_at: Ints | None = None
    ) -> Self:
        """With rows besides that tell of attempts later.

        Parameters
        ----------
        about : (m,) rows of this stream.
        known_at : (m,) when each became known; what is earlier than its attempt is known with it.
        kind : (m,) by `KIND`: fraud, honest, declined.
        withdrawn_at : (m,) when each was taken back; `LATEST` of what stands. Default: all do.

        Examples
        --------
        >>> codes = {"customer": np.zeros(2, np.int32)}
        >>> two = Stream(np.array([0, 5]), np.zeros(2, np.int8), np.ones(2), np.arange(2), codes, {})
        >>> known = two.with_known(np.array([0]), np.array([3]), np.array([KIND["fraud"]], np.int8))
        >>> known.time.tolist(), [KINDS[kind] for kind in known.kind], known.about.tolist()
        ([0, 3, 5], ['attempt', 'fraud', 'attempt'], [0, 0, 2])
        """
        withdrawn_at = np.full(len(about), LATEST) if withdrawn_at is None else withdrawn_at
        gone = np.flatnonzero(withdrawn_at < LATEST)
        known_at = np.maximum(known_at, self.time[about])
        time = np.concatenate([self.time, known_at, np.maximum(withdrawn_at, known_at)[gone]])
        source = np.concatenate([np.arange(len(self)), about, about[gone]])
        whose = np.concatenate([self.about, about, len(self) + gone])
        order = np.argsort(time, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        source = source[order]
        return replace(
            self,
            time=time[order],
            kind=np.concatenate([self.kind, kind, np.full(len(gone), KIND["withdrawn"], np.int8)])[order],
            amount=self.amount[source],
            about=place[whose[order]],
            codes={entity: codes[source] for entity, codes in self.codes.items()},
        )

    def labels(self) -> tuple[npt.NDArray[np.int8], Ints]:
        """Of each attempt what is known of it at the end: 1 fraud, 0 honest, -1 nothing; and when that became known.

        The last label that stands holds: a reviewer may overrule what a bank said.
        """
        attempts = self.attempts
        label = np.full(len(self), -1, np.int8)
        known = np.full(len(self), np.iinfo(np.int64).max)
        is_label = np.isin(self.kind, [KIND["fraud"], KIND["honest"]]) & (self.withdrawn_at == LATEST)
        rows = np.flatnonzero(is_label)  # in order of time: the last one written stays
        label[self.about[rows]] = self.kind[rows] == KIND["fraud"]
        known[self.about[rows]] = self.time[rows]
        return label[attempts], known[attempts]


def banded(amount: Floats) -> npt.NDArray[np.int32]:
    """(n,) which amounts are alike, -1 where unknown or not above 0.

    >>> banded(np.array([100, 105, 220, 0, np.nan])).tolist()
    [40, 40, 42, -1, -1]
    """
    is_some = np.nan_to_num(amount) > 0
    band = np.floor(np.log10(np.clip(np.where(is_some, amount, 1.0), 1e-3, DEAREST)) * BANDS) + 3 * BANDS
    found: npt.NDArray[np.int32] = np.where(is_some, band, UNKNOWN).astype(np.int32)
    return found


def paired(one: npt.NDArray[np.int32], other: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """(n,) codes of pairs, -1 where one of the two is unknown."""
    joined = one.astype(np.int64) * (int(other.max(initial=0)) + 1) + other
    joined[(one < 0) | (other < 0)] = -1
    distinct, codes = np.unique(joined, return_inverse=True)
    starts = 1 if len(distinct) and distinct[0] < 0 else 0
    found: npt.NDArray[np.int32] = (codes - starts).astype(np.int32)
    return found
