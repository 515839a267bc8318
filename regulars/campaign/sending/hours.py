"""Where a customer is on the clock: time zones, quiet hours, and the hour at which each one opens messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.clock import moment_of, time_zones
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.shop import Shop

Ints = npt.NDArray[np.int64]
SECOND = 1_000_000
HOUR, DAY = 3600 * SECOND, 86_400 * SECOND
QUARTER = HOUR // 4
"""Zones change their clocks on quarters of an hour."""
SHRINKAGE = 10.0
"""The shop's own hours count as so many opens of each customer: who opened twice has no hour of his own yet."""
NEIGHBOURS = (0.25, 0.5, 0.25)
"""An open speaks for the hour before and after too."""


@cache
def zones_of_countries() -> dict[str, str]:
    """The zone of each country that has only one, by its two letters.

    >>> zones_of_countries()["GB"], zones_of_countries()["CN"], "US" in zones_of_countries()
    ('Europe/London', 'Asia/Shanghai', False)
    """
    lines = [line.split("\t") for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text().splitlines()]
    found: dict[str, list[str]] = {}
    for line in lines:
        if len(line) >= 3 and not line[0].startswith("#"):
            found.setdefault(line[0], []).append(line[2])
    # Of China's two the second is no legal time; all else with several is left out.
    return {country: zones[0] for country, zones in found.items() if len(zones) == 1 or country == "CN"}


def zones(customers: pa.Table, default: str) -> npt.NDArray[np.str_]:
    """(n,) the time zone of each customer.

    By the trait `timezone` if it names one; else the country's, where that has one only; else the shop's.

    Parameters
    ----------
    customers : rows of `customers_as_of`.
    default : the shop's zone.
    """
    of_country = zones_of_countries()
    countries = pa.array(list(of_country), pa.string())
    place = pc.index_in(pc.utf8_upper(customers["jurisdiction_country"]), countries)
    found = pc.fill_null(pa.array(list(of_country.values()), pa.string()).take(place), default)
    said = pc.fill_null(pc.match_substring(customers["attributes"], '"timezone"'), False)
    result = np.array(found.to_pylist(), dtype=object)
    for row in np.flatnonzero(said.to_numpy()).tolist():
        named = json.loads(customers["attributes"][row].as_py()).get("timezone")
        if named in time_zones():
            result[row] = named
    return result.astype(str)


def local(times: Ints, zone: npt.NDArray[np.str_]) -> Ints:
    """(n,) microseconds since 1970 on the clock of each zone's wall, from those in UTC."""
    east = np.zeros(len(times), np.int64)
    for name in np.unique(zone):
        mine = np.flatnonzero(zone == name)
        quarters, place = np.unique(times[mine] // QUARTER, return_inverse=True)
        info = ZoneInfo(str(name))
        offsets = [_east(int(quarter) * QUARTER, info) for quarter in quarters]
        east[mine] = np.array(offsets, np.int64)[place]
    return times + east


def in_utc(walls: Ints, zone: npt.NDArray[np.str_]) -> Ints:
    """(n,) back from there; of an hour that a clock skips, the moment after it, of one that comes twice the first."""
    # By how a clock stood the day before and stands the day after; what a change lies between is told by going back.
    before, after = (walls - (local(day, zone) - day) for day in (walls - DAY, walls + DAY))
    is_after = (local(before, zone) != walls) & (local(after, zone) == walls)
    return np.where(is_after, after, before)


def quiet_until(times: Ints, zone: npt.NDArray[np.str_], start_hour: int, end_hour: int) -> Ints:
    """(n,) the same time, or where that lies in quiet hours, when they end.

    Parameters
    ----------
    start_hour, end_hour : on the customer's clock; both the same for no quiet hours.

    Examples
    --------
    >>> from regulars.clock import micros
    >>> night = micros(datetime.fromisoformat("2024-05-01T21:30Z"))
    >>> found = quiet_until(np.array([night, night]), np.array(["Europe/London", "America/New_York"]), 21, 8)
    >>> [str(np.datetime64(int(each), "us"))[:16] for each in found]
    ['2024-05-02T07:00', '2024-05-01T21:30']
    """
    wall = local(times, zone)
    of_day = wall % DAY
    start, end = start_hour * HOUR, end_hour * HOUR
    is_quiet = (of_day >= start) & (of_day < end) if start <= end else (of_day >= start) | (of_day < end)
    return np.where(is_quiet, in_utc(wall + (end - of_day) % DAY, zone), times)


def next_at(times: Ints, zone: npt.NDArray[np.str_], minute_of_day: Ints | int, weekday: int | None = None) -> Ints:
    """(n,) when the clock next shows a time of day (on a weekday, 0 is Monday), at or after each time."""
    wall = local(times, zone)
    ahead = (np.asarray(minute_of_day) * 60 * SECOND - wall % DAY) % DAY
    found = wall + ahead
    if weekday is not None:
        # 1 January 1970 was a Thursday.
        found = found + (weekday - (found // DAY + 3) % 7) % 7 * DAY
    return np.maximum(in_utc(found, zone), times)


def local_day(times: Ints, zone: npt.NDArray[np.str_]) -> Ints:
    """(n,) days since 1970 on each one's calendar."""
    return local(times, zone) // DAY


@dataclass(frozen=True)
class BestHours:
    """At which hour to write to whom.

    Attributes
    ----------
    usual : (24,) the share of the shop's opens in each hour, on customers' clocks, smoothed.
    of : (24,) opens of each customer who has any, smoothed.
    """

    usual: npt.NDArray[np.float64]
    of: Mapping[str, npt.NDArray[np.float64]]

    def hours(self, customers: list[str], start_hour: int, end_hour: int) -> Ints:
        """(n,) the best hour of each outside quiet hours: own opens shrunk towards those of the shop.

        Examples
        --------
        >>> usual = np.full(24, 0.5 / 23)
        >>> usual[9] = 0.5
        >>> often = np.zeros(24)
        >>> often[19] = 12
        >>> BestHours(usual, {"ada": often, "bob": often / 6}).hours(["ada", "bob", "eve"], 21, 8).tolist()
        [19, 9, 9]
        """
        hour = np.arange(24)
        if start_hour <= end_hour:
            is_quiet = (hour >= start_hour) & (hour < end_hour)
        else:
            is_quiet = (hour >= start_hour) | (hour < end_hour)
        own = np.array([self.of.get(each, np.zeros(24)) for each in customers]).reshape(-1, 24)
        score = own + SHRINKAGE * self.usual
        best: Ints = np.where(is_quiet, -1.0, score).argmax(axis=1)
        return best


def best_hours(shop: Shop, as_of: datetime, customers: pa.Table, zone: npt.NDArray[np.str_]) -> BestHours:
    """Learned from the messages that customers opened before a moment, on their own clocks.

    Parameters
    ----------
    customers, zone : rows of `customers_as_of`, and the zone of each.
    """
    events = shop.events
    opened = events.filter(events.type == "message_opened", events.time < ibis.literal(as_of))
    opened = shop.identities.named(opened.select("customer_id", "anonymous_id", "time"), as_of)
    rows = shop.engine.to_arrow(opened.filter(opened.customer_id.notnull()).select("customer_id", "time"))
    place = pc.index_in(rows["customer_id"], customers["customer_id"].combine_chunks())
    rows, place = rows.filter(pc.is_valid(place)), place.drop_null().to_numpy()
    counts = np.zeros((0, 24))
    who, at = np.unique(place, return_inverse=True)
    if rows.num_rows:
        times = rows["time"].cast(TIME).cast(pa.int64()).to_numpy()
        hour = local(times, zone[place]) % DAY // HOUR
        counts = np.bincount(at * 24 + hour, minlength=len(who) * 24).reshape(-1, 24).astype(float)
    left, middle, right = NEIGHBOURS
    smooth = left * np.roll(counts, 1, 1) + middle * counts + right * np.roll(counts, -1, 1)
    # A flat day is added: of a shop without opens no hour is better than another.
    total = smooth.sum(0) + 1.0
    names = customers["customer_id"].take(pa.array(who)).to_pylist()
    return BestHours(total / total.sum(), dict(zip(names, smooth, strict=True)))


def _east(microseconds: int, zone: ZoneInfo) -> int:
    shift = moment_of(microseconds).astimezone(zone).utcoffset() or timedelta()
    return shift // timedelta(microseconds=1)
