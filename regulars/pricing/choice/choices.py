"""Choices among substitutes as arrays: one row an alternative comes in, one block a choice goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError, NotEnoughError
from regulars.pricing.response.checking import numbers

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

PRICE = "price"
UNKNOWN = -1
"""The chosen alternative of a choice that is still to come."""
ABSURD = 1000.0
"""A price so many times the middle price of its alternative is in another currency or unit, or a slip."""


@dataclass(frozen=True)
class Choices:
    """What was to be had at each choice, and what was taken; households together, and in time order inside each.

    Attributes
    ----------
    features : (n, j, k) float, of each alternative at each choice; 0 where it was not to be had.
    available : (n, j) whether it was.
    chosen : (n,) number of the alternative, -1 where it is not known yet.
    household : (n,) number, rising.
    households, alternatives, names : as the user knows them; `names` of the features, the price first.
    row : (n,) number of the choice in the order that the user gave, 0 the first.
    """

    features: Floats
    available: Flags
    chosen: Numbers
    household: Numbers
    households: tuple[str, ...]
    alternatives: tuple[str, ...]
    names: tuple[str, ...]
    row: Numbers

    @classmethod
    def of(
        cls,
        choice: npt.ArrayLike,
        alternative: npt.ArrayLike,
        chosen: npt.ArrayLike | None,
        price: npt.ArrayLike,
        features: Mapping[str, npt.ArrayLike] | None = None,
        household: npt.ArrayLike | None = None,
    ) -> Choices:
        """From long rows: one for each alternative that was to be had at a choice.

        Parameters
        ----------
        choice : (m,) any values
            Which choice (purchase) a row belongs to. Choices are taken to have happened in the order of their first
            rows, household by household.
        alternative : (m,) any values
            The product or brand. One without a row was not to be had at that choice.
        chosen : (m,) bool, or None
            Whether it was taken: one row of each choice. None, or no such row: the choice is still to come.
        price : (m,) float, > 0
        features : name -> (m,) float
            What else may draw or put off: promotion, display, season by alternative.
        household : (m,) any values, optional
            Who chose. Left out, each choice is another's.

        Raises
        ------
        InputError
            If lengths differ, an alternative comes twice in one choice, several are chosen, a value is no number, or
            a price is not above 0 or absurdly far from the others of its alternative. The message names the choice.

        Examples
        --------
        >>> choices = Choices.of(["a", "a", "b", "b"], ["tea", "mate", "tea", "mate"], [1, 0, 0, 1], [2, 3, 4, 3])
        >>> choices.chosen.tolist(), choices.alternatives
        ([1, 0], ('mate', 'tea'))
        """
        price = numbers(PRICE, price)
        columns = {PRICE: price, **{name: np.asarray(column) for name, column in (features or {}).items()}}
        label, option = np.asarray(choice).astype(str), np.asarray(alternative).astype(str)
        who = label if household is None else np.asarray(household).astype(str)
        taken = np.zeros(len(label), bool) if chosen is None else _flags(chosen)
        _require_lengths(label, {"alternative": option, "chosen": taken, "household": who, **columns})
        _require_prices(price, label, option)
        for name, column in columns.items():
            _require_numbers(name, column, label, option)
        if features and PRICE in features:
            raise InputError('features: "price" is given apart, as price=…. Leave it out here.')

        _, first, code = np.unique(label, return_index=True, return_inverse=True)
        alternatives, at = np.unique(option, return_inverse=True)
        if len(alternatives) < 2:
            raise NotEnoughError(f"all rows are of {alternatives[0]}: a choice needs two alternatives at least.")
        households, household_of = _by_appearance(who)
        order = np.lexsort((first, household_of[first]))
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        code = place[code]
        cell = code * len(alternatives) + at
        twice = np.bincount(cell).max()
        if twice > 1:
            row = int(np.flatnonzero(np.bincount(cell)[cell] > 1)[0])
            raise InputError(f'choice {label[row]}: alternative "{option[row]}" comes {twice} times; give it one row.')
        if (household_of != household_of[first[order]][code]).any():
            row = int(np.flatnonzero(household_of != household_of[first[order]][code])[0])
            raise InputError(f"choice {label[row]}: rows of several households. Give each choice a name of its own.")
        many = np.bincount(code, taken)
        if (many > 1).any():
            where = label[first[order]][int(np.argmax(many))]
            raise InputError(f"choice {where}: {int(many.max())} alternatives are chosen; exactly one is expected.")
        block = np.zeros((len(order), len(alternatives), len(columns)))
        block[code, at] = np.column_stack([column.astype(np.float64) for column in columns.values()])
        available = np.zeros(block.shape[:2], bool)
        available[code, at] = True
        picked = np.full(len(order), UNKNOWN, np.int64)
        picked[code[taken]] = at[taken]
        return cls(
            block, available, picked, household_of[first[order]].astype(np.int64), tuple(households.tolist()),
            tuple(alternatives.tolist()), tuple(columns), np.argsort(np.argsort(first))[order],
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.chosen)

    @cached_property
    def begin(self) -> Numbers:
        """(h + 1,) the first choice of each household that has any, and how many choices there are."""
        return np.append(np.flatnonzero(np.diff(self.household, prepend=-1)), len(self))

    @cached_property
    def position(self) -> Numbers:
        """(n,) how many choices of the same household come before each."""
        found: Numbers = np.arange(len(self)) - np.repeat(self.begin[:-1], np.diff(self.begin))
        return found

    @property
    def is_known(self) -> Flags:
        """(n,) whether it is known what was chosen."""
        return self.chosen >= 0

    def column(self, name: str) -> Floats:
        """(n, j) one feature.

        Raises
        ------
        InputError
            If there is none of that name; the message lists those that exist.
        """
        if name not in self.names:
            raise InputError(f'no feature "{name}". Found: {", ".join(self.names)}.')
        found: Floats = self.features[:, :, self.names.index(name)]
        return found

    def some(self, rows: Flags) -> Choices:
        """Of the choices where `rows` (n,) is true."""
        return replace(
            self, features=self.features[rows], available=self.available[rows], chosen=self.chosen[rows],
            household=self.household[rows], row=self.row[rows],
        )  # fmt: skip

    def with_features(self, names: Sequence[str], columns: Floats) -> Choices:
        """With more features (n, j, more)."""
        wide = np.concatenate([self.features, np.where(self.available[:, :, None], columns, 0.0)], axis=2)
        return replace(self, features=wide, names=(*self.names, *names))

    def with_all(self, features: Floats) -> Choices:
        """The same choices with other values of the same features (n, j, k)."""
        return replace(self, features=features)

    def then(self, later: Choices) -> tuple[Choices, Numbers]:
        """These choices and later ones, each household's together; and at which of them (n,) each later one stands.

        Raises
        ------
        InputError
            If alternatives or features differ.
        """
        if self.alternatives != later.alternatives or self.names != later.names:
            raise InputError(
                f"past choices among {', '.join(self.alternatives)} with {', '.join(self.names)}, later ones among "
                f"{', '.join(later.alternatives)} with {', '.join(later.names)}: both must be the same."
            )
        households = tuple(dict.fromkeys([*self.households, *later.households]))
        number = {name: k for k, name in enumerate(households)}
        of_self = np.array([number[name] for name in self.households], np.int64)[self.household]
        of_later = np.array([number[name] for name in later.households], np.int64)[later.household]
        household = np.concatenate([of_self, of_later])
        order = np.argsort(household, kind="stable")
        joined = Choices(
            np.concatenate([self.features, later.features])[order],
            np.concatenate([self.available, later.available])[order],
            np.concatenate([self.chosen, later.chosen])[order], household[order], households,
            self.alternatives, self.names, np.arange(len(household))[order],
        )  # fmt: skip
        return joined, np.argsort(order)[len(self) :]

    def with_price(self, price: Floats) -> Choices:
        """The same choices at other prices (n, j)."""
        features = self.features.copy()
        features[:, :, self.names.index(PRICE)] = np.where(self.available, price, 0.0)
        return replace(self, features=features)

    def given_order(self, values: Floats) -> Floats:
        """Values (n, …) by choice, put into the order in which the user gave the choices."""
        return values[np.argsort(self.row, kind="stable")]


def _by_appearance(names: npt.NDArray[np.str_]) -> tuple[npt.NDArray[np.str_], Numbers]:
    """The different names in the order in which they first come, and the number of each row's."""
    found, first, code = np.unique(names, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return found[order], rank[code]


def _flags(chosen: npt.ArrayLike) -> Flags:
    values = np.asarray(chosen)
    if not np.isin(values, (0, 1)).all():
        raise InputError(f"chosen: {values[~np.isin(values, (0, 1))][0]}; true or false (1 or 0) is expected.")
    return values.astype(bool)


def _require_lengths(label: npt.NDArray[np.str_], columns: Mapping[str, npt.NDArray[np.generic]]) -> None:
    if not len(label):
        raise NotEnoughError("there is no choice: at least one row is needed.")
    for name, column in columns.items():
        if column.shape != label.shape:
            raise InputError(f"{name}: shape {column.shape}; one value a row is expected, {label.shape}.")


def _require_numbers(
    name: str, column: npt.NDArray[np.generic], label: npt.NDArray[np.str_], option: npt.NDArray[np.str_]
) -> None:
    if column.dtype.kind not in "biuf":
        raise InputError(
            f"{name}: {column.dtype} values; numbers are expected. For words, give one column of 0 and 1 each."
        )
    wrong = ~np.isfinite(column.astype(np.float64))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f'choice {label[row]}, alternative "{option[row]}": {name} is {column[row]}; a number is expected.'
        )


def _require_prices(price: Floats, label: npt.NDArray[np.str_], option: npt.NDArray[np.str_]) -> None:
    _require_numbers(PRICE, price, label, option)
    wrong = price <= 0
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f'choice {label[row]}, alternative "{option[row]}": price {price[row]:g}; a price above 0 is expected. '
            "Leave out the row of what was not to be had, and of what was given away."
        )
    for name in np.unique(option):
        inside = option == name
        middle = float(np.median(price[inside]))
        far = inside & ((price > middle * ABSURD) | (price < middle / ABSURD))
        if far.any():
            row = int(np.argmax(far))
            raise InputError(
                f'choice {label[row]}, alternative "{name}": price {price[row]:g} beside a middle price of {middle:g}. '
                "Is it in another currency or unit? Put all prices into one."
            )
