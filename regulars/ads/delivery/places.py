"""Where a campaign runs: everywhere, in some countries and regions, or in those that a lot drew."""

from __future__ import annotations

import re
from dataclasses import dataclass

from regulars.errors import InputError
from regulars.experiment import Plan

_CODE = re.compile(r"[A-Z]{3}(-[A-Z0-9]{1,3})?")


@dataclass(frozen=True)
class Places:
    """Where a campaign runs, in the codes of bid requests: a country (ISO 3166-1 alpha-3), or a region of one.

    Attributes
    ----------
    codes : "DEU", "USA-NY"; empty for everywhere.
    lot : of an experiment whose customers are regions: only those run it that have another arm than the first. Then
        `geo_lift` can say what ads added.

    Examples
    --------
    >>> some = Places(("DEU", "USA-NY"))
    >>> [some.holds(each) for each in ("DEU-BY", "USA-NY", "USA-CA", None)]
    [True, True, False, False]
    >>> Places().holds(None)
    True
    """

    codes: tuple[str, ...] = ()
    lot: Plan | None = None

    def __post_init__(self) -> None:
        for code in self.codes:
            if not _CODE.fullmatch(code):
                raise InputError(f'place "{code}": a country of three letters is expected, as DEU, or USA-NY.')

    def holds(self, place: str | None) -> bool:
        """Whether the campaign runs at a place; where places are told and this one is not known, it does not."""
        if not self.codes and self.lot is None:
            return True
        if place is None:
            return False
        if self.codes and place not in self.codes and place.split("-")[0] not in self.codes:
            return False
        return self.lot is None or is_treated(self.lot, place)


def is_treated(lot: Plan, region: str) -> bool:
    """Whether the lot gave a region another arm than the first, the control; not, where it is not in it at all."""
    return lot.arm(region) not in (None, lot.arms[0].name)
