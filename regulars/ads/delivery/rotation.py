"""Which creative to show? A bandit that looks at the context, forgets slowly, and gives new creatives their chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError, NotFoundError
from regulars.experiment.bandits import Bandit as _Bandit
from regulars.experiment.bandits import BetaThompson, LinearThompson

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Creative:
    """An ad.

    Attributes
    ----------
    creative_id, campaign : names. product_id : what it advertises.
    width, height : pixels; 0 for a text.
    image, url : addresses of its picture and of where a click leads; "" where the exchange has its markup already.
    """

    creative_id: str
    campaign: str
    product_id: str
    width: int = 0
    height: int = 0
    image: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        for name in ("creative_id", "campaign", "product_id"):
            if not getattr(self, name):
                raise InputError(
                    f'creative "{self.creative_id}" has no {name}. '
                    + ("Name the product that it advertises."
                       if name == "product_id" else "Give it one.")
                )  # fmt: skip
        if min(self.width, self.height) < 0:
            raise InputError(f'creative "{self.creative_id}": a size of {self.width} x {self.height} cannot be.')


HALF_LIFE_DAYS = 14.0
CLICKS = 5.0
"""What is foreseen of a creative counts as much as impressions of which so many are usually clicked."""
NOBODY = "nobody"
"""An arm that is never offered."""


class Pick(NamedTuple):
    """A creative that was chosen, and with which chance."""

    creative: Creative
    propensity: float
    context: tuple[float, ...]


class _Told(NamedTuple):
    """What was told of a creative beside its own decisions; see `Bandit.recall`."""

    contexts: Floats
    rewards: Floats
    weights: Floats
    at: datetime


class Rotation:
    """The creatives of one campaign, one or more.

    Parameters
    ----------
    features : numbers in a context, a 1 among them; 0 to choose without.
    click_share : about how many are clicked: how much chance there is in clicks at one context, and how large the
        difference between creatives may be.
    explore : share spread evenly, so that what was shown can be judged later.
    half_life_days : creatives wear out: after so long a click counts half.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2024, 5, 1, 12, tzinfo=UTC)
    >>> rotation = Rotation("spring", [Creative("red", "spring", "tea"), Creative("blue", "spring", "tea")])
    >>> for _ in range(300):
    ...     pick = rotation.pick(at=noon)
    ...     _ = rotation.seen(rotation.shown(pick, at=noon), clicked=pick.creative.creative_id == "blue", at=noon)
    >>> rotation.chances()["blue"] > 0.9
    True
    >>> rotation.add(Creative("green", "spring", "pot"))
    >>> rotation.chances()["green"] > 0.015
    True
    """

    def __init__(
        self,
        campaign: str,
        creatives: Sequence[Creative],
        *,
        features: int = 0,
        click_share: float = 0.01,
        explore: float = 0.05,
        half_life_days: float = HALF_LIFE_DAYS,
        seed: int = 0,
    ) -> None:
        strangers = [one.creative_id for one in creatives if one.campaign != campaign]
        if strangers:
            raise InputError(f"creatives {', '.join(strangers)} are not of campaign {campaign}.")
        if not creatives:
            raise InputError(f'campaign "{campaign}": one creative or more is expected.')
        if not 0 < click_share < 1:
            raise InputError(
                f"click_share = {click_share:g}: a share between 0 and 1 is expected. For 1 %, write 0.01."
            )
        deviation = (click_share * (1 - click_share)) ** 0.5
        policy = LinearThompson(features, noise=deviation, slope=deviation) if features else BetaThompson()
        self.campaign, self.features = campaign, features
        self.click_share, self.half_life_days = click_share, half_life_days
        self._rng = np.random.default_rng(seed)
        self.creatives = {one.creative_id: one for one in creatives}
        # A bandit's arms have plain names; creatives have those that a platform gave them.
        self._arms = {name: f"arm {number}" for number, name in enumerate(self.creatives)}
        self._told: dict[str, list[_Told]] = {}
        arms = list(self._arms.values())
        # A bandit begins with two arms or more; a campaign with one creative may get others later.
        spare = [] if len(arms) > 1 else [NOBODY]
        self._bandit = _Bandit(
            "creatives",
            [*arms, *spare],
            policy,
            explore=explore,
            half_life_days=half_life_days,
            seed=str(seed),
        )
        for arm in spare:
            self._bandit.retire(arm)

    def add(self, creative: Creative) -> None:
        """Another creative, from now on."""
        if creative.campaign != self.campaign:
            raise InputError(f'creative "{creative.creative_id}" is of {creative.campaign}, not of {self.campaign}.')
        self._bandit.add(self._arms.setdefault(creative.creative_id, f"arm {len(self._arms)}"))
        self.creatives[creative.creative_id] = creative

    def retire(self, creative_id: str) -> None:
        """Show it no more."""
        if creative_id not in self.creatives:
            raise NotFoundError(f'campaign {self.campaign} shows no creative "{creative_id}".')
        self._bandit.retire(self._arms[creative_id])
        del self.creatives[creative_id]

    def change(self, to: Rotation) -> None:
        """Show the creatives of another rotation from now on: what was learned of those that stay, or come back, goes
        on; new ones begin with what the other was told of them (`expect`, `recall`)."""
        for name, one in to.creatives.items():
            is_new = name not in self._arms
            if name in self.creatives:
                self.creatives[name] = one
            else:
                self.add(one)
            if is_new:
                for told in to._told.get(name, ()):
                    self._tell(name, told)
        for name in self.creatives.keys() - to.creatives.keys():
            self.retire(name)

    def pick(self, context: Sequence[float] = (), *, at: datetime, among: Sequence[Creative] | None = None) -> Pick:
        """One to bid for, of those that fit the place; default: of all. Nothing is remembered until it is shown."""
        fits = self.creatives if among is None else {one.creative_id for one in among}
        names = [name for name in self.creatives if name in fits]
        if not names:
            raise InputError(f"campaign {self.campaign}: none of its creatives is among those that fit.")
        chances = self._bandit.chances(context, among=[self._arms[name] for name in names])
        shares = np.array(list(chances.values()))
        place = int(self._rng.choice(len(names), p=shares / shares.sum()))
        return Pick(self.creatives[names[place]], float(shares[place]), tuple(context))

    def shown(self, pick: Pick, *, at: datetime) -> str:
        """It was shown; the id by which its click is told."""
        return self._bandit.choose(pick.context, among=[self._arms[pick.creative.creative_id]], at=at).decision_id

    def seen(self, decision_id: str, *, clicked: bool, at: datetime) -> bool:
        """What came of an impression; False if that was told before."""
        return self._bandit.reward(decision_id, float(clicked), at=at)

    def expect(self, creative_id: str, factor: float, contexts: Floats, *, at: datetime) -> None:
        """Begin with what is foreseen of a creative, as far as `CLICKS` says.

        Parameters
        ----------
        factor : its clicks over the usual ones. contexts : (n, features) where it may be shown, evenly.
        """
        share = min(factor * self.click_share, 1.0)
        weight = CLICKS / self.click_share / len(contexts)
        self._tell(creative_id, _Told(contexts, np.full(len(contexts), share), np.full(len(contexts), weight), at))

    def recall(self, creative_id: str, contexts: Floats, clicked: Floats, age_days: Floats, *, at: datetime) -> None:
        """Learn of impressions that others chose, such as a process before this one.

        Parameters
        ----------
        contexts : (n, features). clicked : (n,) 0 or 1. age_days : (n,) 0 or more, at `at`.
        """
        self._tell(creative_id, _Told(contexts, clicked, 0.5 ** (age_days / self.half_life_days), at))

    def _tell(self, creative_id: str, told: _Told) -> None:
        contexts, rewards, weights, at = told
        self._bandit.recall(self._arms[creative_id], contexts, rewards, weights, at=at)
        self._told.setdefault(creative_id, []).append(told)

    def settle(self, at: datetime, after: timedelta = timedelta(hours=1)) -> int:
        """Take impressions without a click for so long as seen and not clicked; how many."""
        return self._bandit.settle(at - after, at=at)

    def chances(self, context: Sequence[float] = ()) -> dict[str, float]:
        """With which chance each would be shown at a context."""
        found = self._bandit.chances(context, among=[self._arms[name] for name in self.creatives])
        return dict(zip(self.creatives, found.values(), strict=True))
