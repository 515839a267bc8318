"""A bandit: chooses arms by chance, tells the chance, and learns from rewards that come later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars import clock
from regulars.errors import InputError, NotFoundError
from regulars.events.schema import TIME
from regulars.experiment.assign import places
from regulars.experiment.bandits import written
from regulars.experiment.bandits.policies import Policy
from regulars.experiment.bandits.written import Pending
from regulars.experiment.registry.experiment import checked_name

Floats = npt.NDArray[np.float64]

STEP = 1000
"""Evidence fades in steps of this part of its half-life, so that chances need not be worked out for each decision."""

CHOICES = pa.schema(
    [
        pa.field("decision_id", pa.string(), nullable=False),
        pa.field("arm", pa.string(), nullable=False),
        pa.field("propensity", pa.float64(), nullable=False),
        pa.field("time", TIME, nullable=False),
    ]
)


class Choice(NamedTuple):
    """A decision: its id, by which the reward comes back, the arm, and the chance with which it was chosen."""

    decision_id: str
    arm: str
    propensity: float


class Day(NamedTuple):
    """What exploring cost on a day (UTC): decisions, and the money that was expected to be lost by the even share."""

    date: str
    decisions: int
    cost: float


class Bandit:
    """Several arms, one of them chosen at a time.

    The arm is drawn from the chances themselves, by a hash of the seed and the decision's number: the propensity is
    exact, and the same seed and rewards give the same choices. One process at a time may use a bandit.

    Parameters
    ----------
    name : begins the ids of its decisions.
    arms : names, two or more.
    policy : how it learns and chooses: BetaThompson, NormalThompson, Greedy, LinearThompson or LinearUCB.
    explore : share of decisions that is spread evenly over the arms, [0, 1]: each has at least explore / arms. What it
        costs is told by `exploration`.
    half_life_days : after so many days a reward counts half; None for ever.
    worth : money a reward of 1 is worth, above 0.
    seed : any text.

    Raises
    ------
    InputError
        If a name or a number cannot be one.

    Examples
    --------
    >>> from datetime import UTC
    >>> from regulars.experiment.bandits.policies import BetaThompson
    >>> monday = datetime(2024, 5, 6, tzinfo=UTC)
    >>> bandit = Bandit("banner", ["red", "blue"], BetaThompson(), explore=0.1)
    >>> choice = bandit.choose(at=monday)
    >>> choice
    Choice(decision_id='banner/0', arm='blue', propensity=0.5)
    >>> bandit.reward(choice.decision_id, 1.0, at=monday), bandit.reward(choice.decision_id, 1.0, at=monday)
    (True, False)
    >>> {arm: round(chance, 3) for arm, chance in bandit.chances().items()}
    {'red': 0.35, 'blue': 0.65}
    """

    def __init__(
        self,
        name: str,
        arms: Sequence[str],
        policy: Policy,
        *,
        explore: float = 0.0,
        half_life_days: float | None = None,
        worth: float = 1.0,
        seed: str = "",
    ) -> None:
        if not 0 <= explore <= 1:
            raise InputError(f"explore = {explore:g}: a share between 0 and 1 is expected. For 5 %, write 0.05.")
        for what, number in (("half_life_days", half_life_days), ("worth", worth)):
            if number is not None and not 0 < number < np.inf:
                raise InputError(f"{what} = {number:g}: more than 0 is expected.")
        if len(set(arms)) < max(len(arms), 2):
            raise InputError(f"arms {', '.join(arms)}: two or more, each once, are expected.")
        self.name = checked_name("a bandit", name)
        self.policy, self.explore, self.half_life_days, self.worth, self.seed = (
            policy,
            explore,
            half_life_days,
            worth,
            seed,
        )
        self._seen = {checked_name("an arm", arm): np.zeros(policy.size) for arm in arms}
        self._offered = list(self._seen)
        self._pending: dict[int, Pending] = {}
        self._days: dict[str, tuple[int, float]] = {}
        self._next = 0
        self._at: datetime | None = None
        self._known: dict[tuple[str, ...], tuple[Floats, Floats]] = {}

    @property
    def arms(self) -> list[str]:
        """The arms that are offered, in the order in which they came."""
        return list(self._offered)

    @property
    def waiting(self) -> int:
        """How many decisions have no reward yet."""
        return len(self._pending)

    def add(self, arm: str) -> None:
        """Offer an arm, from now on. One that was offered before goes on with what was seen of it.

        Raises
        ------
        InputError
            If it is offered already, or the name cannot be one.
        """
        arm = checked_name("an arm", arm)
        if arm in self._offered:
            raise InputError(f'bandit "{self.name}" offers "{arm}" already.')
        self._seen.setdefault(arm, np.zeros(self.policy.size))
        self._offered.append(arm)

    def retire(self, arm: str) -> None:
        """Offer an arm no more. Rewards of its past decisions still count, should it come back.

        Raises
        ------
        NotFoundError
            If it is not offered.
        InputError
            If it is the only one left.
        """
        self._require([arm])
        if len(self._offered) == 1:
            raise InputError(f'"{arm}" is the only arm that bandit "{self.name}" has left. Add another first.')
        self._offered.remove(arm)

    def choose(
        self, context: Sequence[float] = (), *, among: Sequence[str] | None = None, at: datetime | None = None
    ) -> Choice:
        """Choose an arm for one context; see `choose_many`."""
        (row,) = self.choose_many([context], among=among, at=at).select(Choice._fields).to_pylist()
        return Choice(**row)

    def choose_many(
        self, contexts: npt.ArrayLike, *, among: Sequence[str] | None = None, at: datetime | None = None
    ) -> pa.Table:
        """Choose an arm for each of n contexts, by what is known now.

        Parameters
        ----------
        contexts : (n, features); of a policy without contexts, (n, 0).
        among : the arms that can be chosen this time, such as those in stock; default: all that are offered.
        at : the moment; default: the clock's present.

        Returns
        -------
        (n,) rows in the columns of `CHOICES`.

        Raises
        ------
        InputError
            If a context has not as many numbers as the policy's, or one is not finite.
        NotFoundError
            If an arm is not offered.
        """
        at = at or clock.now()
        rows = self._checked(contexts)
        arms = self._require(self._offered if among is None else among)
        self._fade(at)
        plain, chances = self._chances(arms, rows)
        numbers = np.arange(self._next, self._next + len(rows))
        drawn = places(f"bandit/{self.seed}/{self.name}", pa.array(numbers).cast(pa.string()))
        ends = np.cumsum(chances, axis=1)
        # An arm without a chance is never chosen, not even where the ends, added up, stay below 1.
        last = chances.shape[1] - 1 - np.argmax(chances[:, ::-1] > 0, axis=1)
        chosen = np.minimum((drawn[:, None] >= ends).sum(axis=1), last)
        self._count_cost(at, arms, rows, plain - chances)
        self._next += len(rows)
        names = np.array(arms, dtype=object)[chosen].tolist()
        kept = map(tuple, rows.tolist())
        self._pending.update(zip(numbers.tolist(), map(Pending, names, [at] * len(rows), kept), strict=True))
        columns = {
            "decision_id": [f"{self.name}/{number}" for number in numbers.tolist()],
            "arm": names,
            "propensity": chances[np.arange(len(rows)), chosen],
            "time": [at] * len(rows),
        }
        return pa.table(columns, schema=CHOICES)

    def chances(self, context: Sequence[float] = (), *, among: Sequence[str] | None = None) -> dict[str, float]:
        """With which chance each arm would be chosen now."""
        arms = self._require(self._offered if among is None else among)
        found = self._chances(arms, self._checked([context]))[1][0].tolist()
        return dict(zip(arms, found, strict=True))

    def reward(self, decision_id: str, value: float, *, at: datetime | None = None) -> bool:
        """Learn what came of a decision, at any time later; False if that was told before. See `reward_many`."""
        return self.reward_many([decision_id], [value], at=at) == 1

    def reward_many(self, decision_ids: Iterable[str], values: Iterable[float], *, at: datetime | None = None) -> int:
        """Learn what came of some decisions: each counts once, the first time that it is told.

        A late reward weighs as if it had come when its decision was made.

        Parameters
        ----------
        values : in the unit of the policy: between 0 and 1 for BetaThompson.

        Returns
        -------
        How many were new.

        Raises
        ------
        NotFoundError
            If this bandit made no such decision; then none is learned.
        InputError
            If a reward cannot be one; then none is learned.
        """
        at = at or clock.now()
        at = max(at, self._at or at)
        told: dict[int, float] = {}
        for decision_id, value in zip(decision_ids, values, strict=True):
            told.setdefault(self._number(decision_id), float(value))
        if not np.isfinite(list(told.values())).all():
            raise InputError("a reward is not a finite number. Leave out what is not known yet.")
        fresh = {number: value for number, value in told.items() if number in self._pending}
        gained = self._gathered(fresh, at)
        self._fade(at)
        for arm, evidence in gained.items():
            self._seen[arm] = self._seen[arm] + evidence
        for number in fresh:
            del self._pending[number]
        self._known.clear()
        return len(fresh)

    def recall(
        self, arm: str, contexts: npt.ArrayLike, values: npt.ArrayLike, weights: npt.ArrayLike, *, at: datetime
    ) -> None:
        """Learn of rewards that no decision of this bandit waits for: those of one before it, or what is expected.

        Parameters
        ----------
        contexts : (n, features). values : (n,) as in `reward_many`.
        weights : (n,) 0 or more; a reward of a decision made at `at` has 1.

        Raises
        ------
        NotFoundError
            If the arm is not offered.
        InputError
            If a context or a reward cannot be one.
        """
        (arm,) = self._require([arm])
        rewards, rows = np.asarray(values, np.float64), self._checked(contexts)
        if not np.isfinite(rewards).all():
            raise InputError("a reward is not a finite number. Leave out what is not known yet.")
        gained = self.policy.gather(rows, rewards, np.asarray(weights, np.float64))
        self._fade(at)
        self._seen[arm] = self._seen[arm] + gained
        self._known.clear()

    def settle(self, before: datetime, value: float = 0.0, *, at: datetime | None = None) -> int:
        """Take silence as an answer: decisions made before a moment that have no reward get this one; how many.

        Without it, arms would be judged by those alone that answered. A reward that comes after all is not counted.
        """
        late = [f"{self.name}/{number}" for number, one in self._pending.items() if one.at < before]
        return self.reward_many(late, [value] * len(late), at=at)

    def exploration(self) -> list[Day]:
        """What the even share (`explore`) was expected to cost, by day: the means of arms that the policy alone would
        have chosen, less those of the arms that were, in money."""
        return [Day(date, *counted) for date, counted in sorted(self._days.items())]

    def to_json(self) -> str:
        """All of it, as JSON."""
        return written.to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """As it was; InputError if the text is not what `to_json` gives."""
        return written.from_json(cls, text)

    def _checked(self, contexts: npt.ArrayLike) -> Floats:
        rows = np.asarray(contexts, np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.policy.features:
            raise InputError(
                f"contexts of shape {rows.shape}: (n, {self.policy.features}) is expected by {self.policy.kind}."
            )
        if not np.isfinite(rows).all():
            raise InputError("a context holds what is not a finite number. Fill what is missing first.")
        return rows

    def _require(self, arms: Sequence[str]) -> list[str]:
        """The arms, each offered and in the order of all."""
        missing = [arm for arm in arms if arm not in self._offered]
        if missing or not arms:
            said = f'does not offer "{missing[0]}"' if missing else "was given no arm to choose among"
            raise NotFoundError(f'bandit "{self.name}" {said}. It offers: {", ".join(self._offered)}.')
        return [arm for arm in self._offered if arm in set(arms)]

    def _chances(self, arms: list[str], rows: Floats) -> tuple[Floats, Floats]:
        """(n, k) the policy's own chances, and those with the even share."""
        key = tuple(arms)
        if self.policy.features or key not in self._known:
            plain = self.policy.chances(self._evidence(arms), rows if self.policy.features else np.empty((1, 0)))
            chances = (1 - self.explore) * plain + self.explore / len(arms)
            self._known[key] = plain, chances
        plain, chances = self._known[key]
        if not self.policy.features:
            shape = len(rows), len(arms)
            return np.broadcast_to(plain, shape), np.broadcast_to(chances, shape)
        return plain, chances

    def _evidence(self, arms: Sequence[str]) -> Floats:
        return np.stack([self._seen[arm] for arm in arms])

    def _count_cost(self, at: datetime, arms: list[str], rows: Floats, moved: Floats) -> None:
        """Add to a day what moving chances away from the policy's own was expected to lose."""
        lost = (
            float((moved * self.policy.means(self._evidence(arms), rows)).sum()) * self.worth if self.explore else 0.0
        )
        date = f"{at:%Y-%m-%d}"
        count, cost = self._days.get(date, (0, 0.0))
        self._days[date] = count + len(rows), cost + lost

    def _number(self, decision_id: str) -> int:
        name, _, number = decision_id.rpartition("/")
        if name != self.name or not number.isdecimal() or int(number) >= self._next:
            raise NotFoundError(
                f'bandit "{self.name}" made no decision "{decision_id}". Its ids are {self.name}/0 to '
                f"{self.name}/{self._next - 1}." if self._next else f'bandit "{self.name}" made no decision yet.'
            )  # fmt: skip
        return int(number)

    def _gathered(self, told: Mapping[int, float], at: datetime) -> dict[str, Floats]:
        """What rewards add to the evidence of each arm."""
        by_arm: dict[str, list[int]] = {}
        for number in told:
            by_arm.setdefault(self._pending[number].arm, []).append(number)
        gained = {}
        for arm, numbers in by_arm.items():
            made = [self._pending[number] for number in numbers]
            contexts = np.array([one.context for one in made], np.float64).reshape(len(made), -1)
            weights = np.array([self._left(at - one.at) for one in made])
            gained[arm] = self.policy.gather(contexts, np.array([told[number] for number in numbers]), weights)
        return gained

    def _left(self, age: timedelta) -> float:
        """Of evidence of some age, the part that still counts."""
        days = max(age / timedelta(days=1), 0.0)
        return 1.0 if self.half_life_days is None else float(0.5 ** (days / self.half_life_days))

    def _fade(self, at: datetime) -> None:
        """Let evidence fade until a moment, where enough time has gone by; time never runs back."""
        if self._at is None or self.half_life_days is None:
            self._at = at if self._at is None else max(self._at, at)
            return
        if at - self._at < timedelta(days=self.half_life_days / STEP):
            return
        left = self._left(at - self._at)
        self._seen = {arm: evidence * left for arm, evidence in self._seen.items()}
        self._at = at
        self._known.clear()
