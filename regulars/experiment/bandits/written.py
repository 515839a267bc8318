"""A bandit as JSON, and back: it goes on as if nothing had been."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from regulars.errors import InputError
from regulars.experiment.bandits.linear import LinearThompson, LinearUCB
from regulars.experiment.bandits.policies import BetaThompson, Greedy, NormalThompson

if TYPE_CHECKING:
    from regulars.experiment.bandits.bandit import Bandit

Made = TypeVar("Made", bound="Bandit")

FORMAT = 1
KINDS: Mapping[str, Any] = {
    kind.kind: kind for kind in (BetaThompson, NormalThompson, Greedy, LinearThompson, LinearUCB)
}  # fmt: skip


@dataclass(frozen=True)
class Pending:
    """A decision that has no reward yet."""

    arm: str
    at: datetime
    context: tuple[float, ...]


def to_json(bandit: Bandit) -> str:
    """All of a bandit."""
    pending = {str(number): [one.arm, one.at.isoformat(), one.context] for number, one in bandit._pending.items()}
    return json.dumps(
        {
            "format": FORMAT,
            "name": bandit.name,
            "policy": {"kind": bandit.policy.kind, **asdict(bandit.policy)},  # type: ignore[call-overload]
            "explore": bandit.explore,
            "half_life_days": bandit.half_life_days,
            "worth": bandit.worth,
            "seed": bandit.seed,
            "seen": {arm: evidence.tolist() for arm, evidence in bandit._seen.items()},
            "offered": bandit._offered,
            "pending": pending,
            "days": bandit._days,
            "next": bandit._next,
            "at": bandit._at.isoformat() if bandit._at else None,
        },
        ensure_ascii=False,
        allow_nan=False,
    )


def from_json(kind: type[Made], text: str) -> Made:
    """The bandit that a text is of; InputError if it is not what `to_json` gives."""
    try:
        said = json.loads(text)
        if said["format"] != FORMAT:
            raise ValueError(f"format {said['format']}, {FORMAT} is expected")
        policy = dict(said["policy"])
        made = kind(
            said["name"], list(said["seen"]), KINDS[policy.pop("kind")](**policy), explore=said["explore"],
            half_life_days=said["half_life_days"], worth=said["worth"], seed=said["seed"],
        )  # fmt: skip
        for arm, evidence in said["seen"].items():
            numbers = np.array(evidence, np.float64)
            if numbers.shape != (made.policy.size,) or not np.isfinite(numbers).all():
                raise ValueError(f"what was seen of {arm} is not {made.policy.size} numbers")
            made._seen[arm] = numbers
        made._offered = list(said["offered"])
        if not made._offered or not set(made._offered) <= set(made._seen):
            raise ValueError("it offers arms of which nothing is kept")
        made._pending = {
            int(number): Pending(arm, datetime.fromisoformat(at), tuple(context))
            for number, (arm, at, context) in said["pending"].items()
        }
        made._days = {date: (int(count), float(cost)) for date, (count, cost) in said["days"].items()}
        made._next, made._at = int(said["next"]), datetime.fromisoformat(said["at"]) if said["at"] else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"this is no bandit as to_json writes it: {error}") from None
    return made
