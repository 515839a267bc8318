"""Frauds played into a log that nobody has labelled: what is found of them says whether a score is of use.

Not real ones: known ways of fraud, played at random attempts of the log. So the figures say what the score sees, not
how often there is fraud.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.fraud.attempts import Attempts, Facts
from regulars.fraud.stream import KIND, Ints, Stream, banded, paired

Floats = npt.NDArray[np.float64]

WAYS = ("a large amount", "a burst", "new accounts on one device")
EACH = 60
ONE_IN = 400
"""So often each way is played, but at most once for so many attempts: more would make fraud the usual."""
TIMES = (4.0, 10.0)
"""How many times its customer's usual a large amount is."""
BURST, FARM = 6, 6
MINUTE = 60_000_000


def play(found: Attempts, places: Ints, seed: int = 0) -> tuple[Attempts, npt.NDArray[np.bool_]]:
    """Attempts with frauds played among them, at the time of some of the places; and (attempts,) which are played."""
    rng = np.random.default_rng(seed)
    stream = found.stream
    rows = stream.attempts[places]
    each = max(min(EACH, len(places) // ONE_IN), 2)
    source, minutes, times = [], [], []
    is_new = []
    for way in WAYS:
        chosen = rng.choice(len(places), each, replace=len(places) < each)
        size = {WAYS[0]: 1, WAYS[1]: BURST, WAYS[2]: FARM}[way]
        source.append(np.repeat(chosen, size))
        minutes.append(np.cumsum(rng.uniform(0.5, 3.0, (each, size)), axis=1).ravel())
        times.append(rng.uniform(*TIMES, each) if way == WAYS[0] else rng.uniform(0.8, 1.2, each * size))
        is_new.append(np.full(each * size, way == WAYS[2]))
    at = np.concatenate(source)
    time = found.facts.time[places[at]] + (np.concatenate(minutes) * MINUTE).astype(np.int64)
    factor, new = np.concatenate(times), np.concatenate(is_new)
    usual = _usual(stream, places)
    amount = np.where(factor > 2, usual[at], found.facts.amount[places[at]]) * factor
    codes = {entity: each_code[rows[at]].copy() for entity, each_code in stream.codes.items()}
    for entity in ("customer", "email", "payment", "phone"):
        if entity in codes:
            fresh = int(stream.codes[entity].max(initial=-1)) + 1 + np.arange(int(new.sum()))
            codes[entity][new] = fresh.astype(np.int32)
    codes["amount_band"] = banded(amount)
    joined = Stream(
        np.concatenate([stream.time, time]),
        np.concatenate([stream.kind, np.full(len(time), KIND["attempt"], np.int8)]),
        np.concatenate([stream.amount, amount]),
        np.arange(len(stream) + len(time)),
        {entity: np.concatenate([stream.codes[entity], codes[entity]]) for entity in codes},
        stream.names,
    )
    for one in ("device", "address", "payment"):
        if f"customer_{one}" in joined.codes:
            pair = paired(joined.codes["customer"], joined.codes[one])
            joined = replace(joined, codes={**joined.codes, f"customer_{one}": pair})
    order = np.argsort(joined.time, kind="stable")
    ordered = replace(
        joined, time=joined.time[order], kind=joined.kind[order], amount=joined.amount[order],
        codes={entity: each_code[order] for entity, each_code in joined.codes.items()},
    )  # fmt: skip
    facts = _with(found.facts, places[at], time, amount)
    by_time = np.argsort(facts.time, kind="stable")
    is_played = (np.arange(len(facts)) >= len(found))[by_time]
    every = np.concatenate([np.arange(len(found)), places[at]])[by_time]
    table, taken = found.table.take(pa.array(every)), facts.take(by_time)
    surprise = None
    if found.surprise is not None:
        surprise = replace(found.surprise, values=found.surprise.values[every])
    known = np.ones(len(facts), bool)
    return Attempts(ordered, table, taken, known, is_played.astype(np.int8), surprise), is_played


def _usual(stream: Stream, places: Ints) -> Floats:
    """(places,) the mean amount of the customer of each; of nobody's the mean of all."""
    rows = stream.attempts
    amount = np.nan_to_num(stream.amount[rows])
    if "customer" not in stream.codes:
        return np.full(len(places), amount.mean())
    code = stream.codes["customer"][rows]
    owner = np.where(code < 0, code.max() + 1, code)
    mean: Floats = np.bincount(owner, amount) / np.maximum(np.bincount(owner), 1)
    return mean[owner[places]]


def _with(facts: Facts, places: Ints, time: Ints, amount: Floats) -> Facts:
    """Facts, and those of some again at other times and amounts."""
    again = replace(facts.take(places), time=time, amount=amount)
    texts = (pa.concat_arrays([getattr(facts, name), getattr(again, name)]) for name in ("email", "name", "ip"))
    email, name, ip = texts
    return Facts(
        np.concatenate([facts.time, time]), np.concatenate([facts.amount, amount]),
        np.concatenate([facts.signed_up, again.signed_up]), email, name, ip,
        np.concatenate([facts.has_coupon, again.has_coupon]), np.concatenate([facts.places, again.places], axis=1),
        {key: np.concatenate([values, again.numbers[key]]) for key, values in facts.numbers.items()},
    )  # fmt: skip
