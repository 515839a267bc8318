"""What files say of products goes to the catalogue, beside events or without any."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.columns import Mask, distinct_rows, is_null
from regulars.events.schema import CATALOGUE, TIME
from regulars.events.values import encoded, plain

ROOM = timedelta(seconds=1)
"""Before the newest event, for the files that describe products until the next one comes."""
STEADY = ("title", "category", "brand", "unit_cost")
"""What a product keeps, as a rule; its price and stock are of a day."""


def descriptions(
    attributes: Mapping[str, pa.Array], product_id: pa.Array | None, time: pa.Array, is_good: Mask
) -> pa.Table:
    """What the good rows say of products: each description from when it was seen after another one, or first.

    Parameters
    ----------
    attributes : (n,) columns of the catalogue. product_id : (n,) None where the file names none.
    time : (n,) moments. is_good : (n,) rows that are not refused.

    Returns
    -------
    Rows in the columns of the catalogue.
    """
    if not attributes or product_id is None:
        return CATALOGUE.empty_table()
    said = {"product_id": product_id, **attributes}
    codes, first = distinct_rows([encoded(column) for column in said.values()])
    rows = np.flatnonzero(is_good & ~is_null(product_id))
    moments = time.cast(pa.int64()).fill_null(0).to_numpy()[rows]
    code = codes.to_numpy()[rows]
    # A code is of one product: that of its first row.
    product = encoded(product_id).indices.fill_null(-1).to_numpy()[first][code]
    order = np.lexsort((code, moments, product))
    rows, code, product = rows[order], code[order], product[order]
    begins = np.append(True, (code[1:] != code[:-1]) | (product[1:] != product[:-1]))[: len(rows)]
    places = pa.array(rows[begins])
    found = {name: plain(column.take(places)) for name, column in said.items()}
    found["valid_from"] = time.take(places)
    return pa.table(
        [found[f.name] if f.name in found else pa.nulls(len(places), f.type) for f in CATALOGUE],
        schema=CATALOGUE,
    )


def held_since(said: pa.ChunkedArray, newest: datetime) -> datetime:
    """From when on a file without times holds: just before the newest event, so that it holds at the shop's present;
    after what earlier files said there, so that the newest file wins though no event came between.

    Parameters
    ----------
    said : moments from which the catalogue's rows hold.
    """
    begin = newest - ROOM
    earlier = pc.max(said.filter(pc.less(said, pa.scalar(newest, TIME)))).as_py()
    return begin if earlier is None or earlier < begin else earlier + timedelta(microseconds=1)


def since_met(known: pa.Table, said: pa.Table, met: pa.Table) -> pa.Table:
    """What a file that tells no time says of products, some of it since they were first met.

    A title, category, brand or cost that nobody told before is not known to hold since today: it counts since the
    product's first event, or all that came before the file would be without. What was told before, prices and stock
    count from the import on, and so does all that is said of a product that was never met.

    Parameters
    ----------
    known : the catalogue. said : (n,) rows, in its columns.
    met : product_id and since, the moment of its first event.

    Returns
    -------
    Rows in the columns of the catalogue.
    """
    place = pc.index_in(said["product_id"].combine_chunks(), met["product_id"].combine_chunks())
    rows = said.append_column("since", met["since"].take(place)).filter(pc.is_valid(place))
    earlier = {"product_id": rows["product_id"], "valid_from": rows["since"]}
    is_told = pa.chunked_array([pa.repeat(False, rows.num_rows)])
    for name in STEADY:
        told = known.filter(pc.is_valid(known[name]))["product_id"].combine_chunks()
        earlier[name] = pc.if_else(pc.is_in(rows["product_id"], told), None, rows[name])
        is_told = pc.or_(is_told, pc.is_valid(earlier[name]))
    nothing = {field.name: pa.nulls(rows.num_rows, field.type) for field in CATALOGUE}
    told = pa.table([(nothing | earlier)[field.name] for field in CATALOGUE], CATALOGUE)
    return pa.concat_tables([told.filter(pc.and_(is_told, pc.less(rows["since"], rows["valid_from"]))), said])


def described(before: pa.Table, after: pa.Table | None) -> int:
    """Of how many products a catalogue says more than the one before; None is the same.

    >>> one = pa.table({"product_id": ["pot", "tea"]})
    >>> described(one, pa.table({"product_id": ["cup", "cup", "pot", "tea", "tea"]})), described(one, None)
    (2, 0)
    """
    if after is None:
        return 0
    codes = pa.concat_tables([each.select(["product_id"]) for each in (before, after)])["product_id"]
    numbers = codes.combine_chunks().dictionary_encode().indices.to_numpy()
    count = int(numbers.max(initial=-1)) + 1
    rows = (np.bincount(part, minlength=count) for part in np.split(numbers, [before.num_rows]))
    return int(np.not_equal(*rows).sum())
