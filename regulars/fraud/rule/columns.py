"""What rules of fraud speak of: columns of attempts, made for all of a log or for one live attempt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.fraud.attempts import Attempts
from regulars.fraud.features.batch import Columns, features, spoken_of
from regulars.fraud.features.declared import MEASURES, RATIOS, of_property
from regulars.fraud.features.named import needed
from regulars.fraud.features.own import own
from regulars.fraud.features.travel import travelled
from regulars.fraud.features.words import meaning, unit
from regulars.fraud.network import address
from regulars.fraud.rule.entries import LISTED, LISTS, normal
from regulars.fraud.rule.matching import Index
from regulars.fraud.stream import OWN, Ints
from regulars.rules import Column, Vocabulary
from regulars.rules.arrays import TYPES
from regulars.rules.tree import Kind

Floats = npt.NDArray[np.float64]

ENTITY_OF = {
    "customer_id": "customer",
    "payment_id": "payment",
    "device_id": "device",
    "ip": "ip",
    "ip_range": "ip_range",
    "product_id": "product",
    "address": "address",
    "phone": "phone",
    "email_domain": "email_domain",
    "merchant": "merchant",
    "channel": f"{OWN}channel",
}
"""Columns that are the values of an entity of the stream, as it compares them."""
_TEXTS = ("type", "order_id", "email", "name")
_OF_TEXTS = (
    "email_digits", "email_length", "email_disorder", "name_digits", "name_length", "name_disorder", "ip_malformed",
    "ip_private", "distance_km",
)  # fmt: skip
"""What `features.own` makes of texts and places."""
_OF_PLACES = ("last_place_km", "last_place_kmh")
"""What `features.travel` makes of this attempt's place and the last one's."""
_LISTED = tuple(f"listed_{name}" for name in LISTS)

FIELDS: dict[str, Kind] = {
    "amount": Kind.NUMBER,
    "time": Kind.TIME,
    "hour": Kind.NUMBER,
    "weekday": Kind.NUMBER,
    "account_age": Kind.NUMBER,
    "has_coupon": Kind.TRUTH,
    **dict.fromkeys((*_TEXTS, *ENTITY_OF), Kind.TEXT),
    **dict.fromkeys((*_OF_TEXTS, *_OF_PLACES), Kind.NUMBER),
    "risk": Kind.NUMBER,
    **dict.fromkeys(_LISTED, Kind.TRUTH),
    "listed_reason": Kind.TEXT,
}
"""What attempts say of themselves, and what the model and the lists say of them; features come besides."""

PROPERTY = "properties."
"""Before the names of other properties of attempts."""


def vocabulary(found: Attempts | None = None) -> Vocabulary:
    """What a rule may speak of: `FIELDS`, all features, and the other properties that attempts have.

    Examples
    --------
    >>> vocabulary().columns["device_attempts_1h"]
    Column(kind=<Kind.NUMBER: 'number'>, meaning='attempts with this device within 1 hour', unit='')
    """
    columns = {name: Column(kind, meaning(name), unit(name)) for name, kind in FIELDS.items()}
    features_of = [*(measure.name for measure in MEASURES), *(ratio.name for ratio in RATIOS)]
    if found is not None:
        own_entities = [name for name in found.stream.names if name.startswith(OWN)]
        features_of += [of_property(name)[1].name for name in own_entities]
        texts = [name.removeprefix(OWN) for name in own_entities]
        of_kind = {**dict.fromkeys(texts, Kind.TEXT), **dict.fromkeys(found.facts.numbers, Kind.NUMBER)}
        of_kind.pop("channel", None)
        columns |= {PROPERTY + name: Column(kind, f"{name}, as the attempt says") for name, kind in of_kind.items()}
    columns |= {name: Column(Kind.NUMBER, meaning(name), unit(name)) for name in features_of}
    return Vocabulary(columns)


def table_of(
    found: Attempts,
    names: Collection[str],
    index: Index,
    timezone: str,
    *,
    base_rate: float,
    places: Ints | None = None,
    known: Columns | None = None,
    risk: Floats | None = None,
) -> pa.Table:
    """Columns of attempts, in memory, as rules ask for them.

    Parameters
    ----------
    names : of the columns wanted; only what they need is computed. `time` and `amount` always come.
    index : the entries of lists.
    timezone : of the shop, for `hour` and `weekday`; `time` bears it.
    base_rate : what estimated shares of frauds are drawn to.
    places : (m,) which attempts, ascending; default all.
    known : features of these attempts that are at hand already; others are computed.
    risk : (m,) the model's probability of fraud, NaN where unknown; without it `risk` is unknown.

    Returns
    -------
    (m,) one row an attempt; what is unknown is null or NaN.
    """
    places = np.arange(len(found)) if places is None else places
    asked = found.stream.attempts[places]
    wanted = {*names, "time", "amount"}
    made = dict(known or {})
    missing = needed(wanted - made.keys())
    if missing:
        spoken = [each for each in spoken_of(found.stream, missing) if each in missing]
        made |= features(found.stream, asked, base_rate=base_rate, measures=spoken)
    if wanted.intersection(_OF_TEXTS) - made.keys():
        made |= own(found.facts.take(places), timezone)
    if wanted.intersection(_OF_PLACES) - made.keys():
        made |= travelled(found, places)
    listed = index.of_stream(found.stream, asked) if wanted & {*_LISTED, "listed_reason"} else None
    time = pa.array(found.stream.time[asked]).cast(pa.timestamp("us", timezone))
    columns: dict[str, Any] = {}
    for name in sorted(wanted):
        entity = ENTITY_OF.get(name) or (name.replace(PROPERTY, OWN, 1) if name.startswith(PROPERTY) else None)
        if name in ("time", "hour", "weekday"):
            columns[name] = _of_time(name, time)
        elif name == "amount":
            columns[name] = pa.array(found.stream.amount[asked])
        elif name == "risk" and risk is not None:
            columns[name] = pa.array(risk)
        elif listed is not None and name.startswith("listed_"):
            one = name.removeprefix("listed_")
            columns[name] = listed.reason if one == "reason" else pa.array(listed.on[one])
        elif entity is not None and entity in found.stream.names:
            codes = found.stream.codes[entity][asked]
            indices = pa.array(codes, mask=codes < 0)
            columns[name] = pa.DictionaryArray.from_arrays(indices, found.stream.names[entity])
        elif name in made:
            columns[name] = pa.array(made[name])
        else:
            columns[name] = _of_facts(found, name, places)
    return pa.table(columns)


def _of_time(name: str, time: pa.Array) -> pa.Array:
    if name == "hour":
        return pc.hour(time)
    return pc.day_of_week(time, count_from_zero=False, week_start=1) if name == "weekday" else time


def _of_facts(found: Attempts, name: str, places: Ints) -> pa.Array:
    facts, at = found.facts, pa.array(places)
    match name:
        case "email" | "name":
            texts = getattr(facts, name).take(at)
            column = pc.utf8_lower(texts) if name == "email" else texts
        case "type" | "order_id":
            column = found.table[name].combine_chunks().take(at)
        case "has_coupon":
            column = pa.array(facts.has_coupon[places])
        case "account_age":
            signed_up = facts.signed_up[places]
            column = pa.array((facts.time[places] - signed_up) / 1e6, mask=signed_up < 0)
        case _ if name.removeprefix(PROPERTY) in facts.numbers:
            column = pa.array(facts.numbers[name.removeprefix(PROPERTY)][places])
        case _:
            column = pa.nulls(len(places), TYPES[FIELDS.get(name, Kind.NUMBER)])
    return column


def row_of(
    said: Mapping[str, Any],
    moment: datetime,
    known: Mapping[str, float],
    index: Index,
    timezone: str,
    *,
    risk: float | None = None,
) -> dict[str, Any]:
    """The same columns of one live attempt.

    Parameters
    ----------
    said : what it says of itself, by names of `FIELDS` (texts as they came) and `properties.NAME`; `signed_up` (a
        datetime) is when its account was opened.
    moment : when it is tried.
    known : its features.
    risk : the model's probability of fraud.
    """
    local = moment.astimezone(ZoneInfo(timezone))
    row: dict[str, Any] = dict.fromkeys(FIELDS)
    row |= {name: value for name, value in said.items() if name in FIELDS or name.startswith(PROPERTY)}
    values = {entity: said.get(name) for name, entity in ENTITY_OF.items() if entity in LISTED}
    values["email"] = values["email_domain"] = said.get("email")
    row |= index.of_row(values, moment)
    row |= {name: normal(name, row[name]) for name in ("address", "phone") if row[name] is not None}
    if row["ip"] is not None:
        row["ip"], row["ip_range"] = address(row["ip"])
    if row["email"] is not None:
        row["email"], row["email_domain"] = row["email"].lower(), normal("email_domain", row["email"])
    signed_up = said.get("signed_up")
    age = None if signed_up is None else (moment - signed_up).total_seconds()
    row |= {"time": moment, "hour": local.hour, "weekday": local.isoweekday(), "account_age": age, "risk": risk}
    return row | {
        name: value for name, value in known.items() if name not in FIELDS or name in (*_OF_TEXTS, *_OF_PLACES)
    }
