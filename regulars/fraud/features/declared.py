"""What is asked of the past of each attempt: every feature is declared once, here.

Of one declaration come the columns for all attempts of a log (`batch`) and what a live attempt is judged by
(`online`), so training and serving cannot drift apart; a test holds them equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

How = Literal["count", "sum", "distinct", "decayed", "first", "last", "run", "run_since"]

MINUTE, HOUR, DAY = 60, 3600, 86400
WINDOWS = (5 * MINUTE, HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY)
LONGEST = 90 * DAY
"""Seconds; of what is older, only the first time, the whole count and decayed sums are kept."""
MOST_ROWS = 500
"""Distinct values are counted among so many last rows of a window at most: behind a proxy stand thousands."""
LARGE = 3.0
"""An attempt is large from so many times the mean of its customer's last 90 days on."""


@dataclass(frozen=True)
class Measure:
    """One number of the rows before an attempt that share an entity with it.

    Attributes
    ----------
    entity : which entity is shared.
    rows : kind of the rows, as in `stream.KINDS`; "label" for frauds and honest ones together, "large" for attempts of
        several times what their customer is used to, "large_fraud" and "usual_fraud" for frauds among these and among
        the others, "usual_label" for the latter and honest ones together.
    how : count; sum of amounts; distinct values of another entity; decayed count; seconds since the first or the
        last; run: how many frauds since the last honest one; run_since: seconds since the first of these was tried.
    seconds : the window, which ends before the attempt; of decayed its half-life; 0 for all time.
    of : the entity whose values are counted.
    """

    entity: str
    rows: str
    how: How
    seconds: int = 0
    of: str = ""

    @property
    def name(self) -> str:
        """Such as `device_attempts_1h`, `ip_customers_7d`.

        >>> Measure("device", "attempt", "count", 3600).name
        'device_attempts_1h'
        >>> Measure("ip", "attempt", "distinct", 7 * DAY, "payment").name
        'ip_payments_7d'
        """
        what = {
            "count": f"{self.rows}s",
            "sum": "amount" if self.rows == "attempt" else f"{self.rows}_amount",
            "distinct": f"{self.of}s",
            "decayed": f"{self.rows}s_fading",
            "first": f"since_first_{self.rows}",
            "last": f"since_last_{self.rows}",
            "run": f"{self.rows}_run".replace("label", "fraud"),
            "run_since": f"{self.rows}_run_since".replace("label", "fraud"),
        }[self.how]
        return f"{self.entity}_{what}" + (f"_{span(self.seconds)}" if self.seconds else "")


def span(seconds: int) -> str:
    """A window in short: 300 is 5m, 3600 is 1h, 86400 is 1d."""
    for unit, letter in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds // unit}{letter}"
    return f"{seconds}s"


class Ratio(NamedTuple):
    """(above + prior x weight) / (below + weight); unknown where nothing is below. Both are names of columns.

    With a weight it is a share, drawn towards the base rate of what the model learned from.
    """

    name: str
    above: str
    below: str
    weight: float = 0.0


def _of(entity: str) -> list[Measure]:
    """What is asked of any entity."""
    found = [Measure(entity, "attempt", "count", window) for window in WINDOWS]
    found += [Measure(entity, "attempt", "sum", window) for window in WINDOWS[2:]]
    found += [Measure(entity, "attempt", how) for how in ("count", "first", "last")]
    found += [Measure(entity, "declined", "count", window) for window in (HOUR, DAY)]
    found += _risk(entity)
    return found


def _risk(entity: str) -> list[Measure]:
    """What is known of frauds. A large one tells of its customer, one of a usual amount of where it was tried."""
    found = [Measure(entity, rows, "count", window) for rows in ("fraud", "label") for window in (7 * DAY, 30 * DAY, 0)]
    found += [Measure(entity, "fraud", "decayed", 5 * DAY), Measure(entity, "fraud", "last")]
    found += [Measure(entity, "label", "run"), Measure(entity, "label", "run_since")]
    rows = "large_fraud" if entity == "customer" else "usual_fraud"
    found += [Measure(entity, rows, "count", window) for window in (7 * DAY, 30 * DAY)]
    found += [Measure(entity, rows, "decayed", 5 * DAY), Measure(entity, rows, "last")]
    if entity != "customer":
        found += [Measure(entity, "usual_label", "run"), Measure(entity, "usual_label", "run_since")]
    return found


_SHARED = ("device", "ip", "ip_range", "payment", "address", "phone", "email", "email_domain")
_WHOLE = ("customer", *_SHARED, "product", "merchant")

MEASURES: tuple[Measure, ...] = (
    *(measure for entity in _WHOLE for measure in _of(entity)),
    *(Measure(entity, "attempt", "distinct", window, "customer") for entity in _SHARED
      for window in (HOUR, 7 * DAY, LONGEST)),
    *(
        Measure(entity, "attempt", "distinct", window, of)
        for entity, of in (("customer", "device"), ("customer", "payment"), ("device", "payment"), ("ip", "payment"),
                           ("ip", "device"), ("customer", "ip_range"))
        for window in (HOUR, 7 * DAY)
    ),
    *(Measure(pair, "attempt", how) for pair in ("customer_device", "customer_address", "customer_payment")
      for how in ("count", "first")),
    *(Measure(entity, "sign_in_failed", "count", window) for entity in ("customer", "device", "ip")
      for window in (HOUR, DAY)),
    *(Measure(entity, "signed_up", "count", window) for entity in ("device", "ip", "ip_range")
      for window in (DAY, LONGEST)),
    *(Measure(entity, "coupon", "count", LONGEST) for entity in ("customer", "device", "ip", "address", "payment")),
    Measure("customer", "signed_up", "last"),
    Measure("customer", "refunded", "count", LONGEST),
    Measure("customer", "refunded", "sum", LONGEST),
    Measure("customer", "address_changed", "last"),
    *(Measure("customer", "large", "count", window) for window in (DAY, 7 * DAY, 30 * DAY)),
    *(Measure("amount_band", rows, "count") for rows in ("fraud", "label")),
)  # fmt: skip
"""All that is asked; what a log says nothing of is left out of its model."""


def of_property(entity: str) -> tuple[tuple[Measure, ...], Ratio]:
    """What is asked of a property of few values that only this shop has, such as the browser."""
    measures = [Measure(entity, rows, "count") for rows in ("fraud", "label")]
    measures.append(Measure(entity, "attempt", "count", 30 * DAY))
    return tuple(measures), Ratio(f"{entity}_fraud_share", f"{entity}_frauds", f"{entity}_labels", RISK_WEIGHT)


RISK_WEIGHT = 20.0
"""A share of frauds is drawn towards the base rate as if by so many more attempts."""

RATIOS: tuple[Ratio, ...] = (
    *(Ratio(f"{entity}_amount_mean_{span(window)}", f"{entity}_amount_{span(window)}",
            f"{entity}_attempts_{span(window)}") for entity in _WHOLE for window in (7 * DAY, 30 * DAY, LONGEST)),
    *(Ratio(f"amount_over_{entity}_mean_{span(window)}", "amount", f"{entity}_amount_mean_{span(window)}")
      for entity in _WHOLE for window in (7 * DAY, 30 * DAY, LONGEST)),
    *(Ratio(f"{entity}_attempts_1d_over_30d", f"{entity}_attempts_1d", f"{entity}_attempts_30d") for entity in _WHOLE),
    Ratio("refunded_share", "customer_refunded_amount_90d", "customer_amount_90d"),
    *(Ratio(f"{entity}_fraud_share{tail}", f"{entity}_frauds{tail}", f"{entity}_labels{tail}", RISK_WEIGHT)
      for entity in _WHOLE for tail in ("", "_7d", "_30d")),
    Ratio("amount_band_fraud_share", "amount_band_frauds", "amount_band_labels", RISK_WEIGHT),
)  # fmt: skip
"""Of columns made before, in this order."""
