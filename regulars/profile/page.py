"""One customer's profile as a page: who this is, in sentences, and the features behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from regulars.customers import require_known, withheld
from regulars.errors import NotEnoughError
from regulars.events.schema import TIME
from regulars.profile.dataset import KEYS, absent, features_as_of
from regulars.profile.evaluate import norms
from regulars.profile.evidence import EVIDENCE
from regulars.profile.features import FEATURES
from regulars.profile.model import Norms
from regulars.profile.stage import stages
from regulars.units import shown

if TYPE_CHECKING:
    from regulars.shop import Shop

STAGE_WORDS = {
    "prospect": "has not ordered yet",
    "new": "is new",
    "active": "is active",
    "growing": "is active and buying more than before",
    "cooling": "is cooling: later than three of four customers come back",
    "lapsed": "has lapsed: later than nineteen of twenty customers come back",
    "won back": "has come back after a long pause",
}


NO_EVIDENCE = "the log has no "
OBJECTED = "Does not want to be profiled: no decision is made about this customer."
TOO_EARLY = "too little is known of this customer yet"


@dataclass(frozen=True)
class Page:
    """A customer as of a moment.

    Attributes
    ----------
    sentences : who this is, in words; each rests on features of the same page.
    features : {name: value} of those that are known.
    absent : {name: why} of those that are not.
    """

    customer_id: str
    as_of: datetime
    stage: str
    sentences: tuple[str, ...]
    features: dict[str, float]
    absent: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {**vars(self), "as_of": self.as_of.isoformat(), "sentences": list(self.sentences)}

    def __rich__(self) -> RenderableType:
        known = Table("Feature", "Meaning", box=None, header_style="dim")
        known.add_column("Value", justify="right")
        for feature in FEATURES:
            if feature.name in self.features:
                known.add_row(feature.name, feature.meaning, shown(self.features[feature.name], feature.unit))
        title = f"{self.customer_id}, as of {self.as_of:%Y-%m-%d %H:%M} UTC"
        # As Text: brackets in a name are a name, not markup.
        who = Panel(Text("\n".join(self.sentences)), title=Text(title), title_align="left")
        return Group(who, known, *self._missing())

    def _missing(self) -> list[RenderableType]:
        by_reason: dict[str, list[str]] = {}
        for name, reason in self.absent.items():
            by_reason.setdefault(reason, []).append(name)
        lacks = [reason.removeprefix(NO_EVIDENCE) for reason in by_reason if reason.startswith(NO_EVIDENCE)]
        count = sum(len(names) for reason, names in by_reason.items() if reason.startswith(NO_EVIDENCE))
        lines = [f"{count} features are absent, since the log has none of these: {', '.join(lacks)}."] * bool(lacks)
        if TOO_EARLY in by_reason:
            lines.append(f"Too little is known yet for {', '.join(by_reason[TOO_EARLY])}.")
        return [Text(line, style="dim") for line in lines]


def page(shop: Shop, customer_id: str, as_of: datetime) -> Page:
    """The profile of one customer, by any of its ids, as of a moment.

    Raises
    ------
    NotFoundError
        If the log has no event of this customer before the moment; the message names similar ones.
    """
    require_known(shop, customer_id, as_of)
    pairs = pa.table({"customer_id": [customer_id], "as_of": pa.array([as_of], TIME)})
    customer_id = shop.identities.customers(pairs)[0].as_py()
    table = features_as_of(shop, pairs)
    row = table.to_pylist()[0]
    measure = _norms(shop, as_of)
    stage = stages(table, measure.rhythm)[0]
    features = {name: value for name, value in row.items() if name not in KEYS and value is not None}
    missing = absent(shop.engine, shop.events, shop.catalogue, as_of)
    why = {name: NO_EVIDENCE + EVIDENCE[need][0] for name, need in missing.items()}
    why |= {name: TOO_EARLY for name in table.column_names if name not in KEYS and row[name] is None}
    sentences = tuple(describe(features, stage, measure, shop.config.shop.currency))
    if customer_id in withheld(shop, "profiling", as_of).to_pylist():
        sentences += (OBJECTED,)
    return Page(customer_id, as_of, stage, sentences, features, why)


def profiles(shop: Shop, as_of: datetime) -> pa.Table:
    """The profiles of all customers with an order before a moment: customer_id, stage, then the features.

    Whoever objected to profiling, or took consent to it back, is not among them.
    """
    customers = shop.customers(as_of)
    may = pc.invert(pc.is_in(customers["customer_id"], withheld(shop, "profiling", as_of)))
    table = features_as_of(shop, customers.filter(may))
    if not table.num_rows:
        raise NotEnoughError(f"profile: no customer has an order before {as_of:%Y-%m-%d}. Choose a later time.")
    found = stages(table, _norms(shop, as_of).rhythm)
    return table.drop_columns(["as_of"]).add_column(1, "stage", pa.array(found))


def _norms(shop: Shop, as_of: datetime) -> Norms:
    """What was learned, if it was learned from before the moment; else worked out now."""
    version = shop.models.version_in_use("profile")
    if version is not None:
        model = shop.models.get("profile", version)
        if datetime.fromisoformat(model.card["until"]) <= as_of:
            return Norms.from_bytes(model.read("norms.json"))
    return norms(shop, as_of)


def describe(features: dict[str, float], stage: str, measure: Norms, currency: str) -> list[str]:
    """Who a customer is, in sentences: each is said only where its features are known.

    >>> from regulars.profile.stage import Rhythm
    >>> measure = Norms(Rhythm(60, 180, 30, 60), {"spend": tuple(float(k) for k in range(0, 2100, 100))})
    >>> known = {"orders": 3.0, "tenure_days": 200.0, "spend": 1850.0, "recency_days": 20.0}
    >>> for sentence in describe(known, "active", measure, "GBP"):
    ...     print(sentence)
    This customer is active.
    3 orders in 200 days, the last 20 days ago.
    Spent 1,850.00 GBP in all, more than 90 % of customers.
    """
    said = [f"This customer {STAGE_WORDS[stage]}."]
    if features.get("orders"):
        orders = features["orders"]
        said.append(
            f"{orders:,.0f} order{'s' * (orders != 1)} in {_days(features['tenure_days'])}, "
            f"the last {_days(features['recency_days'])} ago."
        )
        above = measure.share_below("spend", features["spend"])
        rank = f", more than {shown(above, 'share')} of customers" if above else ""
        said.append(f"Spent {features['spend']:,.2f} {currency} in all{rank}.")
    if "gap_mean_days" in features and "overdue" in features:
        late = features["overdue"]
        how = "overdue" if late > 1.5 else "about due" if late > 0.8 else "not due yet"
        said.append(f"Usually orders every {_days(features['gap_mean_days'])}: {how}.")
    if features.get("refunded"):
        said.append(
            f"Gave back {features['refunds']:,.0f} product{'s' * (features['refunds'] != 1)}, "
            f"{features['refunded']:,.2f} {currency} in all."
        )
    if features.get("discount_share", 0) >= 0.3:
        said.append(f"Buys at a discount: {shown(features['discount_share'], 'share')} of lines.")
    if features.get("weekend_share", 0) >= 0.6:
        said.append("Orders mostly at the weekend.")
    return said


def _days(count: float) -> str:
    shown = f"{count:,.0f}"
    return f"{shown} day{'s' * (shown != '1')}"
