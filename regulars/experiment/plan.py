"""What was agreed on before an experiment: who is compared with whom, by what, for how long, looked at how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from regulars.errors import InputError
from regulars.experiment.metrics import PRE_DAYS
from regulars.experiment.stats.group_sequential import Spending


@dataclass(frozen=True)
class AnalysisPlan:
    """How an experiment will be judged. It is fixed before the first look; else no error rate is what it says.

    Attributes
    ----------
    control : the variant that all others are compared with.
    shares : planned share of each variant, control among them.
    starts_at : the first exposure that counts, UTC.
    days : until the planned verdict. Customers count once their days of the primary metric are over, so those who come
        in the last of these days do not count in it.
    primary : name of the metric that decides.
    guardrails : for each metric that must not suffer, the largest relative loss that is agreed to, such as .02.
    alpha : two-sided error of the verdict, over all variants and looks.
    spending : how the planned verdict spreads it over looks; see `stats.spent`.
    customers : around how many, of two arms together, the confidence sequence is to be narrowest; it is right with any.
    pre_days : before exposure, by which CUPED takes noise away.

    Raises
    ------
    InputError
        If control is no variant, a share is not above 0, or a number is outside its range.
    """

    control: str
    shares: Mapping[str, float]
    starts_at: datetime
    days: int
    primary: str
    guardrails: Mapping[str, float] = field(default_factory=dict)
    alpha: float = 0.05
    spending: Spending = "even"
    customers: int = 10_000
    pre_days: int = PRE_DAYS

    def __post_init__(self) -> None:
        if self.control not in self.shares or len(self.shares) < 2:
            raise InputError(
                f'control "{self.control}" is to be one of two variants or more. There are: {", ".join(self.shares)}.'
            )
        if self.starts_at.utcoffset() is None:
            raise InputError(f"starts_at is {self.starts_at.isoformat()}, without a time zone; UTC is expected.")
        for name, share in self.shares.items():
            if not share > 0:
                raise InputError(f'variant "{name}" has share {share}: a share above 0 is expected.')
        for name, margin in self.guardrails.items():
            if not 0 < margin < 1:
                raise InputError(f'guardrail "{name}" has margin {margin}: for 2 %, write 0.02.')
        for name, value, least in (
            ("days", self.days, 1),
            ("customers", self.customers, 1),
            ("pre_days", self.pre_days, 0),
        ):
            if value < least:
                raise InputError(f"{name} is {value}: {least} or more is expected.")
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha is {self.alpha}: a number between 0 and 1 is expected, such as 0.05.")

    @property
    def arms(self) -> list[str]:
        """Control, then the other variants."""
        return [self.control, *(name for name in self.shares if name != self.control)]

    @property
    def ends_at(self) -> datetime:
        """When the planned verdict is due."""
        return self.starts_at + timedelta(days=self.days)

    @property
    def alpha_each(self) -> float:
        """The error of one variant's comparison with control (Bonferroni)."""
        return self.alpha / (len(self.shares) - 1)

    def looks(self, as_of: datetime, least_days: int) -> list[datetime]:
        """Daily looks from the first day on which anybody can count until a moment, which is the last of them."""
        number = max((as_of - self.starts_at) // timedelta(days=1), 0)
        found = [self.starts_at + timedelta(days=day) for day in range(least_days, number + 1)]
        found = [look for look in found if look < as_of]
        return [*found, as_of]
