"""Coming, consenting, objecting: the events of customers' standing with the shop."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regulars.simulate.customers import SOURCES, Customers
from regulars.simulate.randomness import generator
from regulars.simulate.raw import CHANNEL, CODES, Rows, blank

PURPOSE = 8
CHANGES_A_DAY = 0.0003
"""Share of active customers who withdraw consent, and of those who object, each day."""

BY_SOURCE = np.array([CHANNEL["search"], CHANNEL["friend"], CHANNEL["social"]])


def events(
    customers: Customers,
    is_active: npt.NDArray[np.bool_],
    has_consent: npt.NDArray[np.bool_],
    first_seen: npt.NDArray[np.int64],
    day: int,
    seed: int,
    consent_text: int,
) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Sign-ups of a day, by search, a friend or an ad, and changes of consent.

    Parameters
    ----------
    first_seen : (n,) microseconds of the day at which each is first seen on it; the sign-up is before.

    Returns
    -------
    The events, and the customers whose consent is gone from now on.
    """
    rng = generator(seed, PURPOSE, day)
    new = np.flatnonzero(customers.arrives == day)
    # On the first day the shop says who came before, from where, and whom it may write to.
    known = np.flatnonzero(customers.arrives < 0) if day == 0 else new[:0]
    at = np.maximum(np.minimum(first_seen[new], (rng.random(len(new)) * 80_000e6).astype(np.int64)) - 90_000_000, 0)

    def of(who: npt.NDArray[np.int64], kind: str, time: npt.NDArray[np.int64]) -> Rows:
        rows = blank(len(who))
        rows["customer"], rows["type"], rows["time"] = who, CODES[kind], time
        return rows

    is_ad = customers.source[new] == SOURCES.index("ads")
    clicked = of(new[is_ad], "ad_clicked", at[is_ad])
    signed = of(new, "signed_up", at + 60_000_000)
    signed["traits"] = customers.traits[new]
    named = of(new, "customer_identified", at + 60_000_000)
    named["traits"] = customers.traits[new]
    for rows in (clicked, signed, named):
        who = rows["customer"]
        rows["device"], rows["ip"] = customers.device[who], customers.ip[who]
        rows["channel"] = BY_SOURCE[customers.source[who]]
    agreed = customers.consent[new]
    given = of(new[agreed], "consent_given", at[agreed] + 61_000_000)
    before = of(
        known[customers.consent[known]], "consent_given", np.zeros(int(customers.consent[known].sum()), np.int64)
    )
    identified = of(known, "customer_identified", np.zeros(len(known), np.int64))
    identified["traits"] = customers.traits[known]
    identified["device"] = customers.device[known]
    draw = rng.random(len(customers))
    may_be_asked = is_active & has_consent & (customers.arrives < day)
    withdrawn = np.flatnonzero(may_be_asked & (draw < CHANGES_A_DAY))
    objecting = np.flatnonzero(may_be_asked & (draw > 1 - CHANGES_A_DAY))
    changes = [
        of(who, kind, (rng.random(len(who)) * 80_000e6).astype(np.int64))
        for who, kind in ((withdrawn, "consent_withdrawn"), (objecting, "objection_made"))
    ]
    for rows in (given, before, *changes):
        rows["text"] = consent_text
    return np.concatenate([clicked, signed, named, given, identified, before, *changes]), np.concatenate(
        [withdrawn, objecting]
    )
