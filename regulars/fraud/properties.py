"""What the properties of attempts say: which of them are what everybody calls by another name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.engine.json import extract
from regulars.events.verdicts import verdicts

NAMES: dict[str, tuple[str, ...]] = {
    "email": ("email", "emailaddress", "customeremail", "billingemail", "contactemail"),
    "phone": ("phone", "phonenumber", "mobile", "customerphone"),
    "address": ("address", "shippingaddress", "deliveryaddress", "billingaddress", "addressid", "shipto"),
    "card": ("card", "cardid", "cardhash", "cardfingerprint", "cardno", "cardnumber", "ccnum"),
    "merchant": ("merchant", "merchantid", "terminal", "terminalid", "sellerid", "seller"),
    "name": ("name", "fullname", "cardholder", "customername"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "long", "lon", "lng"),
    "there_latitude": ("therelatitude", "merchlat", "merchantlatitude", "shippinglatitude"),
    "there_longitude": ("therelongitude", "merchlong", "merchantlongitude", "shippinglongitude"),
    "signed_up_at": ("signedupat", "signuptime", "signupat", "accountcreatedat", "registeredat"),
    "is_fraud": ("isfraud", "fraud", "fraudlabel", "txfraud"),
    "label_known_at": ("labelknownat", "labeltime", "fraudknownat"),
    "attempt_id": ("attemptid",),
    "coupon": ("coupon", "couponcode", "promocode", "discountcode"),
}
"""What has a meaning of its own, and what programs call it: letters and digits alone count."""

SAMPLED = 20_000
MOST_OTHERS = 300
"""So many other properties are looked at."""
MOST_VALUES = 1000
"""A text of more values than these is an id of its own, which tells nothing by itself."""
MOSTLY = 0.95


class Properties:
    """The properties of some events.

    Parameters
    ----------
    texts : (n,) JSON objects; null where there are none.
    """

    def __init__(self, texts: pa.Array) -> None:
        step = max(len(texts) // SAMPLED, 1)
        sample = texts.take(pa.array(np.arange(0, len(texts), step)))
        found = extract(pc.fill_null(sample, "{}"), [("",)])
        keys = list(dict.fromkeys(key for lists in found.keys for key in (lists[0] or ())))
        self._known: dict[str, list[str]] = {}
        others: list[str] = []
        for key in keys:
            name = next((name for name, words in NAMES.items() if _plain(key) in words), None)
            others += [key] if name is None else []
            if name is not None:
                self._known.setdefault(name, []).append(key)
        others = others[:MOST_OTHERS]
        asked = [*(key for these in self._known.values() for key in these), *others]
        read = extract(pc.fill_null(texts, "{}"), [(key,) for key in asked]).columns if asked else []
        self._columns: Mapping[str, pa.Array] = dict(zip(asked, read, strict=True))
        self._others = others
        self._nothing = pa.nulls(len(texts), pa.string())

    def text(self, name: str) -> pa.Array:
        """(n,) what is known under a name of `NAMES`, null where nothing is."""
        columns = [self._columns[key] for key in self._known.get(name, ())]
        return pc.coalesce(*columns) if columns else self._nothing

    def number(self, name: str) -> npt.NDArray[np.float64]:
        """(n,) the same as numbers; NaN where it is none."""
        return numbers(self.text(name))

    def others(self) -> tuple[dict[str, npt.NDArray[np.float64]], dict[str, pa.Array]]:
        """What else there is, by its own key: numbers, and texts of few values."""
        found: dict[str, npt.NDArray[np.float64]] = {}
        texts: dict[str, pa.Array] = {}
        for key in self._others:
            column = self._columns[key]
            there = len(column) - column.null_count
            distinct = pc.count_distinct(column).as_py()
            if not there or distinct < 2:
                continue
            values = numbers(column)
            if np.isfinite(values).sum() >= MOSTLY * there and distinct > 2:
                found[key] = values
            elif distinct <= MOST_VALUES:
                texts[key] = column
        return found, texts


def numbers(texts: pa.Array) -> npt.NDArray[np.float64]:
    """(n,) texts as numbers, NaN for what is none; true and false are 1 and 0.

    >>> numbers(pa.array(["1.5", "-2e3", "true", "x", None])).tolist()
    [1.5, -2000.0, 1.0, nan, nan]
    """
    encoded = texts.dictionary_encode()
    values = np.array([number(text) for text in encoded.dictionary.to_pylist()] + [np.nan])
    found: npt.NDArray[np.float64] = values[
        pc.fill_null(encoded.indices, len(values) - 1).to_numpy(zero_copy_only=False)
    ]
    return found


def truths(texts: pa.Array) -> npt.NDArray[np.float64]:
    """(n,) verdicts as numbers: 1 for fraud, 0 for none, NaN where a text says neither.

    >>> truths(pa.array(["1", "false", "Fraud", "legit", "正常", "perhaps", None])).tolist()
    [1.0, 0.0, 1.0, 0.0, 0.0, nan, nan]
    """
    encoded = texts.dictionary_encode()
    said = verdicts(encoded.dictionary).cast(pa.float64()).take(encoded.indices)
    found: npt.NDArray[np.float64] = said.to_numpy(zero_copy_only=False)
    return found


def number(text: str) -> float:
    """A text as a number; see `numbers`."""
    word = text.strip().lower()
    if word in ("true", "yes", "false", "no"):
        return float(word in ("true", "yes"))
    try:
        found = float(word)
    except ValueError:
        return float("nan")
    return found if np.isfinite(found) else float("nan")


def _plain(key: str) -> str:
    return "".join(letter for letter in key.lower() if letter.isalnum())
