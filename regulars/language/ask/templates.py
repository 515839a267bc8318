"""The questions that are understood without a language model; they stand in templates.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

FILLERS = {
    "category": "tea",
    "other": "coffee",
    "brand": "Fuji",
    "channel": "web",
    "days": "90 days",
    "number": "3",
    "money": "100",
}
"""What stands for each slot in the phrases."""

PERIODS = {"day": "天", "week": "周", "month": "月", "year": "年"}
"""Of a chart over time, in English and Chinese."""


@dataclass(frozen=True)
class Template:
    """A question that can be answered without a language model.

    Attributes
    ----------
    plan : with slots.
    phrases : how it is asked.
    defaults : slot -> what it is where the question does not say.
    """

    plan: str
    phrases: tuple[str, ...]
    defaults: dict[str, str]

    @property
    def period(self) -> str:
        """Of a chart over time."""
        return next((name for name in PERIODS if f" by {name}" in self.plan and f" by {name}day" not in self.plan), "")

    @property
    def slots(self) -> frozenset[str]:
        """What it needs to know."""
        return frozenset(name for name in FILLERS if f"{{{name}}}" in self.plan)


@cache
def templates() -> tuple[Template, ...]:
    """All of them.

    >>> len(templates()) > 30
    True
    """
    text = files("regulars.language.ask").joinpath("templates.toml").read_text("utf-8")
    return tuple(made for entry in tomllib.loads(text)["template"] for made in _each(entry))


def _each(entry: dict[str, Any]) -> Iterator[Template]:
    plan, phrases, defaults = entry["plan"], entry["phrases"], entry.get("defaults", {})
    if "{period}" not in plan:
        yield Template(plan, tuple(phrases), defaults)
        return
    for english, chinese in PERIODS.items():
        said = tuple(phrase.replace("{period}", english).replace("{周期}", chinese) for phrase in phrases)
        yield Template(plan.replace("{period}", english), said, defaults)
