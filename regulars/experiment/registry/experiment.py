"""An experiment as it stands, and what a person may write into one."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from regulars.errors import InputError
from regulars.experiment.assign import Arm, Holdout, Plan

LONGEST_NAME, LONGEST_TEXT = 60, 2000
_NAME = re.compile(r"\w(?:[\w ]*\w)?")
UNIT = "customer"
"""What is assigned. Whoever has no id of a customer yet is assigned by the visitor's."""


@dataclass(frozen=True)
class Design:
    """What an experiment asks, and of whom: written before it starts, and fixed from then on.

    Parameters
    ----------
    arms : {name: weight}, the control first. Weights are relative: 1 and 1 are halves.
    hypothesis : what is expected, and why, in words.
    layer : experiments of one layer never share a customer; "" for none.
    low, high : the range [low, high) of the layer that this one takes.
    eligible : a rule, as of segments, of whom it is about; "" for everybody.
    primary_metric : by what it is decided.
    guardrails : metrics that must not get worse.
    planned_customers, planned_days : how long it is meant to run; what a group-sequential verdict is planned by.

    Raises
    ------
    InputError
        If a name, a weight, a range or a plan cannot be one.

    Examples
    --------
    >>> Design({"control": 1, "blue": 1}, layer="prices", high=0.5).shares
    (Arm(name='control', weight=0.5), Arm(name='blue', weight=0.5))
    """

    arms: Mapping[str, float]
    hypothesis: str = ""
    layer: str = ""
    low: float = 0.0
    high: float = 1.0
    eligible: str = ""
    primary_metric: str = ""
    guardrails: tuple[str, ...] = ()
    planned_customers: int | None = None
    planned_days: int | None = None
    shares: tuple[Arm, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", _shares(self.arms))
        if self.layer:
            object.__setattr__(self, "layer", checked_name("a layer", self.layer))
        elif (self.low, self.high) != (0.0, 1.0):
            raise InputError("a range is a range of a layer, and none is named. Name one: --layer NAME")
        if not 0 <= self.low < self.high <= 1:
            raise InputError(f"the range from {self.low:g} to {self.high:g}: 0 <= from < to <= 1 is expected.")
        for what, number in (("planned customers", self.planned_customers), ("planned days", self.planned_days)):
            if number is not None and number < 1:
                raise InputError(f"{what} = {number}: at least 1 is expected.")
        for text in (self.hypothesis, self.eligible, self.primary_metric, *self.guardrails):
            checked_text(text)


def _shares(arms: Mapping[str, float]) -> tuple[Arm, ...]:
    if len(arms) < 2:
        raise InputError(f"{len(arms)} arm: an experiment compares at least two. Give them as control=1, blue=1.")
    names = [checked_name("an arm", name) for name in arms]
    for one, other in pairwise(sorted(names, key=str.casefold)):
        if one.casefold() == other.casefold():
            raise InputError(f'the arms "{one}" and "{other}" differ by letter case alone. Name one of them otherwise.')
    for name, weight in arms.items():
        if not (math.isfinite(weight) and weight > 0):
            raise InputError(
                f'arm "{name}" has the weight {weight:g}; more than 0 is expected. Leave out an empty arm.'
            )
    total = math.fsum(arms.values())
    return tuple(Arm(name, weight / total) for name, weight in zip(names, arms.values(), strict=True))


class Change(NamedTuple):
    """One change: when, by whom, what, and its details."""

    at: datetime
    who: str
    what: str
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Experiment:
    """An experiment as it stands.

    Attributes
    ----------
    status : "draft" (may still be written), "running", "stopped" (assigns nobody), "decided" (stopped, with a verdict).
    arms : the control first, weights adding to 1.
    share : of the customers in its range that are in it, [0, 1]; what ramps raise.
    generation : from 1; each reset deals all customers anew, and begins another.
    verdict : what was decided: arm, reason, by, at, and whatever figures came with it.
    """

    name: str
    hypothesis: str
    unit: str
    status: str
    arms: tuple[Arm, ...]
    layer: str
    low: float
    high: float
    eligible: str
    primary_metric: str
    guardrails: tuple[str, ...]
    planned_customers: int | None
    planned_days: int | None
    share: float
    generation: int
    salt: str
    created_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    verdict: Mapping[str, Any] | None

    def plan(self, holdout: Holdout | None) -> Plan:
        """How it assigns, whether it is running or not."""
        return Plan(self.salt, self.arms, self.share, self.layer, self.low, self.high, holdout)


def checked_name(what: str, name: str) -> str:
    """A name as it is kept: letters of any script, digits and "_", with spaces between words.

    Raises
    ------
    InputError
        If it is none.

    Examples
    --------
    >>> checked_name("an arm", "春季 2024")
    '春季 2024'
    """
    name = unicodedata.normalize("NFC", name)
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise InputError(
            f'"{name}" cannot be the name of {what}: letters of any script, digits, "_", and spaces between words, '
            f"{LONGEST_NAME} characters at most."
        )
    return name


def checked_text(text: str) -> str:
    """A text that a person typed; InputError if it is too long or holds what is no letter."""
    if len(text) > LONGEST_TEXT:
        raise InputError(f"a text of {len(text):,} characters; at most {LONGEST_TEXT:,} are kept. Write it shorter.")
    if any((ord(letter) < 32 and letter not in "\n\t") or 0xD800 <= ord(letter) < 0xE000 for letter in text):
        raise InputError("a text holds a control character. Write it as plain text.")
    return text
