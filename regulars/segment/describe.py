"""What is known of each customer's place among the others, for other capabilities: RFM and segment as of any moment."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.schema import TIME
from regulars.segment.dataset import INTERESTS, Known, known_as_of
from regulars.segment.model import SegmentModel
from regulars.segment.rfm import CELLS, NAMES, Rfm
from regulars.segment.training import kept_as_of

if TYPE_CHECKING:
    from regulars.shop import Shop

Ints = npt.NDArray[np.int64]

SCORES = ("recency_score", "frequency_score", "monetary_score")
FIELDS = (
    ("rfm_cell", pa.string(), "which of the eleven cells of recency, frequency and money", ""),
    ("recency_score", pa.int64(), "how recently ordered, by the shop's quintiles (5 is most recently)", "of 5"),
    ("frequency_score", pa.int64(), "how often ordered, by the shop's quintiles (5 is most)", "of 5"),
    ("monetary_score", pa.int64(), "how much spent after returns, by the shop's quintiles (5 is most)", "of 5"),
    ("segment_id", pa.int64(), "segment, the same number whenever it is learned anew", ""),
    ("segment", pa.string(), "segment, by what sets it apart", ""),
)
"""The columns beside customer_id and as_of."""


def table(shop: Shop, pairs: pa.Table) -> pa.Table:
    """Cell and segment of customers, each as of its moment.

    By the newest model that learned from nothing after the moment. Where there is none, the RFM thresholds are made
    as of the moment, from all customers of the shop then; the segment is null then, where clusters were refused, and
    of who has no order yet.

    Parameters
    ----------
    pairs : (n,) customer_id and as_of; moments may differ.

    Returns
    -------
    (n,) rows in the order of the pairs: customer_id, as_of, rfm_cell, three scores from 1 to 5, segment_id, segment.
    Metadata of `rfm_cell` and `segment_id` has `names`: their names in English and Chinese, as JSON.
    """
    micros = pairs["as_of"].cast(pa.int64()).to_numpy()
    parts, rows = [], []
    names: dict[str, dict[str, str]] = {"en": {}, "zh": {}}
    for number in np.unique(micros):
        row = np.flatnonzero(micros == number)
        some = pairs.take(pa.array(row))
        moment = some["as_of"][0].as_py()
        kept = kept_as_of(shop, moment)
        model = kept.model if kept is not None and kept.is_used else None
        of_interests = model is not None and model.space == INTERESTS
        known = known_as_of(shop, some, None if model is None else model.behavior, has_interests=of_interests)
        rfm = kept.model.rfm if kept is not None else _rfm_as_of(shop, moment, known)
        parts.append(described(known, rfm, model))
        rows.append(row)
        if model is not None:
            for language, of_ids in names.items():
                of_ids |= dict(zip(map(str, model.ids.tolist()), model.names[language], strict=True))
    if not parts:
        return pa.table({field.name: pa.array([], field.type) for field in _schema(names)}, schema=_schema(names))
    order = np.argsort(np.concatenate(rows), kind="stable")
    return pa.concat_tables(parts).take(pa.array(order)).cast(_schema(names))


def described(known: Known, rfm: Rfm, model: SegmentModel | None) -> pa.Table:
    """The rows of customers as of one moment; without a model, segments are null."""
    scores = rfm.scores(known.profiles)
    label = np.full(len(known), -1) if model is None else model.assign(known)
    has_ordered = np.nan_to_num(_orders(known)) > 0
    label = np.where(has_ordered, label, -1)
    ids = np.zeros(len(known), np.int64) if model is None else model.ids[np.maximum(label, 0)]
    named = pa.array([] if model is None else list(model.names["en"]), pa.string())
    cell = rfm.cells(known.profiles)
    columns = {
        "customer_id": known.profiles["customer_id"],
        "as_of": known.profiles["as_of"],
        "rfm_cell": pa.array(np.array(NAMES, object)[cell], pa.string(), mask=~has_ordered),
        **{name: pa.array(scores[:, k], mask=~has_ordered) for k, name in enumerate(SCORES)},
        "segment_id": pa.array(ids, mask=label < 0),
        "segment": pc.take(named, pa.array(label, mask=label < 0)),
    }
    return pa.table(columns)


def _orders(known: Known) -> npt.NDArray[np.float64]:
    if "orders" not in known.profiles.column_names:
        return np.zeros(len(known))
    found: npt.NDArray[np.float64] = known.profiles["orders"].to_numpy(zero_copy_only=False)
    return found


def _rfm_as_of(shop: Shop, moment: datetime, known: Known) -> Rfm:
    def of_all() -> Rfm:
        customers = shop.customers(moment)
        asked = known.profiles["customer_id"].combine_chunks()
        # Who asks of all has all: their features are not worked out twice.
        if len(asked) == customers.num_rows and pc.all(pc.is_in(customers["customer_id"], asked)).as_py() is not False:
            return Rfm.of(known.profiles)
        return Rfm.of(shop.tables.of("profile", customers) if customers.num_rows else known.profiles)

    return shop.of_log("rfm", of_all, moment, shop.config.shop.currency, shop.config.shop.timezone)


def _schema(names: dict[str, dict[str, str]]) -> pa.Schema:
    cells = {"en": {name: name for name in CELLS}, "zh": CELLS}
    said = {"rfm_cell": cells, "segment_id": names}
    fields = [pa.field("customer_id", pa.string()), pa.field("as_of", TIME)]
    for name, kind, meaning, unit in FIELDS:
        more = {"names": json.dumps(said[name], ensure_ascii=False)} if name in said else {}
        fields.append(pa.field(name, kind, metadata={"meaning": meaning, "unit": unit, **more}))
    return pa.schema(fields)
