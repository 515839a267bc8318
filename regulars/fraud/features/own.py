"""What an attempt says of itself, without its past: the same code for a log and for one live attempt."""

from __future__ import annotations

import ipaddress
import math
from collections import Counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.fraud.attempts import Facts
from regulars.fraud.network import address

Columns = dict[str, npt.NDArray[np.float32]]
Floats = npt.NDArray[np.float64]

SECOND = 1_000_000
EARTH_KM = 6371.0
OTHER = "property_"
"""Before the names of columns that are other properties of an attempt."""


def own(facts: Facts, timezone: str) -> Columns:
    """(attempts,) each; NaN where unknown. What no attempt says anything of is left out.

    Parameters
    ----------
    timezone : of the shop, for hour and weekday.

    Returns
    -------
    amount; hour; weekday, 1 (Monday) to 7; account_age (seconds since the account was opened); email_digits (share
    of digits before the @), email_length, email_disorder (bits a letter); name_length, name_disorder; ip_malformed,
    ip_private (0 or 1); has_coupon; distance_km from the customer to where it goes; and other properties as
    `property_NAME`.
    """
    local = pa.array(facts.time).cast(pa.timestamp("us", timezone))
    found = {
        "amount": facts.amount,
        "hour": pc.hour(local).to_numpy().astype(float),
        "weekday": pc.day_of_week(local, count_from_zero=False, week_start=1).to_numpy().astype(float),
        "account_age": np.where(facts.signed_up >= 0, (facts.time - facts.signed_up) / SECOND, np.nan),
        **_of_texts("email", pc.replace_substring_regex(facts.email, "@.*$", "")),
        **_of_texts("name", facts.name),
        **_of_addresses(facts.ip),
        "has_coupon": facts.has_coupon.astype(float),
        "distance_km": distance_km(*facts.places),
    }
    found = {name: values for name, values in found.items() if not np.isnan(values).all()}
    found |= {f"{OTHER}{name}": values for name, values in facts.numbers.items()}
    return {name: values.astype(np.float32) for name, values in found.items()}


def distance_km(north: Floats, east: Floats, there_north: Floats, there_east: Floats) -> Floats:
    """(n,) along the surface of the earth, from degrees (haversine); NaN where unknown or no place.

    >>> distance_km(*np.array([[48.86], [2.35], [51.51], [-0.13]])).round().tolist()
    [343.0]
    """
    one, other = np.radians(north), np.radians(there_north)
    is_place = (np.abs(north) <= 90) & (np.abs(there_north) <= 90) & (np.abs(east) <= 360) & (np.abs(there_east) <= 360)
    half = np.sin((other - one) / 2) ** 2
    half = half + np.cos(one) * np.cos(other) * np.sin(np.radians(there_east - east) / 2) ** 2
    found: Floats = np.where(is_place, 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1))), np.nan)
    return found


def disorder(text: str) -> float:
    """Bits a letter: 0 of one letter again and again; names have 2 to 3, what machines draw by chance more.

    >>> disorder("aaaa"), disorder("abab"), round(disorder("x7f2q9zk"), 1)
    (0.0, 1.0, 3.0)
    """
    counts = Counter(text).values()
    return sum(-count / len(text) * math.log2(count / len(text)) for count in counts) + 0.0


def _of_texts(what: str, texts: pa.Array) -> dict[str, Floats]:
    if texts.null_count == len(texts):
        return {}
    encoded = texts.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    digits = [sum(letter.isdigit() for letter in text) / max(len(text), 1) for text in distinct]
    found = {
        f"{what}_digits": digits,
        f"{what}_length": [float(len(text)) for text in distinct],
        f"{what}_disorder": [disorder(text) if text else 0.0 for text in distinct],
    }
    return {name: _spread(encoded, values) for name, values in found.items()}


def _of_addresses(texts: pa.Array) -> dict[str, Floats]:
    if texts.null_count == len(texts):
        return {}
    encoded = texts.dictionary_encode()
    read = [address(text) for text in encoded.dictionary.to_pylist()]
    return {
        "ip_malformed": _spread(encoded, [float(near is None) for _, near in read]),
        "ip_private": _spread(encoded, [float(near is not None and is_private(whole)) for whole, near in read]),
    }


def is_private(whole: str) -> bool:
    """Whether an address is of no network that all share: a home's own, a machine's own, one kept for examples."""
    return not ipaddress.ip_address(whole).is_global


def _spread(encoded: pa.DictionaryArray, values: list[float]) -> Floats:
    """Of each text what holds for it; NaN where there is none."""
    found: Floats = np.array([*values, np.nan])[
        pc.fill_null(encoded.indices, len(values)).to_numpy(zero_copy_only=False)
    ]
    return found
