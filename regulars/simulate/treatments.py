"""What contacts do to customers: effects that fade, fatigue that weakens them, households they spill over to.

On the day of an action a on customer i, with c recent contacts (each halved every `fatigue_days`):

    boost_i += effect_ia exp(-fatigue c)     (a sleeping dog's effect is below 0 and does not tire)
    boost_j += spill_over x the same         for all others j of the household
    c       += 1

and the visit rate is multiplied by exp(boost), which halves every `half_life_days`. A sleeping dog, and
whoever has not consented, is besides `annoyance` days nearer to leaving. An ad does all this where it is shown,
a recommendation where the customer comes and sees it: it moves later visits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regulars.simulate.customers import ACTIONS, KINDS, Customers
from regulars.simulate.decisions import MOST_OFFERED, Checked
from regulars.simulate.params import TreatmentParams
from regulars.simulate.randomness import generator
from regulars.simulate.raw import CODES, Rows, blank

PURPOSE = 5
MESSAGE, COUPON, DISCOUNT, AD, RECOMMEND = range(len(ACTIONS))
OPENED, CLICKED = 0.35, 0.3
"""Shares of messages opened, and of those opened that are clicked; twice as many by the persuadable."""
PERSUADABLE = KINDS.index("persuadable")
SLEEPING_DOG = KINDS.index("sleeping dog")

Indices = npt.NDArray[np.int64]


class Treatments:
    """How customers stand to the shop's contacts: (n,) each.

    Attributes
    ----------
    boost : logarithm by which the visit rate is changed now.
    contacts : recent ones.
    consent : who may be contacted.
    used_up : of a customer's patience, see `customers.Customers`.
    coupon, coupon_until : share at hand, and the last day on which it counts.
    discount : share off on this day.
    offered, offers : which list is whose (-1: none), and the lists.
    campaigns, chances : of each list.
    """

    def __init__(self, said: TreatmentParams, customers: Customers) -> None:
        self._said, self._customers = said, customers
        count = len(customers)
        self.boost = np.zeros(count)
        self.contacts = np.zeros(count)
        self.used_up = np.zeros(count)
        self.consent = customers.consent.copy()
        self.coupon, self.coupon_until = np.zeros(count, np.float32), np.full(count, -1, np.int64)
        self.discount = np.zeros(count, np.float32)
        self.offered, self.offers = np.full(count, -1, np.int32), np.full((1, MOST_OFFERED), -1, np.int32)
        self.campaigns, self.chances = np.full(1, -1, np.int32), np.zeros(1, np.float32)
        # Households as runs: neighbours of one number. The mates of a customer are those of its run.
        self._sizes = np.bincount(customers.household, minlength=count)

    def copy(self) -> Treatments:
        """Another of the same state."""
        other = object.__new__(Treatments)
        other.__dict__ = {
            name: value.copy() if isinstance(value, np.ndarray) else value for name, value in self.__dict__.items()
        }
        return other

    def wake(self, day: int) -> None:
        """A night has passed: effects and fatigue fade, yesterday's offers are gone."""
        self.boost *= 0.5 ** (1 / self._said.half_life_days)
        self.contacts *= 0.5 ** (1 / self._said.fatigue_days)
        self.coupon[self.coupon_until < day] = 0.0
        self.discount[:] = 0.0
        self.offered[:] = -1

    def act(self, customer: Indices, action: Indices | int, strength: npt.NDArray[np.float64] | float = 1.0) -> None:
        """Let actions have their effect; `strength` is a share of it."""
        people, said = self._customers, self._said
        effect = people.effect[customer, action].astype(np.float64) * strength
        effect *= np.where(effect > 0, np.exp(-said.fatigue * self.contacts[customer]), 1.0)
        np.add.at(self.boost, customer, effect)
        np.add.at(self.contacts, customer, 1.0)
        is_annoyed = (people.kind[customer, action] == SLEEPING_DOG).astype(float) + ~self.consent[customer]
        self.hurt(customer, is_annoyed * said.annoyance * strength)
        if said.spill_over > 0:
            first = people.household[customer].astype(np.int64)
            self._spill(first, customer, effect * said.spill_over)

    def _spill(self, first: Indices, customer: Indices, effect: npt.NDArray[np.float64]) -> None:
        shared = self._sizes[first] > 1
        for step in range(int(self._sizes.max())):  # households have four members at most
            mate = first[shared] + step
            lives_there = (step < self._sizes[first[shared]]) & (mate != customer[shared])
            np.add.at(self.boost, mate[lives_there], effect[shared][lives_there])

    def hurt(self, customer: Indices, days: npt.NDArray[np.float64]) -> None:
        """Bring customers so many days nearer to leaving."""
        np.add.at(self.used_up, customer, self._customers.hazard[customer] * days)

    def apply(self, checked: Checked, day: int, seed: int, campaigns: Indices) -> Rows:
        """Carry out all but ads; the events of messages and coupons. Recommendations move who sees them: `seen`."""
        customer, action = checked.customer, checked.action
        has_coupon, has_discount = action == COUPON, action == DISCOUNT
        self.coupon[customer[has_coupon]] = checked.share[has_coupon]
        self.coupon_until[customer[has_coupon]] = day + self._said.coupon_days - 1
        self.discount[customer[has_discount]] = checked.share[has_discount]
        is_offer = action == RECOMMEND
        self.offered[customer[is_offer]] = np.arange(is_offer.sum(), dtype=np.int32)
        if is_offer.any():
            self.offers = checked.offers[is_offer]
            self.campaigns = campaigns[is_offer].astype(np.int32)
            self.chances = checked.propensity[is_offer].astype(np.float32)
        acts = (action != AD) & (action != RECOMMEND)
        self.act(customer[acts], action[acts])
        is_sent = (action == MESSAGE) | has_coupon
        return self._messages(checked, np.flatnonzero(is_sent), day, seed, campaigns)

    def seen(self, visitors: npt.NDArray[np.int32]) -> None:
        """Recommendations have their effect on the customers who came, each named once or more."""
        who = np.unique(visitors[self.offered[visitors] >= 0]).astype(np.int64)
        self.act(who, RECOMMEND)

    def _messages(self, checked: Checked, sent: Indices, day: int, seed: int, campaigns: Indices) -> Rows:
        rng = generator(seed, PURPOSE, day)
        rows = blank(len(sent))
        customer = checked.customer[sent]
        rows["customer"], rows["channel"] = customer, checked.channel[sent]
        rows["type"], rows["product"] = CODES["message_sent"], checked.product[sent]
        rows["campaign"], rows["propensity"] = campaigns[sent], checked.propensity[sent]
        rows["time"] = (rng.random(len(sent)) * 2 * 3600e6 + 7 * 3600e6).astype(np.int64)
        persuaded = 1.0 + (self._customers.kind[customer, checked.action[sent]] == PERSUADABLE)
        is_opened = rng.random(len(sent)) < OPENED * persuaded
        is_clicked = is_opened & (rng.random(len(sent)) < CLICKED * persuaded)
        opened, clicked = rows[is_opened].copy(), rows[is_clicked].copy()
        for later, kind, wait in ((opened, "message_opened", 3600e6), (clicked, "message_clicked", 3700e6)):
            later["type"], later["propensity"] = CODES[kind], 0
            later["time"] += np.int64(wait)
        return np.concatenate([rows, opened, clicked])
