"""How often has a person seen an ad, over all channels, and how long ago? Caps and gaps that hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from regulars.errors import InputError


@dataclass(frozen=True)
class Cap:
    """At most so many impressions of a person within a time; of one campaign, or over all.

    Attributes
    ----------
    most : 0 or more. within : above 0. campaign : None for all campaigns together.
    """

    most: int
    within: timedelta
    campaign: str | None = None

    def __post_init__(self) -> None:
        if self.most < 0 or self.within <= timedelta(0):
            raise InputError(f"a cap of {self.most} within {self.within}: 0 or more, within more than no time.")


class _Seen(NamedTuple):
    at: datetime
    campaign: str
    name: str


class Exposures:
    """Who saw what when. A bid counts from when it is made, and is taken back when it is lost: so a person for whom two
    auctions run at once is not shown one ad too many.

    Parameters
    ----------
    caps : all of them hold, over all channels.
    gap : the least time between two impressions of a person.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2024, 5, 1, 12, tzinfo=UTC)
    >>> seen = Exposures([Cap(2, timedelta(days=1))], gap=timedelta(minutes=10))
    >>> seen.refusal("ada", "spring", noon) is None
    True
    >>> seen.add("ada", "spring", noon)
    >>> seen.refusal("ada", "spring", noon + timedelta(minutes=5))
    'shown 5 minutes ago, 10 must lie between'
    >>> seen.add("ada", "summer", noon + timedelta(hours=1))
    >>> seen.refusal("ada", "spring", noon + timedelta(hours=2))
    'shown 2 of 2 times within 24 hours'
    """

    def __init__(self, caps: Sequence[Cap], gap: timedelta = timedelta(0)) -> None:
        if gap < timedelta(0):
            raise InputError(f"gap = {gap}: no time or more is expected.")
        self.caps, self.gap = tuple(caps), gap
        self._keep = max([cap.within for cap in caps] + [gap], default=timedelta(0))
        self._seen: dict[str, list[_Seen]] = defaultdict(list)

    def refusal(self, customer: str, campaign: str, at: datetime) -> str | None:
        """Why not to show; None where it may be shown."""
        times = self._seen.get(customer, ())
        if times:
            since = at - max(one.at for one in times)
            if since < self.gap:
                minutes = self.gap / timedelta(minutes=1)
                return f"shown {since / timedelta(minutes=1):.0f} minutes ago, {minutes:.0f} must lie between"
        for cap in self.caps:
            if cap.campaign not in (None, campaign):
                continue
            count = sum(one.at > at - cap.within and cap.campaign in (None, one.campaign) for one in times)
            if count >= cap.most:
                return f"shown {count} of {cap.most} times within {cap.within / timedelta(hours=1):.0f} hours"
        return None

    def add(self, customer: str, campaign: str, at: datetime, name: str = "") -> None:
        """An impression, or a bid for one, of any channel; one whose name was told before is counted once."""
        kept = [one for one in self._seen[customer] if one.at > at - self._keep]
        if not name or all(one.name != name for one in kept):
            kept.append(_Seen(at, campaign, name))
        self._seen[customer] = kept

    def take_back(self, customer: str, campaign: str, at: datetime) -> None:
        """A bid that was lost; one that is not known changes nothing."""
        found = [one for one in self._seen.get(customer, ()) if (one.at, one.campaign) == (at, campaign)]
        if found:
            self._seen[customer].remove(found[-1])

    def forget(self, customers: Iterable[str]) -> None:
        """Let go of what some customers saw."""
        for customer in customers:
            self._seen.pop(customer, None)

    @property
    def customers(self) -> list[str]:
        """Of whom something is known."""
        return list(self._seen)

    def count(self, customer: str, at: datetime) -> int:
        """How often the person was shown an ad, as far back from a moment as caps look."""
        return sum(one.at > at - self._keep for one in self._seen.get(customer, ()))
