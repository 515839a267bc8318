"""Why a risk is high, in words: the features that raise it most, each with its value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.units import shown

Floats = npt.NDArray[np.float64]

AT_MOST = 3
LEAST = 0.02
"""Log-odds: what moves a risk by less than half a percent is no reason."""


def reasons(
    contributions: Floats, features: Floats, typical: Floats, names: Sequence[str], schema: pa.Schema, currency: str
) -> list[list[str]]:
    """For each customer the three features, of different kinds, that raise the risk most, the first first.

    Parameters
    ----------
    contributions, features : (n, k)
    typical : (k,) the middle customer's value of each feature, to compare with.
    names : (k,) of the features.
    schema : whose columns' metadata say what each feature means and in which unit.
    currency : of amounts of money.

    Examples
    --------
    >>> schema = pa.schema([pa.field("recency_days", pa.float64(),
    ...                              metadata={"meaning": "days since the last order", "unit": "days"})])
    >>> reasons(np.array([[0.9]]), np.array([[75.2]]), np.array([30.0]), ["recency_days"], schema, "GBP")
    [['days since the last order: 75 (typically 30)']]
    """
    words = [_Wording(schema, name, currency) for name in names]
    # Neither an absent value nor that of the middle customer explains anything to a person.
    raised = np.where(np.isnan(features) | np.isclose(features, typical), 0.0, contributions)
    kinds = [_kind(name) for name in names]
    found = []
    for row, order in enumerate(np.argsort(-raised, axis=1)):
        chosen: dict[str, str] = {}
        for k in order[: 5 * AT_MOST]:
            if raised[row, k] > LEAST and len(chosen) < AT_MOST:
                chosen.setdefault(kinds[k], words[k](features[row, k], typical[k]))
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

    def __call__(self, value: float, typical: float) -> str:
        if np.isnan(typical):
            return f"{self.meaning}: {shown(value, self.unit, self.currency)}"
        usual = shown(typical, self.unit)
        return f"{self.meaning}: {shown(value, self.unit, self.currency)} (typically {usual})"
