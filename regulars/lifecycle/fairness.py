"""Floors of fairness: groups that must not be passed over, however little they bring; `[campaign] floors`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.campaign.floors import floors_of
from regulars.events.schema import TIME
from regulars.lifecycle.arbitration import Share

if TYPE_CHECKING:
    from datetime import datetime

    from regulars.shop import Shop

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Groups(NamedTuple):
    """Who counts for which floor.

    Attributes
    ----------
    names : of the groups. shares : contacts that each member of a group has in a week, in the mean, at least.
    group : (n,) the number of each customer's group, -1 for none.
    """

    names: tuple[str, ...]
    shares: tuple[float, ...]
    group: Numbers

    def floors(self, open_: Mask, contacts: Numbers) -> list[Share]:
        """What is still owed to each group.

        Parameters
        ----------
        open_ : (n,) who may be contacted yet: who must not be is owed nothing, and adds to nobody's share.
        contacts : (n,) how many contacts of the week each customer has had.

        Examples
        --------
        Of a group of four each is owed half a contact; one had hers, so one is left for the other three:

        >>> groups = Groups(("students",), (0.5,), np.array([0, 0, 0, 0, -1]))
        >>> open_ = np.array([False, True, True, True, True])
        >>> [round(floor.share, 2) for floor in groups.floors(open_, np.array([1, 0, 0, 0, 3]))]
        [0.33]
        """
        found = []
        for number, (name, share) in enumerate(zip(self.names, self.shares, strict=True)):
            members = (self.group == number) & (open_ | (contacts > 0))
            owed = share * members.sum() - contacts[members].sum()
            if left := int((members & open_).sum()):
                found.append(Share(f"floor of {name}", number, min(max(float(owed) / left, 0.0), 1.0)))
        return found


def groups(shop: Shop, ids: pa.Array, as_of: datetime) -> Groups:
    """The groups of customers (n,) as of a moment.

    Raises
    ------
    ConfigError
        If the segment tables have no column that a floor names.
    """
    pairs = pa.table({"customer_id": ids, "as_of": pa.repeat(pa.scalar(as_of, TIME), len(ids))})
    group, floors = floors_of(shop, pairs)
    names = tuple(text.rpartition(": ")[0] for text in shop.config.campaign.floors)[: len(floors)]
    return Groups(names, tuple(floor.share for floor in floors), group)
