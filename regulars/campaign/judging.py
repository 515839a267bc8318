"""What was found of a model, as figures, tables and charts of its report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from altair.typing import ChartType

from regulars.campaign.dataset import Dataset
from regulars.campaign.drawn import Floats
from regulars.campaign.plots import curve_plot, targeting_plot
from regulars.campaign.uplift import Judged, Trial, UpliftModel
from regulars.config import CampaignSettings
from regulars.evaluation import Metric, Table, histogram
from regulars.evaluation.wording import figure, interval
from regulars.experiment import places

OURS = "ours"
PRIMARY = "money per customer"
WORDS = {
    "nobody": "contacting nobody",
    "most likely to buy": "contacting those most likely to buy",
    "random": "contacting as many at random",
}


@dataclass(frozen=True)
class Beside:
    """Which of the simple policies a model has to beat.

    Attributes
    ----------
    names : those within the budget.
    hardest : of them the one that it is least surely better than.
    """

    names: tuple[str, ...]
    hardest: str

    @classmethod
    def of(cls, found: Judged, trial: Trial, budget: float | None) -> Beside:
        """Nobody, the most likely to buy and random; everybody too, where the budget is enough."""
        cost = dict(zip(trial.arms, trial.costs, strict=True))

        def fits(name: str) -> bool:
            arm = name.removeprefix("everybody: ")
            return arm == name or budget is None or cost[arm] <= budget + 1e-12

        names = tuple(name for name in found.differences if fits(name))
        return cls(names, min(names, key=lambda name: found.differences[name].low))

    @property
    def words(self) -> str:
        """On a sentence."""
        return in_words(self.hardest)


def in_words(policy: str) -> str:
    """A policy, on a sentence.

    >>> in_words("random"), in_words("everybody: spring by email")
    ('contacting as many at random', 'contacting everybody (spring by email)')
    """
    if policy in WORDS:
        return WORDS[policy]
    return f"contacting everybody ({policy.removeprefix('everybody: ')})"


def budget_per_customer(settings: CampaignSettings, costs: Floats, customers: int) -> float | None:
    """What `[campaign] budget` and `contacts` allow for each of so many customers; None where contacts cost nothing.

    >>> budget_per_customer(CampaignSettings(budget=10, contacts=50), np.array([0, 0.1]), 100)
    0.05
    """
    dearest = float(costs.max())
    if not dearest:
        return None
    return min(settings.budget, settings.contacts * dearest) / customers


def apart(data: Dataset) -> npt.NDArray[np.bool_]:
    """(n,) half of the customers, by a hash: all rows of one are on the same side."""
    found: npt.NDArray[np.bool_] = places("campaign apart", data.drawn.table["customer_id"]) < 0.5
    return found


def metrics(found: Judged, beside: Beside) -> tuple[Metric, ...]:
    """Money per customer beside each simple policy; first beside the hardest to beat."""
    ours = found.values[OURS]

    def one(name: str, policy: str) -> Metric:
        other, gap = found.values[policy], found.differences[policy]
        return Metric(
            name, "higher", ours.value, ours.low, ours.high, other.value, other.low, other.high, gap.low, gap.high
        )

    rest = [name for name in found.differences if name != beside.hardest]
    return (one(PRIMARY, beside.hardest), *(one(f"the same, beside {in_words(name)}", name) for name in rest))


def charts(found: Judged, model: UpliftModel, trial: Trial, currency: str) -> dict[str, ChartType]:
    """Gain over the budget, targeting curves, and how expected effects are spread."""
    effects = model.effects(trial.features).mean * model.worth
    drawn: dict[str, ChartType] = {
        "What does each budget earn?": curve_plot(found.curve, currency),
        "Does the model find those who are moved?": targeting_plot(found.ranked),
    }
    for column, name in zip(effects.T, trial.arms[1:], strict=True):
        drawn[f"What {name} is expected to bring"] = histogram(column, "Expected gain", currency)
    return drawn


def tables(found: Judged, model: UpliftModel) -> dict[str, Table]:
    """Policies, arms and learners in detail."""
    policies = []
    for name, one in found.values.items():
        gap = found.differences.get(name)
        less = "" if gap is None else interval(gap.low, gap.high)
        policies.append(
            (
                "the model's" if name == OURS else in_words(name),
                figure(one.value), interval(one.low, one.high), f"{one.contacted:.1%}", figure(one.spent), less,
            )
        )  # fmt: skip
    arms = []
    for name, order in found.ranked.items():
        arms.append(
            (
                name, figure(found.qini[name]), figure(found.auuc[name]),
                f"{figure(order.autoc)} ({interval(order.autoc_low, order.autoc_high)})",
                f"{figure(order.qini)} ({interval(order.qini_low, order.qini_high)})",
                ", ".join(f"{each:.2f}" for each in found.e_values.get(name, ())),
            )
        )  # fmt: skip
    tried = [(each.learner, f"{each.gain:.5f}", interval(each.low, each.high)) for each in model.tried]
    return {
        "Policies on customers that the model does not know": Table(
            (
                "Policy",
                "Money per customer",
                "95 %",
                "Contacted",
                "Spent per customer",
                "The model's gain over it, 95 %",
            ),
            policies,
        ),
        "Arms": Table(("Arm", "Qini", "AUUC", "AUTOC (95 %)", "QINI (95 %)", "E-values"), arms),
        "Learners tried, inside what was learned from": Table(("Learner", "Gain", "95 %"), tried),
    }
