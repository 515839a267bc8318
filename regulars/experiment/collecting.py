"""Values of an experiment's customers, and the moments asked of them: all that analysis needs of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.errors import InputError, NotEnoughError
from regulars.experiment.enrolment import Enrolment
from regulars.experiment.measuring import Sums, cuts_of, looks_of, moments, quantities_of
from regulars.experiment.metrics import Metric
from regulars.experiment.plan import AnalysisPlan
from regulars.experiment.stats import Arm, Cut, Effect, Moments, Shrunk, difference, mean_of, quantile_of, shrink
from regulars.experiment.stats.winsorising import SHARES
from regulars.experiment.values import happened, has_days, per_customer, single_values
from regulars.experiment.verdicts import find

if TYPE_CHECKING:
    from regulars.shop import Shop

LEAST_IN_SEGMENT = 100
"""Customers in each arm of a segment whose effect is told."""


@dataclass(frozen=True)
class BySegment:
    """The primary effect in each segment, drawn to the common one.

    Attributes
    ----------
    names, customers, plain : (k,) each with the effect that it measured by itself.
    shrunk : what to believe of each.
    left_out : segments with too few customers.
    """

    variant: str
    names: tuple[str, ...]
    customers: tuple[int, ...]
    plain: tuple[Effect, ...]
    shrunk: Shrunk
    left_out: tuple[str, ...]


class Collected:
    """Values of customers, and the moments that were asked of them."""

    def __init__(
        self,
        shop: Shop,
        enrolment: Enrolment,
        metrics: Sequence[Metric],
        plan: AnalysisPlan,
        looks: Sequence[datetime],
        as_of: datetime,
    ) -> None:
        self.shop, self.enrolment, self.metrics, self.plan = shop, enrolment, metrics, plan
        self.looks, self.arms = looks, plan.arms
        self.primary = next(metric for metric in metrics if metric.name == plan.primary)
        self._happened = happened(shop, enrolment.table, metrics, as_of, plan.pre_days)
        table = per_customer(self._happened, metrics, plan.pre_days, self.primary)
        table = table.append_column("arm", enrolment.table["arm"])
        for days in sorted({metric.days for metric in metrics}):
            table = table.append_column(f"look_{days}", pa.array(looks_of(enrolment.table["exposed_at"], days, looks)))
        self._rows = shop.engine.table(table)
        shares: dict[str, float] = {}
        for number, metric in enumerate(metrics):
            if metric.kind != "quantile":
                shares |= {f"value_{number}": metric.cut, f"before_{number}": metric.cut}
        self._cuts = cuts_of(shop.engine, self._rows, shares)
        self._sums: dict[int, Sums] = {}
        self._leverage: dict[int, float] = {}
        for days in sorted({metric.days for metric in metrics}):
            self._add_up(days)

    def _add_up(self, days: int) -> None:
        some = [i for i, metric in enumerate(self.metrics) if metric.days == days and metric.kind != "quantile"]
        if not some:
            return
        wanted = {str(i): quantities_of(self._rows, i, self.metrics[i], self._cuts) for i in some}
        shape = (len(self.looks), len(self.arms))
        found = moments(self.shop.engine, self._rows, (f"look_{days}", "arm"), shape, wanted)
        self._sums |= {i: found[str(i)].cumulated() for i in some}
        largest: dict[str, Any] = {}
        for i in some:
            before = quantities_of(self._rows, i, self.metrics[i], self._cuts)[len(wanted[str(i)]) // 2]
            largest |= {f"max_{i}": before.max(), f"min_{i}": before.min()}
        ends = self.shop.engine.to_arrow(self._rows.aggregate(**largest)).to_pylist()[0]
        for i in some:
            last, at = self._sums[i], self._sums[i].sums.shape[-1] // 2
            count, total = last.counts[-1].sum(), last.sums[-1, :, at].sum()
            square = last.products[-1, :, at, at].sum() - total**2 / max(count, 1)
            middle = total / max(count, 1)
            far = max(abs((ends[f"max_{i}"] or 0.0) - middle), abs((ends[f"min_{i}"] or 0.0) - middle))
            self._leverage[i] = float(min(far**2 / square, 1.0)) if square > 0 else 0.0

    def sums(self, number: int) -> Sums:
        """What was added up of a metric, up to each look, by arm."""
        return self._sums[number]

    def leverage(self, number: int) -> float:
        """See `stats.Health`."""
        return self._leverage[number]

    def exposed_by_day(self) -> Any:
        """(days, arms) customers by the day of their exposure."""
        days = pc.divide(
            pc.subtract(
                self.enrolment.table["exposed_at"].cast(pa.int64()), round(self.plan.starts_at.timestamp() * 1e6)
            ),
            86_400_000_000,
        ).to_numpy()
        arm = self.enrolment.table["arm"].to_numpy()
        cells = np.bincount(days * len(self.arms) + arm, minlength=(int(days.max()) + 1) * len(self.arms))
        return cells.reshape(-1, len(self.arms))

    def sensitivity(self, arm: int) -> tuple[Cut, ...]:
        """The primary effect at each cut, by plain means."""
        number = self.metrics.index(self.primary)
        found = []
        for share in SHARES:
            cuts = cuts_of(self.shop.engine, self._rows, {f"value_{number}": share, f"before_{number}": share})
            columns = quantities_of(self._rows, number, self.primary, cuts)
            sums = moments(
                self.shop.engine, self._rows, (f"look_{self.primary.days}", "arm"),
                (len(self.looks), len(self.arms)), {"primary": columns},
            )["primary"].cumulated()  # fmt: skip
            one = find(
                replace(self.primary, cut=share), self.arms[arm],
                [sums.at(-1, 0), sums.at(-1, arm)], self.plan, self._leverage[number],
            )  # fmt: skip
            at = cuts.get(f"value_{number}")
            found.append(Cut(share, float("inf") if at is None else at, one.effect))
        return tuple(found)

    @property
    def has_days(self) -> bool:
        """Whether the primary has a value of each day since exposure."""
        return has_days(self.primary)

    def _days(self) -> list[Any]:
        return [self._rows[f"day_{day}"] for day in range(self.primary.days)]

    def timing(self, arm: int) -> list[Moments]:
        """Of control and an arm: (value times day, value) of each customer."""
        columns = self._days()
        total = sum(columns[1:], start=columns[0])
        weighted = sum((column * float(day) for day, column in enumerate(columns) if day), start=ibis.literal(0.0))
        found = moments(
            self.shop.engine, self._rows, (f"look_{self.primary.days}", "arm"), (len(self.looks), len(self.arms)),
            {"timing": [weighted, total]},
        )["timing"].cumulated()  # fmt: skip
        return [found.at(-1, 0), found.at(-1, arm)]

    def daily_effects(self, arm: int) -> tuple[Effect, ...]:
        """The primary effect on each day since exposure."""
        columns = self._days()
        found = moments(
            self.shop.engine, self._rows, (f"look_{self.primary.days}", "arm"), (len(self.looks), len(self.arms)),
            {str(day): [column] for day, column in enumerate(columns)},
        )  # fmt: skip
        cumulated = [found[str(day)].cumulated() for day in range(len(columns))]
        return tuple(difference(mean_of(day.at(-1, arm)), mean_of(day.at(-1, 0))) for day in cumulated)

    def quantiles(self, metric: Metric) -> list[Arm | None]:
        """A quantile in each arm; None where there are too few."""
        arm = self.enrolment.table["arm"].to_numpy()
        is_over = looks_of(self.enrolment.table["exposed_at"], metric.days, self.looks) < len(self.looks)
        place, value = single_values(self._happened, metric)
        place, value = place[is_over[place]], value[is_over[place]]
        owner = arm[place]
        result: list[Arm | None] = []
        for number in range(len(self.arms)):
            try:
                result.append(quantile_of(value[owner == number], place[owner == number], metric.quantile or 0.5))
            except NotEnoughError:
                result.append(None)
        return result

    def by_segment(self, segments: pa.Table) -> tuple[BySegment, ...]:
        """The primary effect in each segment."""
        for name in ("customer_id", "segment"):
            if name not in segments.column_names:
                raise InputError(f'segments: no column "{name}". Found: {", ".join(segments.column_names)}.')
        place = pc.index_in(self.enrolment.table["customer_id"], segments["customer_id"].combine_chunks())
        texts = segments["segment"].cast(pa.string()).combine_chunks().take(place.combine_chunks()).dictionary_encode()
        names = texts.dictionary.to_pylist()
        if not names:
            return ()
        codes = pa.table(
            {"place": self.enrolment.table["place"], "segment": texts.indices.fill_null(-1).cast(pa.int64())}
        )
        rows = self._rows.inner_join(self.shop.engine.table(codes), "place")
        rows = rows.filter(rows[f"look_{self.primary.days}"] < len(self.looks))
        number = self.metrics.index(self.primary)
        columns = quantities_of(rows, number, self.primary, self._cuts)
        sums = moments(self.shop.engine, rows, ("segment", "arm"), (len(names), len(self.arms)), {"primary": columns})[
            "primary"
        ]
        found = []
        for arm, variant in enumerate(self.arms[1:], start=1):
            enough = [i for i in range(len(names)) if min(sums.counts[i, 0], sums.counts[i, arm]) >= LEAST_IN_SEGMENT]
            effects = {i: self._segment_effect([sums.at(i, 0), sums.at(i, arm)], variant) for i in enough}
            told = sorted((i for i, effect in effects.items() if effect and effect.error > 0), key=lambda i: names[i])
            if not told:
                continue
            plain = [effect for i in told if (effect := effects[i]) is not None]
            shrunk = shrink([one.difference for one in plain], [one.error for one in plain])
            rest = tuple(sorted(name for i, name in enumerate(names) if i not in told))
            sizes = tuple(int(sums.counts[i, 0] + sums.counts[i, arm]) for i in told)
            found.append(BySegment(variant, tuple(names[i] for i in told), sizes, tuple(plain), shrunk, rest))
        return tuple(found)

    def _segment_effect(self, both: Sequence[Moments], variant: str) -> Effect | None:
        try:
            return find(self.primary, variant, both, self.plan).effect
        except NotEnoughError:
            return None
