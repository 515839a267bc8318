"""Pareto/NBD with dynamic covariates: season and promotions change how fast orders come, not who leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, cast

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, psi

from regulars.churn.btyd.clock import Clock, Covariates, DatedHistories
from regulars.churn.btyd.fitting import Fitted, maximise
from regulars.churn.btyd.history import Floats, Histories
from regulars.churn.btyd.pareto_nbd import NODES, STARTS, STEEP, WEIGHTS

FEW, SOME = np.polynomial.legendre.leggauss(5), np.polynomial.legendre.leggauss(8)
GENTLE, STEADY = 1.0, 6.0
"""Where the integrand falls by less than e to these powers between two cuts, few or some nodes give eight digits."""
WIDTH = 4.0
"""Standard deviations of a covariate that are its unit in the search, whose edge then is a rate e^3 times by each."""
LEAST = 1e-300
"""Of a likelihood: where a search goes far astray it is below what a number can hold."""
BRIEF_DAYS = 16.0
"""Where the integrand falls much within so many days, each is taken by itself: the steps of a season would show."""
ENOUGH = 1_000
"""Rows from which on more than one core is used: to wake the others takes time, too."""
LEARNED_ON = 20_000
"""Customers from whom what the covariates do is learned; the rest is then fitted on all."""


@dataclass(frozen=True)
class DynamicParetoNBD:
    """The Pareto/NBD model on a clock that runs faster in season and during promotions.

    A customer orders at its own rate times exp(gamma . z), z the covariates of the day; it leaves at its own rate, by
    the calendar. The rates are Gamma over customers as in `ParetoNBD`.

    Attributes
    ----------
    r, s : shapes, without a unit. alpha, beta : in days; alpha at a speed of 1, where all covariates are 0.
    gamma : (k,) what one more of each covariate does to the logarithm of the rate of orders.
    covariates : of all days that are asked for. To see what another plan of promotions would do, `replace` them.
    fitted : its parameters are r, alpha, s, beta and the k factors exp(gamma) on the rate.

    Source
    ------
    Bachmann, Meierer and Näf (2021), The Role of Time-Varying Contextual Factors in Latent Attrition Models for
    Customer Base Analysis, with covariates of the purchase process, by days. The integral over the day of leaving is
    taken by quadrature as in `ParetoNBD`, cut where a covariate jumps.

    Examples
    --------
    A promotion in the third week doubles the orders of it:

    >>> promotion = (np.arange(42) // 7 == 2).astype(float)[:, None]
    >>> model = DynamicParetoNBD(0.55, 70.0, 0.61, 80.0, np.log([2.0]), Covariates(0, promotion))
    >>> one = DatedHistories.dated(np.array([0, 0]), np.array([0.0, 3.0]), 14.0, model.covariates)
    >>> model.expected(one, 7.0).round(3).tolist(), model.expected(one, 14.0).round(3).tolist()
    ([0.232], [0.344])
    """

    r: float
    alpha: float
    s: float
    beta: float
    gamma: Floats
    covariates: Covariates
    fitted: Fitted | None = None
    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")

    @classmethod
    def fit(cls, histories: DatedHistories, covariates: Covariates) -> DynamicParetoNBD:
        """By maximum likelihood; covariates are those that the histories were made with.

        Raises
        ------
        NotEnoughError
            If hardly anybody came back.
        ValueError
            If the covariates lack days of the histories, or one of them is the same on all.
        """
        histories.require_enough()
        begin, end = float(histories.birth.min()), float((histories.birth + histories.age).max())
        covariates.require(begin, end)
        mean, deviation = covariates.spread(begin, end)
        width = WIDTH * deviation
        standard = Covariates(covariates.first_day, (covariates.values - mean) / width)
        met = (histories.met - histories.orders[:, None] * mean) / width
        known = replace(histories, met=met)
        unit = known.customers / float(known.count @ known.age)
        found = _fitted(known, standard, unit)
        # Back to days and to the covariates as they were given; both only shift or stretch what was found.
        back = np.diag(np.append(np.ones(4), 1 / width))
        back[1, 4:] = mean / width
        logs = back @ found.logs - np.append([0, 1, 0, 1], 0 * mean) * np.log(unit)
        found = replace(found, logs=logs, covariance=back @ found.covariance @ back.T)
        r, alpha, s, beta = np.exp(logs[:4]).tolist()
        return cls(r, alpha, s, beta, logs[4:], covariates, found)

    @cached_property
    def clock(self) -> Clock:
        """What the covariates make of the days."""
        return Clock(self.covariates, self.gamma)

    @property
    def likelihood(self) -> float:
        """The logarithm of that of the data it was fitted on; NaN if it was not."""
        return float("nan") if self.fitted is None else self.fitted.likelihood

    def likelihoods(self, histories: DatedHistories) -> Floats:
        """(n,) the logarithm of the likelihood of each."""
        logs = np.append(np.log([self.r, self.alpha, self.s, self.beta]), self.gamma)
        found: Floats = _terms(logs, histories, self.covariates)[0]
        return found

    def alive(self, histories: DatedHistories) -> Floats:
        """(n,) the chance that a customer has not left yet."""
        odds = _inner((self.r, self.alpha, self.s, self.beta), histories, self.clock)[2]
        found: Floats = 1 / (1 + odds)
        return found

    def rate(self, histories: DatedHistories) -> Floats:
        """(n,) orders a day of each as long as it stays, where all covariates are 0."""
        passed = self.clock.time(histories.birth + histories.age) - self.clock.time(histories.birth)
        found: Floats = (self.r + histories.orders) / (self.alpha + passed)
        return found

    def expected(self, histories: DatedHistories, horizon: float) -> Floats:
        """(n,) orders within the horizon after the age, in days.

        Raises
        ------
        ValueError
            If the covariates lack days of the horizon.
        """
        begin = histories.birth + histories.age
        self.covariates.require(float(histories.birth.min(initial=np.inf)), float(begin.max(initial=0)) + horizon)
        place = begin - self.covariates.first_day
        stays = _time_ahead(self.s, self.beta + histories.age, place, float(horizon), self.clock.speed)
        found: Floats = self.alive(histories) * self.rate(histories) * stays
        return found


def _fitted(known: DatedHistories, covariates: Covariates, unit: float) -> Fitted:
    """All parameters, times by the unit; gamma from some of the customers where there are many."""
    scale = np.append([0, 1, 0, 1], np.zeros(covariates.values.shape[1])) * np.log(unit)

    def likelihood(logs: Floats, some: Histories) -> tuple[float, Floats]:
        value, gradient = _terms(logs - scale, cast("DatedHistories", some), covariates)
        return float(some.count @ value), some.count @ gradient

    few = known.some(LEARNED_ON) if len(known) > LEARNED_ON else known
    nothing = np.ones(len(scale) - 4)
    found = maximise(likelihood, [np.append(start, nothing).tolist() for start in STARTS], few.grouped())
    if few is known:
        return found
    gamma = found.logs[4:]

    def given_gamma(logs: Floats, some: Histories) -> tuple[float, Floats]:
        value, gradient = likelihood(np.append(logs, gamma), some)
        return value, gradient[:4]

    of_all = maximise(given_gamma, [np.exp(found.logs[:4]).tolist()], known.grouped())
    # What is not known of gamma is not known of the others either, as far as they move with it.
    of_gamma = found.covariance[4:, 4:]
    moves = found.covariance[:4, 4:] @ np.linalg.inv(of_gamma)
    covariance = found.covariance.copy()
    covariance[:4, :4] = of_all.covariance + moves @ of_gamma @ moves.T
    vague = tuple(sorted({*of_all.vague, *(k for k in found.vague if k >= 4)}))
    return Fitted(np.append(of_all.logs, gamma), covariance, of_all.likelihood, vague)


def _terms(logs: Floats, known: DatedHistories, covariates: Covariates) -> tuple[Floats, Floats]:
    """(n,) logarithms of the likelihood, and (n, 4 + k) its gradient by the logarithms of the parameters and gamma."""
    four, gamma = np.exp(logs[:4]), logs[4:]
    r, alpha, s, beta = four
    value, gradient, _ = _inner(four, known, Clock(covariates, gamma))
    which, back = known.numbers
    value += (gammaln(r + which) - gammaln(r))[back] + r * logs[1] + s * logs[3] + known.met @ gamma
    gradient[:, 0] += (psi(r + which) - psi(r))[back] + logs[1]
    gradient[:, 1:4] += [r / alpha, logs[3], s / beta]
    gradient[:, :4] *= four
    gradient[:, 4:] += known.met
    return value, gradient


def _inner(four: Any, known: DatedHistories, clock: Clock) -> tuple[Floats, Floats, Floats]:
    place = known.birth - clock.covariates.first_day
    compiled: Any = _parallel if len(known) > ENOUGH else _serial
    value, gradient, odds = compiled(
        *four, known.orders, known.last, known.age, place, clock.speed, clock.passed, clock.slopes,
        clock.slopes_passed, clock.covariates.next_cut, FEW, SOME, (NODES, WEIGHTS),
    )  # fmt: skip
    return value, gradient, odds


def _integrate(  # noqa: PLR0915 one pass over the nodes for value and gradient
    r: float, alpha: float, s: float, beta: float, orders: Any, last: Any, age: Any, birth: Any, speed: Any,
    passed: Any, slopes: Any, slopes_passed: Any, next_cut: Any, few: Any, some: Any, many: Any,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:  # fmt: skip
    """As `pareto_nbd._inner_of`, with alpha + y replaced by alpha + G(y), G the time passed on the clock.

    From cut to cut G is nearly a line: the variable in which the faster factor would fall evenly if it were one is
    integrated over. A smooth function of it, y needs no inverse of G, and where G bends the integrand does not jump.
    """
    days, columns = slopes.shape
    value, gradient, odds = np.empty(len(orders)), np.empty((len(orders), 4 + columns)), np.empty(len(orders))
    for row in numba.prange(len(orders)):
        power = r + orders[row]
        born, at, end = birth[row], birth[row] + last[row], birth[row] + age[row]
        day, day_at, day_end = int(born), min(int(at), days - 1), min(int(end), days - 1)
        start = passed[day] + (born - day) * speed[day] - alpha
        one_at = passed[day_at] + (at - day_at) * speed[day_at] - start
        begin, beginning = one_at, beta + last[row]
        finish, finishing = passed[day_end] + (end - day_end) * speed[day_end] - start, beta + age[row]
        width, width_left = np.log(finish / begin), np.log(finishing / beginning)
        log_staying = -power * width - s * width_left
        left = by_log = by_inverse = by_log_left = by_inverse_left = 0.0
        by_clock = np.zeros(columns)
        while at < end:
            stop = min(end, float(next_cut[int(at)]))
            other_at = beta + at - born
            fallen = power * np.log(one_at / begin) + (s + 1) * np.log(other_at / beginning)
            if fallen > STEEP:
                break
            for is_brief in (False, True):
                day = min(int(stop), days - 1)
                one_stop = passed[day] + (stop - day) * speed[day] - start
                falls, falls_left = power * (one_stop - one_at) / (stop - at) / one_at, (s + 1) / other_at
                steepness = power if falls >= falls_left else s + 1
                scale = steepness / max(falls, falls_left)
                part = min(np.log1p((stop - at) / scale), STEEP / steepness)
                falls_by = part * (power + s + 1)
                if is_brief or falls_by < GENTLE or scale * np.expm1(part) > BRIEF_DAYS:
                    break
                stop = min(stop, int(at) + 1.0)
            nodes, weights = few if falls_by < GENTLE else some if falls_by < STEADY else many
            for k in range(len(nodes)):
                step = scale * np.exp(part * (nodes[k] + 1) / 2)
                moment = at + (step - scale)
                day = min(int(moment), days - 1)
                one, other = passed[day] + (moment - day) * speed[day] - start, beta + moment - born
                log_one, log_other = np.log(one / begin), np.log(other / beginning)
                f = weights[k] * part / 2 * np.exp(-power * log_one - s * log_other) * step / other
                left += f
                by_log += f * log_one
                by_inverse += f / one
                by_log_left += f * log_other
                by_inverse_left += f / other
                for column in range(columns):
                    by_clock[column] += f / one * (slopes_passed[day, column] + (moment - day) * slopes[day, column])
            at, one_at = stop, one_stop
        staying = np.exp(log_staying)
        total = max(staying + s * left, LEAST)
        value[row] = np.log(total) - power * np.log(begin) - s * np.log(beginning)
        all_inverse = staying / finish + s * by_inverse
        gradient[row, 0] = -np.log(begin) - (staying * width + s * by_log) / total
        gradient[row, 1] = -power * all_inverse / total
        gradient[row, 2] = -np.log(beginning) + (left - s * by_log_left - staying * width_left) / total
        gradient[row, 3] = -(staying * s / finishing + s * (s + 1) * by_inverse_left) / total
        day = int(born)
        for column in range(columns):
            since = slopes_passed[day, column] + (born - day) * slopes[day, column]
            until = slopes_passed[day_end, column] + (end - day_end) * slopes[day_end, column]
            over = staying / finish * until + s * by_clock[column] - all_inverse * since
            gradient[row, 4 + column] = -power * over / total
        odds[row] = s * left * np.exp(min(-log_staying, 700.0))
    return value, gradient, odds


_serial = numba.njit(cache=True, nogil=True)(_integrate)
_parallel = numba.njit(cache=True, parallel=True)(_integrate)


@numba.njit(cache=True, parallel=True)
def _time_ahead(s: float, beta: Any, begin: Any, horizon: float, speed: Any) -> npt.NDArray[np.float64]:
    """(n,) time on the clock within a horizon that a customer stays in the mean, who has not left by its begin."""
    found = np.zeros(len(beta))
    for row in numba.prange(len(beta)):
        at, end, stayed = begin[row], begin[row] + horizon, 0.0
        while at < end:
            day = int(at)
            at = min(end, day + 1.0)
            log_later = np.log1p((at - begin[row]) / beta[row])
            until = log_later if abs(s - 1) < 1e-9 else -np.expm1(-(s - 1) * log_later) / (s - 1)
            found[row] += speed[day] * beta[row] * (until - stayed)
            stayed = until
    return found
