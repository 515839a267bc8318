"""Logit models of choices: one taste for all, or tastes that vary over households, learned from each one's past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import norm

from regulars.errors import InputError, NotEnoughError
from regulars.pricing.choice import kernels
from regulars.pricing.choice.choices import PRICE, Choices, Flags, Floats
from regulars.pricing.choice.draws import normal_draws
from regulars.pricing.choice.likelihood import Likelihood, Shape, tells_nothing

Spread = Literal["normal", "positive", "negative"]
KINDS: Mapping[str, int] = {
    "normal": kernels.NORMAL,
    "positive": kernels.POSITIVE,
    "negative": kernels.NEGATIVE,
}

SIGNS = {kernels.NORMAL: 0, kernels.POSITIVE: 1, kernels.NEGATIVE: -1}

FEW = 64
"""Draws by which the search comes near to the top, before all are used."""
PREDICTING_DRAWS = 2000
"""A household with many choices leaves weight on few draws of its tastes: predicting takes more than fitting."""
BLOCK = 1 << 24
"""Draws held in memory at once when predicting."""
CHOICES_EACH = 5
"""So many choices there must be for each parameter."""
STEP = 1e-3


@dataclass(frozen=True)
class Tastes:
    """What is known of each household's own coefficients, from its own choices and from those of all.

    Attributes
    ----------
    households : (h,) as the user knows them.
    names : (k,) of the coefficients that vary.
    signs : (k,) 1 or -1 of a coefficient that has one sign, 0 of one that is normal.
    mean, error : (h, k) of what to believe of each; the error falls with each choice.
    """

    households: tuple[str, ...]
    names: tuple[str, ...]
    signs: tuple[int, ...]
    mean: Floats
    error: Floats

    def of(self, name: str) -> tuple[Floats, Floats, Floats]:
        """(h,) value, and ends of the interval that holds 95 %, of one coefficient.

        Of one sign, the interval is that of a log-normal of the same mean and error: it never crosses 0.
        """
        if name not in self.names:
            raise InputError(f'no coefficient "{name}" varies over households. Those that do: {", ".join(self.names)}.')
        k = self.names.index(name)
        value, error, z = self.mean[:, k], self.error[:, k], norm.ppf(0.975)
        if not self.signs[k]:
            return value, value - z * error, value + z * error
        spread = np.sqrt(np.log1p((error / value) ** 2))
        ends = [value * np.exp(sign * z * spread - spread**2 / 2) for sign in (-1, 1)]
        return value, np.minimum(*ends), np.maximum(*ends)


@dataclass(frozen=True)
class Logit:
    """A fitted multinomial or mixed logit.

    Attributes
    ----------
    shape : which coefficients there are.
    parameters : shared coefficients, then means of those that vary, then their spread.
    covariance : of the parameters, robust and by household.
    likelihood : logarithm of that of the choices it was fitted on; equal_shares : had all been equally likely.
    choices, households : how many it was fitted on.
    alternatives, features : names, in their order.
    notes : what a reader must know to not be misled.
    """

    shape: Shape
    parameters: Floats
    covariance: Floats
    likelihood: float
    equal_shares: float
    choices: int
    households: int
    alternatives: tuple[str, ...]
    features: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def middle(self) -> Mapping[str, float]:
        """Coefficient -> its value, of those that vary that of the middle household."""
        return dict(zip(self.shape.names, self._middle(self.parameters).tolist(), strict=True))

    def _middle(self, parameters: Floats) -> Floats:
        shared, mean, _ = self.shape.parts(parameters)
        found = np.empty(len(self.shape.names))
        found[self.shape.fixed] = shared
        sign = np.where(self.shape.kind == kernels.NEGATIVE, -1.0, 1.0)
        found[self.shape.varying] = np.where(
            self.shape.kind == kernels.NORMAL, mean, sign * np.exp(np.minimum(mean, 30))
        )
        return found

    def predict(self, choices: Choices, past: Choices | None = None, is_learning: bool = False) -> Floats:
        """How likely is each alternative at each choice, for just this household?

        Parameters
        ----------
        choices : the alternatives, features and prices; what was chosen need not be known.
        past : choices of the same households before. Who has none is an average household.
        is_learning : whether each choice also knows those of its household before it in `choices`.

        Returns
        -------
        (n, j) float, rows add to 1; in the order of `choices`

        Raises
        ------
        InputError
            If alternatives or features are others than those the model was fitted on.
        """
        self._require_same(choices)
        joined, where = (choices, np.arange(len(choices))) if past is None else past.then(choices)
        is_known = joined.is_known
        if not is_learning:
            is_known[where] = False
        return self._foreseen(joined, is_known)[0][where]

    def tastes(self, choices: Choices) -> Tastes:
        """What each household's choices tell of its own coefficients, such as its sensitivity to price."""
        self._require_same(choices)
        _, mean, error = self._foreseen(choices, choices.is_known)
        who = choices.household[choices.begin[:-1]]
        return Tastes(
            tuple(choices.households[number] for number in who),
            tuple(self.shape.names[k] for k in self.shape.varying),
            tuple(SIGNS[int(kind)] for kind in self.shape.kind), mean, error,
        )  # fmt: skip

    def shares(self, choices: Choices, past: Choices | None = None) -> Floats:
        """(j,) of the market, over all choices; at other prices, give `choices.with_price(…)`."""
        found: Floats = self.predict(choices, past).mean(0)
        return found

    def elasticities(self, choices: Choices, feature: str = PRICE, past: Choices | None = None) -> Floats:
        """By how many percent does each share change when one alternative's price rises by one percent?

        Returns
        -------
        (j, j) float: rows are whose share, columns whose price. The diagonal are own elasticities.

        Examples
        --------
        See `fit`.
        """
        column = choices.column(feature)
        found = np.empty((len(self.alternatives), len(self.alternatives)))
        for k in range(len(self.alternatives)):
            ends = []
            for step in (STEP, -STEP):
                features = choices.features.copy()
                features[:, k, choices.names.index(feature)] = column[:, k] * (1 + step)
                ends.append(self.shares(choices.with_all(features), past))
            with np.errstate(divide="ignore", invalid="ignore"):
                found[:, k] = (ends[0] - ends[1]) / (ends[0] + ends[1]) / STEP
        return found

    def willingness_to_pay(self, draws: int = 2000, seed: int = 0) -> dict[str, tuple[float, float, float]]:
        """For how much more money does the middle household accept each feature, or a brand over the first?

        Returns
        -------
        name -> value, and ends of the interval that holds 95 %: minus the coefficient over that of the price

        Source
        ------
        Krinsky and Robb (1986), On Approximating the Statistical Properties of Elasticities: draws of the parameters.
        """
        at = self.shape.names.index(PRICE)
        rng = np.random.default_rng(seed)
        drawn = rng.multivariate_normal(self.parameters, self.covariance, draws, method="eigh")
        values = np.array([self._middle(each) for each in drawn])
        middle = self._middle(self.parameters)
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = np.quantile(-values / values[:, [at]], [0.025, 0.975], axis=0)
            money = -middle / middle[at]
        return {
            name: (float(money[k]), float(ends[0, k]), float(ends[1, k]))
            for k, name in enumerate(self.shape.names)
            if k != at
        }

    def summary(self) -> str:
        """A table: coefficients with robust standard errors, spreads over households, and how well it fits.

        For a coefficient with one sign, mean and spread are of its logarithm.
        """
        errors = np.sqrt(np.maximum(np.diag(self.covariance), 0))
        kinds = {number: name for name, number in KINDS.items()}
        shape, lines = self.shape, [f"{'':28}{'estimate':>10}{'error':>10}{'z':>8}{'p':>8}"]
        order = [*shape.fixed.tolist(), *shape.varying.tolist()]
        of_kind = {int(k): kinds[int(kind)] for k, kind in zip(shape.varying, shape.kind, strict=True)}
        labels = [shape.names[k] + (f" ({of_kind[k]})" if k in of_kind else "") for k in order]
        for row, column in zip(*shape.factor_at, strict=True):
            first, second = shape.names[shape.varying[row]], shape.names[shape.varying[column]]
            labels.append(f"spread of {first}" if row == column else f"{first} with {second}")
        for label, value, error in zip(labels, self.parameters, errors, strict=True):
            # The sign of a spread means nothing.
            shown = abs(value) if label.startswith("spread of") else value
            z = shown / error if error > 0 else np.nan
            lines.append(f"{label[:28]:28}{shown:10.4f}{error:10.4f}{z:8.2f}{2 * norm.sf(abs(z)):8.3f}")
        lines.append(
            f"{self.choices:,} choices of {self.households:,} households; log-likelihood {self.likelihood:,.1f}, "
            f"{1 - self.likelihood / self.equal_shares:.1%} better than equal shares"
        )
        return "\n".join([*lines, *self.notes])

    def _foreseen(self, choices: Choices, is_known: Flags) -> tuple[Floats, Floats, Floats]:
        shape = self.shape
        shared, mean, factor = shape.parts(self.parameters)
        design = shape.design(choices)
        fixed = design[:, :, shape.fixed] @ shared + np.where(choices.available, 0.0, -np.inf)
        varying = np.ascontiguousarray(design[:, :, shape.varying])
        households, size = len(choices.begin) - 1, len(mean)
        expected = np.empty(fixed.shape)
        centre, spread = np.empty((households, size)), np.empty((households, size))
        each = max(1, BLOCK // (PREDICTING_DRAWS * max(size, 1)))
        for first in range(0, households, each):
            last = min(first + each, households)
            noise = (
                normal_draws(last - first, size, PREDICTING_DRAWS, seed=first)
                if size
                else np.zeros((last - first, 0, 1))
            )
            kernels.foresee(
                fixed, varying, choices.chosen, is_known, choices.begin[first : last + 1], noise, mean, factor,
                shape.kind, expected, centre[first:last], spread[first:last],
            )  # fmt: skip
        return np.where(choices.available, expected, 0.0), centre, spread

    def _require_same(self, choices: Choices) -> None:
        if choices.alternatives != self.alternatives or choices.names != self.features:
            raise InputError(
                f"alternatives {', '.join(choices.alternatives)} with features {', '.join(choices.names)}: the model "
                f"knows {', '.join(self.alternatives)} with {', '.join(self.features)}."
            )


def fit(
    choices: Choices,
    random: Mapping[str, Spread] | None = None,
    *,
    constants: bool = True,
    is_correlated: bool = False,
    draws: int = 500,
    seed: int = 0,
) -> Logit:
    """How do price and other features draw households to each of several substitutes?

    A multinomial logit: the utility of an alternative is a sum of its features times coefficients, and something by
    chance. With `random`, coefficients vary over households (mixed logit): each keeps its own over all its choices,
    and they are learned for all at once by maximum simulated likelihood, with exact slopes.

    Parameters
    ----------
    choices : with known choices; those still to come are left out.
    random : coefficient -> how it varies over households
        "normal", or log-normal of one sign: "negative" suits a price. Coefficients are those of features, and of
        alternatives but the first, under their names.
    constants : whether each alternative but the first has a constant of its own.
    is_correlated : whether those that vary do so together (a full covariance).
    draws : of each household's tastes, >= 2
        They stay in memory: 8 bytes for each household, draw and coefficient that varies.

    Raises
    ------
    NotEnoughError
        If there are fewer than five choices for each parameter, or a feature tells nothing: one price only, or the
        same value for all alternatives of a choice. The message names it.
    InputError
        If `random` names what is not there.

    Source
    ------
    Train (2009), Discrete Choice Methods with Simulation, second edition: chapter 3 (logit), 6.7 (panels), 10 (maximum
    simulated likelihood), 11 (tastes of each household given its choices).

    Examples
    --------
    Two teas, the first taken at a low price, the second otherwise:

    >>> rng = np.random.default_rng(0)
    >>> price = rng.uniform(1, 3, (400, 2))
    >>> first = rng.random(400) < 1 / (1 + np.exp(2 * (price[:, 0] - price[:, 1])))
    >>> choices = Choices.of(np.repeat(np.arange(400), 2), ["green", "mate"] * 400,
    ...                      np.column_stack([first, ~first]).ravel(), price.ravel())
    >>> model = fit(choices)
    >>> -2.3 < model.middle["price"] < -1.7
    True
    >>> own = np.diag(model.elasticities(choices))
    >>> bool((own < -1).all())
    True
    """
    known = choices.some(choices.is_known)
    names = (*choices.alternatives[1:], *choices.names) if constants else choices.names
    number_of_constants = len(names) - len(choices.names)
    both = set(choices.names) & set(choices.alternatives)
    if constants and both:
        raise InputError(f'"{sorted(both)[0]}" is both an alternative and a feature: give the feature another name.')
    spreads = dict(random or {})
    for name, spread in spreads.items():
        if name not in names:
            raise InputError(f'random: no coefficient "{name}". Found: {", ".join(names)}.')
        if spread not in KINDS:
            raise InputError(f'random: {name} = "{spread}"; one of {", ".join(KINDS)} is expected.')
    varying = np.array([k for k, name in enumerate(names) if name in spreads], np.int64)
    kind = np.array([KINDS[spreads[names[k]]] for k in varying], np.int64)
    shape = Shape(names, varying, kind, is_correlated, number_of_constants)
    none = np.zeros(0, np.int64)
    plain = Shape(names, none, none, False, number_of_constants)
    if len(known) < CHOICES_EACH * shape.size:
        raise NotEnoughError(
            f"{len(known)} choices for {shape.size} parameters; at least {CHOICES_EACH * shape.size} are needed. "
            "Give fewer features, or more choices."
        )
    _require_telling(known, plain)
    common = Likelihood(known, plain, 1)
    parameters = common.climb(np.zeros(len(names)))
    likelihood = common
    if len(varying):
        parameters = _start(parameters, shape, common)
        for number in sorted({min(FEW, draws), draws}):
            likelihood = Likelihood(known, shape, number, seed)
            parameters = likelihood.climb(parameters)
    value = float(likelihood.scores(parameters)[0].sum())
    model = Logit(
        shape, parameters, likelihood.covariance(parameters), value, -float(np.log(known.available.sum(1)).sum()),
        len(known), len(known.begin) - 1, choices.alternatives, choices.names,
    )  # fmt: skip
    return _with_notes(model, known)


def _start(coefficients: Floats, shape: Shape, common: Likelihood) -> Floats:
    """Where the search for varying tastes begins: at the common ones, with some spread."""
    middle = coefficients[shape.varying]
    unit = 1 / np.maximum(common.spread[shape.varying], 1e-9)
    inside = np.select(
        [shape.kind == kernels.POSITIVE, shape.kind == kernels.NEGATIVE],
        [np.log(np.maximum(middle, 0.05 * unit)), np.log(np.maximum(-middle, 0.05 * unit))],
        middle,
    )
    factor = np.diag(0.5 * np.where(shape.kind == kernels.NORMAL, unit, 1.0))
    return np.concatenate([coefficients[shape.fixed], inside, factor[shape.factor_at]])


def _require_telling(choices: Choices, shape: Shape) -> None:
    """Each coefficient must have something to be learned from."""
    empty = tells_nothing(choices, shape)
    if PRICE in empty:
        raise NotEnoughError(
            "price: nothing can be learned about it. Each alternative has one price in all choices, or prices follow "
            "from the other features; bring choices at other prices, or try a price for a while."
        )
    if empty:
        raise NotEnoughError(
            f"{empty[0]}: nothing can be learned about it, for it is the same for all alternatives of each choice, or "
            "follows from the other features. Leave it out, or let it differ by alternative."
        )


def _with_notes(model: Logit, choices: Choices) -> Logit:
    notes = []
    bought = np.bincount(choices.chosen, minlength=len(choices.alternatives))
    never = [name for name, count in zip(choices.alternatives, bought, strict=True) if count == 0]
    if never:
        notes.append(f"Never chosen: {', '.join(never)}. Little is known of what would be.")
    if model.middle[PRICE] >= 0:
        notes.append(
            "Demand does not fall with the price here. Prices may have followed demand, or a promotion or quality "
            "that was left out: do not set prices by this model."
        )
    return Logit(**{**model.__dict__, "notes": tuple(notes)})
