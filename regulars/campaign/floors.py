"""Groups of which a share is contacted whatever others would bring, as `[campaign] floors` names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.allocation import Floor
from regulars.campaign.drawn import Numbers
from regulars.errors import ConfigError

if TYPE_CHECKING:
    from regulars.shop import Shop

CAPABILITY = "segment"


def floors_of(shop: Shop, pairs: pa.Table) -> tuple[Numbers, tuple[Floor, ...]]:
    """(n,) the group of each customer, -1 for none; and the floors of the groups. Of two groups the first holds.

    Raises
    ------
    ConfigError
        If the segment tables have no such column.
    """
    group = np.full(pairs.num_rows, -1)
    said = shop.config.campaign.floors
    if not said or not pairs.num_rows:
        return group, ()
    table = shop.tables.of(CAPABILITY, pairs)
    found = []
    for number, text in enumerate(said):
        column, _, rest = text.partition(" is ")
        value, _, share = rest.rpartition(": ")
        if column not in table.column_names:
            raise ConfigError(
                f'[campaign] floors: "{text}": the segment tables have no column "{column}". There are: '
                f"{', '.join(table.column_names)}."
            )
        inside = pc.fill_null(pc.equal(table[column].cast(pa.string()), value), False)
        group[np.asarray(inside) & (group < 0)] = number
        found.append(Floor(number, float(share)))
    return group, tuple(found)
