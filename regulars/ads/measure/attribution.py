"""Who gets the credit for an order? Rules that share it out. None of them says what would have come without the ad."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, pairwise
from math import factorial
from typing import NamedTuple

from regulars.errors import InputError, NotEnoughError

LABEL = "attributed, not caused: see the experiment for what ads added"
"""Stands beside each of these figures wherever they are shown."""

MOST_CHANNELS = 12
ROUNDS = 2000


class Path(NamedTuple):
    """Channels that a customer met, in order, and the money of the order at the end; 0 where none came."""

    channels: tuple[str, ...]
    money: float


Credits = dict[str, float]


def attribute(paths: Sequence[Path], model: str) -> Credits:
    """Share the money of orders out among channels.

    Parameters
    ----------
    model : "last touch", "position" (40 % to the first, 40 % to the last, the rest evenly between), "shapley" or
        "markov". The last two need paths without an order too.

    Returns
    -------
    {channel: money}, which adds up to the money of all paths with a channel.

    Raises
    ------
    InputError
        If there is no such model, or more channels than Shapley values can be worked out for.
    NotEnoughError
        If no path has a channel and an order.

    Source
    ------
    Zhao, Mahboobi and Bagheri (2018), Shapley Value Methods for Attribution Modeling in Online Advertising; Anderl,
    Becker, von Wangenheim and Schumann (2016), Mapping the Customer Journey, for Markov removal effects.

    Examples
    --------
    >>> paths = [Path(("search", "social"), 10.0), Path(("social",), 0.0), Path(("search",), 10.0)]
    >>> attribute(paths, "last touch")
    {'search': 10.0, 'social': 10.0}
    >>> {channel: round(money) for channel, money in attribute(paths, "markov").items()}
    {'search': 12, 'social': 8}
    """
    models: Mapping[str, Callable[[Sequence[Path]], Credits]] = {
        "last touch": _last, "position": _position, "shapley": _shapley, "markov": _markov,
    }  # fmt: skip
    if model not in models:
        raise InputError(f'there is no attribution "{model}". There are: {", ".join(models)}.')
    known = [path for path in paths if path.channels]
    if not any(path.money > 0 for path in known):
        raise NotEnoughError("ads: no order came after a channel: there is nothing to share out.")
    found = models[model](known)
    return {channel: found.get(channel, 0.0) for channel in sorted({one for path in known for one in path.channels})}


def _last(paths: Sequence[Path]) -> Credits:
    found: Counter[str] = Counter()
    for path in paths:
        found[path.channels[-1]] += path.money  # type: ignore[assignment]
    return dict(found)


def _position(paths: Sequence[Path]) -> Credits:
    found: dict[str, float] = defaultdict(float)
    for channels, money in paths:
        count = len(channels)
        if count <= 2:
            for channel in channels:
                found[channel] += money / count
            continue
        for place, channel in enumerate(channels):
            found[channel] += money * (0.4 if place in (0, count - 1) else 0.2 / (count - 2))
    return found


def _shapley(paths: Sequence[Path]) -> Credits:
    """Of each order among the channels of its path, by the mean money of paths with some of these channels."""
    sets: dict[frozenset[str], list[float]] = defaultdict(list)
    for channels, money in paths:
        sets[frozenset(channels)].append(money)
    worth = {group: sum(each) / len(each) for group, each in sets.items()}
    largest = max(len(group) for group in sets)
    if largest > MOST_CHANNELS:
        raise InputError(f"a path meets {largest} channels; Shapley values are worked out for {MOST_CHANNELS} at most.")
    found: dict[str, float] = defaultdict(float)
    for group, amounts in sets.items():
        parts = {channel: max(_marginal(channel, group, worth), 0.0) for channel in group}
        total, whole = sum(parts.values()), sum(amounts)
        for channel, part in parts.items():
            found[channel] += whole * (part / total if total > 0 else 1 / len(group))
    return found


def _marginal(channel: str, group: frozenset[str], worth: Mapping[frozenset[str], float]) -> float:
    others = sorted(group - {channel})
    count, found = len(group), 0.0
    for size in range(len(others) + 1):
        weight = factorial(size) * factorial(count - size - 1) / factorial(count)
        for some in combinations(others, size):
            rest = frozenset(some)
            found += weight * (worth.get(rest | {channel}, 0.0) - worth.get(rest, 0.0))
    return found


def _markov(paths: Sequence[Path]) -> Credits:
    """By how much less would be bought if a channel led nowhere."""
    steps: dict[str, Counter[str]] = defaultdict(Counter)
    for channels, money in paths:
        way = ["(start)", *channels, "(order)" if money > 0 else "(nothing)"]
        for one, other in pairwise(way):
            steps[one][other] += 1
    chances = {
        state: {after: count / sum(counts.values()) for after, count in counts.items()}
        for state, counts in steps.items()
    }
    whole = _reached(chances, None)
    removed = {channel: 1 - _reached(chances, channel) / whole for channel in chances if channel != "(start)"}
    total, money = sum(removed.values()), sum(path.money for path in paths)
    return {channel: money * part / total for channel, part in removed.items()}


def _reached(chances: Mapping[str, Mapping[str, float]], without: str | None) -> float:
    """The chance to get from the start to an order, where one channel leads nowhere."""
    at = dict.fromkeys(chances, 0.0)
    for _ in range(ROUNDS):
        moved = 0.0
        for state, ways in chances.items():
            if state == without:
                continue
            new = sum(chance * (1.0 if after == "(order)" else at.get(after, 0.0)) for after, chance in ways.items())
            moved, at[state] = max(moved, abs(new - at[state])), new
        if moved < 1e-12:
            break
    return at["(start)"]
