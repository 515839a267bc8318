"""How much is each customer suspected of abuse, for whoever decides about coupons and the like?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.fraud.abuse.summary import summary

if TYPE_CHECKING:
    from regulars.shop import Shop


def suspicion(shop: Shop, pairs: pa.Table) -> pa.Table:
    """The highest score of any finding that names a customer, and which it is.

    A log is read once for each distinct moment. Findings of kind `sign_ins` and `takeover` name victims: their account
    may be in other hands.

    Parameters
    ----------
    pairs : (n,) customer_id, any id of the customer, and as_of.

    Returns
    -------
    (n,) rows in the order of the pairs: suspicion in [0, 1], 0 where nothing was found; kind of `KINDS`, reason and
    reason_zh, null where nothing was found.
    """
    customers = pc.cast(shop.identities.customers(pairs), pa.string())
    customers = customers.combine_chunks() if isinstance(customers, pa.ChunkedArray) else customers
    score, kind, reason, reason_zh = (
        np.zeros(pairs.num_rows),
        *(np.full(pairs.num_rows, None, object) for _ in range(3)),
    )
    moments = pairs["as_of"]
    for moment in pc.unique(moments).to_pylist():
        rows = np.flatnonzero(np.asarray(pc.equal(moments, pa.scalar(moment, moments.type))))
        found = summary(shop, moment).sort_by([("score", "descending"), ("kind", "ascending")])
        accused = found["customers"].combine_chunks()
        names, of = accused.flatten(), pc.list_parent_indices(accused).to_numpy()
        # The first is the most likely: `index_in` finds it.
        at = pc.index_in(customers.take(pa.array(rows)), names) if len(names) else pa.nulls(len(rows), pa.int32())
        has = np.asarray(pc.is_valid(at))
        finding = pa.array(of[at.drop_null().to_numpy()])
        score[rows[has]] = found["score"].take(finding).to_numpy()
        for column, name in ((kind, "kind"), (reason, "evidence"), (reason_zh, "evidence_zh")):
            column[rows[has]] = np.array(found[name].take(finding).to_pylist(), object)
    return pa.table(
        {
            "suspicion": score,
            "kind": pa.array(kind, pa.string()),
            "reason": pa.array(reason, pa.string()),
            "reason_zh": pa.array(reason_zh, pa.string()),
        }
    )
