"""Does a model of prices look at what it may not: a protected trait, or something that stands for one?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from regulars.pricing.guard.errors import GuardError

Floats = npt.NDArray[np.float64]

PROTECTED = (
    "sex", "gender", "age", "birth", "birthday", "birthdate", "born", "race", "ethnicity", "ethnic", "nationality",
    "religion", "belief", "disability", "pregnant", "pregnancy", "marital", "married", "orientation", "politics",
    "union", "health", "veteran", "title", "salutation", "name", "firstname", "lastname", "surname",
    "性别", "年龄", "生日", "出生", "民族", "种族", "宗教", "残疾", "婚姻", "怀孕", "国籍", "姓名",
)  # fmt: skip
"""Traits that no price may hang on; names and titles tell sex and origin."""
STANDS_FOR = (
    "postcode", "postal", "zip", "district", "street", "address", "city", "neighbourhood", "neighborhood", "latitude",
    "longitude", "language", "locale", "device", "browser", "os", "邮编", "地址", "城市", "语言", "设备",
)  # fmt: skip
"""What is known to stand for them, or for what a person can pay."""
BAR = 0.25
"""A feature of which groups explain more than this share of the spread stands for the group."""
LEAST = 30
"""Of groups with fewer members chance alone explains much: they are left out."""


def refused(names: Sequence[str]) -> list[str]:
    """Those of some features that no price may hang on, by their names.

    >>> refused(["orders_90d", "gender", "shippingPostcode", "average_price", "客户年龄"])
    ['gender', 'shippingPostcode', '客户年龄']
    """
    forbidden = {*PROTECTED, *STANDS_FOR}
    return [name for name in names if any(word in forbidden for word in _words(name)) or _has_chinese(name)]


def explained(features: Mapping[str, Floats], groups: Sequence[str | None]) -> dict[str, float]:
    """By feature, which share of its spread the groups explain (eta squared, on ranks), 0 to 1.

    Parameters
    ----------
    features : (n,) each; rows that are NaN are left out.
    groups : (n,) which group each customer is of; None where it is not known.

    Examples
    --------
    >>> found = explained({"a": np.array([1.0, 2, 9, 10]), "b": np.array([1.0, 9, 1, 9])}, ["x", "x", "y", "y"])
    >>> {name: round(share, 2) for name, share in found.items()}
    {'a': 0.8, 'b': 0.0}
    """
    names = sorted({name for name in groups if name is not None})
    number = {name: place for place, name in enumerate(names)}
    place = np.array([-1 if name is None else number[name] for name in groups], np.int64)
    found = {}
    for name, values in features.items():
        rows = (place >= 0) & ~np.isnan(values)
        if rows.sum() < 2:
            found[name] = 0.0
            continue
        distinct, codes, counts = np.unique(values[rows], return_inverse=True, return_counts=True)
        # Ranks, equal values sharing one: the spread of money is all in a few large customers.
        rank = (np.cumsum(counts) - (counts - 1) / 2)[codes] if len(distinct) else np.zeros(0)
        sizes = np.bincount(place[rows], minlength=len(names))
        means = np.bincount(place[rows], rank, len(names)) / np.maximum(sizes, 1)
        total = float(((rank - rank.mean()) ** 2).sum())
        between = float((sizes * (means - rank.mean()) ** 2).sum())
        found[name] = between / total if total > 0 else 0.0
    return found


def require_allowed(features: Mapping[str, Floats], groups: Sequence[str | None]) -> None:
    """GuardError, naming the feature, if a price may not hang on one: by its name, or because it stands for the groups
    that the shop holds; see `explained`."""
    if found := refused(list(features)):
        raise GuardError(
            f"A price may not hang on {', '.join(found)}: a protected trait, or what stands for one. Leave it out."
        )
    counts = Counter(groups)
    for name, share in explained(features, [name if counts[name] >= LEAST else None for name in groups]).items():
        if share > BAR:
            raise GuardError(
                f"A price may not hang on {name}: the groups explain {share:.0%} of it, so that it stands for them. "
                "Leave it out."
            )


def _words(name: str) -> list[str]:
    """The words of a name, in small letters: shippingPostcode and shipping_postcode alike."""
    return re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())


def _has_chinese(name: str) -> bool:
    return any(word in name for word in (*PROTECTED, *STANDS_FOR) if not word.isascii())
