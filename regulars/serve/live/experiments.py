"""Experiments that run: who is in which arm, in microseconds; the first arm that somebody met stays."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regulars import clock
from regulars.errors import NotFoundError
from regulars.experiment import exposures
from regulars.experiment.assign import Plan
from regulars.experiment.registry import Experiment, Experiments, StartedError

if TYPE_CHECKING:
    from regulars.shop import Shop

Key = tuple[tuple[str, str, float, int], ...]


@dataclass
class Running:
    """One experiment.

    Attributes
    ----------
    met : {customer: the arm it met first}, by the log and since.
    """

    experiment: Experiment
    plan: Plan
    met: dict[str, str] = field(default_factory=dict)

    def arm(self, customer: str) -> str | None:
        """The arm of a customer; None if it is in none.

        Raises
        ------
        StartedError
            If the experiment does not run.
        """
        if self.experiment.status != "running":
            raise StartedError(f'experiment "{self.experiment.name}" is {self.experiment.status}, and assigns nobody.')
        return self.met.get(customer) or self.plan.arm(customer)


class Assignment:
    """All experiments of a shop, read anew when one changes.

    Parameters
    ----------
    turn : of the shop's engine.
    """

    def __init__(self, shop: Shop, turn: AbstractContextManager[object]) -> None:
        self._shop, self._known, self._turn = shop, Experiments(shop.state), turn
        self._running: dict[str, Running] = {}

    def key(self) -> Key:
        """What changes when an experiment does."""
        return tuple((each.name, each.status, each.share, each.generation) for each in self._known.all())

    def made(self) -> Assignment:
        """Read anew."""
        holdout = self._known.holdout
        found = {}
        for each in self._known.all():
            before = self._running.get(each.name)
            is_same = before is not None and before.experiment.generation == each.generation
            met = before.met if before is not None and is_same else self._met(each)
            found[each.name] = Running(each, each.plan(holdout), met)
        self._running = found
        return self

    def of(self, name: str) -> Running:
        """One experiment; NotFoundError if there is none."""
        if name not in self._running:
            there = ", ".join(sorted(self._running)) or "none"
            raise NotFoundError(f'There is no experiment "{name}". There are: {there}.')
        return self._running[name]

    def _met(self, each: Experiment) -> dict[str, str]:
        if each.status != "running":
            return {}
        with self._turn:
            table = exposures(self._shop, each.name, clock.now())
        return dict(zip(table["customer_id"].to_pylist(), table["variant"].to_pylist(), strict=True))
