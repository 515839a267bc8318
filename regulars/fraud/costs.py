"""What holding attempts costs and saves: which to hold, and from which expected loss on."""

from __future__ import annotations

from typing import NamedTuple

import altair as alt
import numpy as np
import numpy.typing as npt
from altair.typing import ChartType

from regulars.config import FraudSettings
from regulars.evaluation import palette

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

POINTS = 90


def expected_loss(risk: Floats, amount: Floats, settings: FraudSettings) -> Floats:
    """(n,) what an attempt costs in the mean if it is let through: risk times share of the amount and the bank's fee.

    An unknown amount counts as nothing, so that the fee alone is at risk; so does a negative one.

    >>> settings = FraudSettings(fee=15, loss_share=1)
    >>> expected_loss(np.array([0.1, 0.1]), np.array([85.0, np.nan]), settings).tolist()
    [10.0, 1.5]
    """
    found: Floats = risk * (np.maximum(np.nan_to_num(amount), 0.0) * settings.loss_share + settings.fee)
    return found


class Held(NamedTuple):
    """(n,) each: which attempts are worth a person's look, and which of these could be blocked without one."""

    review: Bools
    block: Bools


def hold(risk: Floats, amount: Floats, settings: FraudSettings) -> Held:
    """What each attempt asks for, by what is cheapest in the mean.

    To let it through costs its expected loss; a look costs a reviewer's minutes; to block it costs, if it was honest,
    a share of its amount. Where the amount is not known, neither is what a block would cost: a person looks.

    >>> settings = FraudSettings(fee=15, review_minutes=3, review_cost=0.5, insult_share=0.5)
    >>> held = hold(np.array([0.01, 0.3, 0.999, 0.999]), np.array([50.0, 50.0, 50.0, np.nan]), settings)
    >>> held.review.tolist(), held.block.tolist()
    ([False, True, True, True], [False, False, True, False])
    """
    loss = expected_loss(risk, amount, settings)
    look = settings.review_minutes * settings.review_cost
    insult = np.where(amount > 0, (1 - risk) * settings.insult_share * amount, np.inf)
    return Held(loss > look, (insult < look) & (insult < loss))


class Curve(NamedTuple):
    """What it would have cost to hold the attempts of most expected loss: (points,) each.

    Attributes
    ----------
    held : how many were held; threshold : the expected loss from which on.
    losses : money lost to frauds that went through; reviews : what the looks cost.
    """

    held: npt.NDArray[np.int64]
    threshold: Floats
    losses: Floats
    reviews: Floats

    @property
    def total(self) -> Floats:
        """Both together."""
        return self.losses + self.reviews

    @property
    def best(self) -> int:
        """The place of the cheapest point."""
        return int(np.argmin(self.total))


def curve(is_fraud: Floats, risk: Floats, amount: Floats, settings: FraudSettings) -> Curve:
    """From attempts whose outcome is known.

    >>> found = curve(np.array([1.0, 0.0]), np.array([0.9, 0.1]), np.array([100.0, 100.0]), FraudSettings(fee=0))
    >>> found.held.tolist(), found.losses.tolist(), found.reviews.tolist(), int(found.held[found.best])
    ([0, 1, 2], [100.0, 0.0, 0.0], [0.0, 1.5, 3.0], 1)
    """
    loss = expected_loss(risk, amount, settings)
    order = np.argsort(-loss, kind="stable")
    lost = is_fraud * (np.maximum(np.nan_to_num(amount), 0.0) * settings.loss_share + settings.fee)
    saved = np.concatenate([[0.0], np.cumsum(lost[order])])
    held = np.unique(np.geomspace(1, len(loss) + 1, POINTS).astype(np.int64)) - 1
    threshold = np.concatenate([[np.inf], loss[order]])[held]
    reviews = held.astype(np.float64) * (settings.review_minutes * settings.review_cost)
    return Curve(held, threshold, saved[-1] - saved[held], reviews)


def curve_plot(found: Curve, currency: str) -> ChartType:
    """Total cost by how many attempts are held, and the cheapest point."""
    names = {"losses": "frauds let through", "reviews": "people's looks", "total": "together"}
    rows: list[dict[str, object]] = [
        {"held": int(held), "cost": round(float(values[k]), 2), "of": names[name]}
        for name, values in (("losses", found.losses), ("reviews", found.reviews), ("total", found.total))
        for k, held in enumerate(found.held)
    ]
    line = alt.Chart(_data(rows)).mark_line().encode(
        x=alt.X(
            "held:Q", scale=alt.Scale(type="symlog"), title="attempts held, those of most expected loss first",
            axis=alt.Axis(tickMinStep=1, format="d"),
        ),
        y=alt.Y("cost:Q", title=f"cost ({currency})"),
        color=alt.Color("of:N", title=None, scale=alt.Scale(range=[palette.BASELINE, palette.NEUTRAL, palette.MODEL])),
    )  # fmt: skip
    best = found.best
    point: list[dict[str, object]] = [{"held": int(found.held[best]), "cost": round(float(found.total[best]), 2)}]
    mark = alt.Chart(_data(point)).mark_point(size=90, filled=True, color=palette.MODEL)
    mark = mark.encode(x="held:Q", y="cost:Q", tooltip=["held:Q", "cost:Q"])
    threshold, last = found.threshold[best], int(found.held[-1])
    if np.isfinite(threshold):
        said = (
            f"Cheapest is to hold {int(found.held[best]):,} of {last:,} attempts, those with an expected loss from "
            f"{threshold:,.2f} {currency} on: {found.total[best]:,.0f} in all, against {found.total[0]:,.0f} if all "
            "go through."
        )
    else:
        said = f"Cheapest is to hold none: all frauds together cost {found.total[0]:,.0f} {currency}."
    return alt.layer(line, mark).properties(width=360, height=260, description=said)


def _data(rows: list[dict[str, object]]) -> alt.Data:
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]
