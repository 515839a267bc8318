"""What did a shop earn by some events? The sum that a policy is judged by, from what the shop itself can know."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.errors import InputError


def earned(events: pa.Table, catalogue: pa.Table) -> float:
    """The margin of the orders among events: what was paid for each line, less what it cost the shop.

    Neither what contacts and ads cost, nor what is given back later, is taken off: ads have their price in
    `ad_shown`, returns theirs in `order_refunded`.

    Parameters
    ----------
    catalogue : in which each product bought has its unit_cost; where it stands twice, the first counts.

    Raises
    ------
    InputError
        If the catalogue does not tell what a product costs.

    Examples
    --------
    >>> from regulars.simulate import World
    >>> world = World("gifts", customers=500, seed=1, days=10)
    >>> catalogue = world.catalogue()
    >>> earned(world.step(), catalogue) > 0
    True
    """
    bought = events.filter(pc.equal(events["type"], "order_completed"))
    row = pc.index_in(bought["product_id"], catalogue["product_id"].combine_chunks())
    cost = catalogue["unit_cost"].cast(pa.float64()).take(row)
    if cost.null_count:
        product = bought["product_id"].filter(cost.is_null())[0].as_py()
        raise InputError(f"catalogue: no unit_cost of product {product!r}. Take the catalogue of before the day.")
    price, quantity = (bought[name].cast(pa.float64()).to_numpy() for name in ("unit_price", "quantity"))
    return float(np.sum(quantity * (price - cost.to_numpy())))
