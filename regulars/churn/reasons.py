"""Why a risk is high, in words: the features that raise it most, each with its value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]

AT_MOST = 3


def reasons(
    contributions: Floats, features: Floats, names: Sequence[str], schema: pa.Schema, currency: str
) -> list[list[str]]:
    """For each customer the three features, of different kinds, that raise the risk most, the first first.

    Parameters
    ----------
    contributions, features : (n, k)
    names : (k,) of the features.
    schema : whose columns' metadata say what each feature means and in which unit.
    currency : of amounts of money.

    Examples
    --------
    >>> schema = pa.schema([pa.field("recency_days", pa.float64(),
    ...                              metadata={"meaning": "days since the last order", "unit": "days"})])
    >>> reasons(np.array([[0.9]]), np.array([[75.2]]), ["recency_days"], schema, "GBP")
    [['days since the last order: 75']]
    """
    words = [_Wording(schema, name, currency) for name in names]
    # An absent value explains nothing to a person, whatever it does to the risk.
    raised = np.where(np.isnan(features), 0.0, contributions)
    kinds = [_kind(name) for name in names]
    found = []
    for row, order in enumerate(np.argsort(-raised, axis=1)):
        chosen: dict[str, str] = {}
        for k in order[: 5 * AT_MOST]:
            if raised[row, k] > 0 and len(chosen) < AT_MOST:
                chosen.setdefault(kinds[k], words[k](features[row, k]))
        found.append(list(chosen.values()))
    return found


def _kind(name: str) -> str:
    """ "orders_30d", "order_days" and "orders" say much the same: one of a kind is enough."""
    return name.split("_", maxsplit=1)[0].removesuffix("s")


class _Wording:
    def __init__(self, schema: pa.Schema, name: str, currency: str) -> None:
        metadata: Mapping[bytes, bytes] = schema.field(name).metadata or {} if name in schema.names else {}
        self.meaning = metadata.get(b"meaning", name.encode()).decode()
        self.unit = metadata.get(b"unit", b"").decode()
        self.currency = currency

    def __call__(self, value: float) -> str:
        if self.unit == "share":
            return f"{self.meaning}: {value:.0%}"
        if self.unit == "money":
            return f"{self.meaning}: {value:,.2f} {self.currency}"
        return (
            f"{self.meaning}: {value:,.0f}"
            if abs(value) >= 20 or value == round(value)
            else f"{self.meaning}: {value:.1f}"
        )
