"""Features by their names: what each was declared as, and what it is made of."""

from __future__ import annotations

from collections.abc import Iterable

from regulars.fraud.features.declared import MEASURES, RATIOS, Measure, Ratio, of_property
from regulars.fraud.stream import OWN

MEASURE_BY_NAME = {measure.name: measure for measure in MEASURES}
RATIO_BY_NAME = {ratio.name: ratio for ratio in RATIOS}


def declared(name: str) -> Measure | Ratio | None:
    """What a column was declared as; None of one that is no feature of the past.

    >>> declared("device_attempts_1h").seconds, declared("property:browser_fraud_share").above, declared("hour")
    (3600, 'property:browser_frauds', None)
    """
    if name.startswith(OWN):
        for tail in ("_fraud_share", "_frauds", "_labels", "_attempts_30d"):
            if name.endswith(tail):
                measures, ratio = of_property(name.removesuffix(tail))
                known: dict[str, Measure | Ratio] = {ratio.name: ratio, **{each.name: each for each in measures}}
                return known.get(name)
    return MEASURE_BY_NAME.get(name) or RATIO_BY_NAME.get(name)


def needed(names: Iterable[str]) -> tuple[Measure, ...]:
    """The measures that columns are made of.

    >>> [measure.name for measure in needed(["amount_over_customer_mean_7d", "hour"])]
    ['customer_amount_7d', 'customer_attempts_7d']
    """
    found: dict[str, Measure] = {}
    open_names = list(names)
    while open_names:
        name = open_names.pop(0)
        feature = declared(name)
        if isinstance(feature, Measure):
            found[name] = feature
        elif feature is not None:
            open_names += [feature.above, feature.below]
    return tuple(found.values())
