"""Each contact of late weakens the next: by how much, as the shop's lots tell."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from regulars.campaign.uplift.scores import expected_apart
from regulars.lifecycle.past import SENT

if TYPE_CHECKING:
    from regulars.campaign.uplift import Trial
    from regulars.lifecycle.actions.candidates import Floats
    from regulars.shop import Shop

HALF_DAYS = 14.0
"""After so many days a contact counts half."""
OLDEST_DAYS = 8 * HALF_DAYS
USUAL = 0.3
"""By so much a contact weakens the next as long as nothing is known: the mean of an exponential prior. Chosen on
simulated shops of seed 101, where more than .1 brought more."""
RATES = np.linspace(0.0, 2.0, 81)
LEAST_EXPECTED = 0.01
"""Visits: who is hardly expected at all would else weigh without bound."""


@dataclass(frozen=True)
class Fatigue:
    """How an effect falls with contacts of late: as exp(-rate x contacts).

    Attributes
    ----------
    rate : 0 where contacts do not tire.
    mean : of that factor, among those from whom effects were learned.

    Source
    ------
    The rate's posterior mean on a grid. Each rate's fit is that of effects proportional to visits, by what is left of
    the visits and of the arm: Robinson (1988), Root-N-Consistent Semiparametric Regression.
    """

    rate: float = 0.0
    mean: float = 1.0

    def factor(self, contacts: Floats) -> Floats:
        """(n,) by what effects are multiplied of customers who had so many contacts of late.

        >>> Fatigue(rate=0.5, mean=0.8).factor(np.array([0.0, 1.0, 4.0])).round(2).tolist()
        [1.25, 0.76, 0.17]
        """
        found: Floats = np.exp(-self.rate * contacts) / self.mean
        return found

    @classmethod
    def fit(cls, trial: Trial, contacts: Floats) -> Self:
        """From a trial that tells visits; without, what is usual.

        Parameters
        ----------
        contacts : (n,) of late, before each draw; see `recent`.
        """
        rate = USUAL
        if trial.visits is not None:
            counted = replace(trial, outcome=trial.visits, kind="count", visits=None)
            expected = (trial.propensity * expected_apart(counted)).sum(1)
            rate = _rate(trial, np.maximum(expected, LEAST_EXPECTED), contacts)
        return cls(rate, float(np.exp(-rate * contacts).mean()))

    def to_bytes(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what `to_bytes` gave."""
        return cls(**json.loads(data))


def _rate(trial: Trial, expected: Floats, contacts: Floats) -> float:
    """The posterior mean; effects of arms are what fits best under each rate."""
    # Visits vary as much as are expected: weighed so, all rows are alike.
    left = (np.asarray(trial.visits) - expected) / np.sqrt(expected)
    is_arm = np.eye(len(trial.arms))[trial.arm] - trial.propensity
    unrested = is_arm[:, 1:] * np.sqrt(expected)[:, None]
    errors = np.empty(len(RATES))
    for k, rate in enumerate(RATES):
        columns = unrested * np.exp(-rate * contacts)[:, None]
        size, *_ = np.linalg.lstsq(columns, left, rcond=None)
        errors[k] = np.square(left - columns @ size).sum()
    log_chance = -(errors - errors.min()) / (2 * errors.min() / len(left)) - RATES / USUAL
    chance = np.exp(log_chance - log_chance.max())
    return float(RATES @ chance / chance.sum())


def recent(shop: Shop, pairs: pa.Table) -> Floats:
    """(n,) messages that customers were sent before moments, each counted half after a fortnight.

    Parameters
    ----------
    pairs : (n,) customer_id and as_of; moments may differ.
    """
    members = shop.identities.members(pairs).rename_columns({"customer_id": "raw_id"})
    asked = shop.engine.table(members)
    events = shop.identities.raw(shop.events.filter(shop.events.type == SENT, shop.events.line == 0))
    met = events.join(asked, [events.customer_id == asked.raw_id, events.time < asked.as_of])
    days = (met.as_of.epoch_seconds() - met.time.epoch_seconds()) / 86_400.0
    met = met.mutate(days=days)
    weight = (-np.log(2) / HALF_DAYS * met.days).exp()
    found = shop.engine.to_arrow(met.filter(met.days < OLDEST_DAYS).group_by("place").agg(contacts=weight.sum()))
    contacts = np.zeros(pairs.num_rows)
    contacts[found["place"].to_numpy()] = found["contacts"].to_numpy()
    return contacts
