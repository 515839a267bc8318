"""Lists for everybody, written part by part: who is cut off goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from regulars import storage
from regulars.errors import InputError
from regulars.recommend.blocks import blocks, in_threads
from regulars.recommend.lists import lists, lists_of_all, why
from regulars.recommend.live import Recommender

OF_CUSTOMERS = ("for-you", "again", "because-viewed", "popular-with-alike")
OF_PRODUCTS = ("similar", "together")
ABOUT = "_batch.json"
"""Who reads the folder as one table passes over names that begin so."""
SCHEMA = pa.schema(
    [
        pa.field("about", pa.string(), nullable=False),
        pa.field("rank", pa.int64(), nullable=False),
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("reason", pa.string()),
    ]
)
"""One row a line: the customer or product that the list is about, then the columns of `Shown.table`."""


def write_all(
    recommender: Recommender,
    kind: str,
    folder: Path,
    k: int = 10,
    where: str = "",
    on_part: Callable[[int, int], None] = lambda done, parts: None,
) -> Path:
    """Write one kind of list for all customers, or products, as a folder of Parquet files.

    Memory does not grow with their number beyond what the recommender itself holds. A part that is there already is not
    made again; so a run that was killed goes on.

    Parameters
    ----------
    kind : one of `OF_CUSTOMERS` or `OF_PRODUCTS`.
    on_part : called with how many parts are done, and how many there are.

    Returns
    -------
    The folder; its files are `part-00000.parquet` and so on, see `SCHEMA`.

    Raises
    ------
    InputError
        If the folder holds lists of another kind, moment, model or filter; there is no such kind; or `k` is below 1.
    RuleError
        If the filter cannot be read.
    """
    if kind not in OF_CUSTOMERS + OF_PRODUCTS:
        raise InputError(f"There is no list {kind} about each. There are: {', '.join(OF_CUSTOMERS + OF_PRODUCTS)}.")
    recommender.popular(k, where)  # a wrong length or filter is refused before anything is written
    about = {
        "list": kind, "k": k, "where": where, "as_of": recommender.past.now, "until": recommender.model.until,
        "settings": recommender.shelf.settings.model_dump(mode="json"),
    }  # fmt: skip
    said = json.dumps(about, indent=1, ensure_ascii=False).encode()
    storage.make_folder(folder)
    path = folder / ABOUT
    if path.exists() and path.read_bytes() != said:
        raise InputError(
            f"{folder} holds lists of another kind, moment, model or filter: see {ABOUT} there. Name another."
        )
    storage.replace(path, said)
    names = recommender.past.sequences.customers if kind in OF_CUSTOMERS else recommender.model.vocabulary.products
    parts = list(enumerate(blocks(len(names))))

    def write(part: tuple[int, range]) -> None:
        number, some = part
        path = folder / f"part-{number:05d}.parquet"
        if path.exists():
            return
        table = (
            _for_you(recommender, some, k, where)
            if kind == "for-you"
            else _each(recommender, kind, [names[i] for i in some], k, where)
        )
        storage.create(path, storage.parquet(table))

    for done, _ in enumerate(in_threads(write, parts), 1):
        on_part(done, len(parts))
    return folder


def _for_you(recommender: Recommender, numbers: range, k: int, where: str) -> pa.Table:
    """The ranked lists of some customers at once; of who forbids profiling what most take up."""
    names = recommender.past.sequences.customers
    groups: dict[tuple[bool, bool], list[int]] = {}
    for number in numbers:
        name = names[number]
        groups.setdefault((name in recommender.unprofiled, name in recommender.shelf.adults), []).append(number)
    tables = []
    for (forbids, _), some in groups.items():
        allowed = recommender.shelf.shown_to(names[some[0]], where)
        most = min(k, int(allowed.sum()))
        if not most:
            continue
        past = recommender.past.of(np.array(some))
        if forbids:
            found = lists_of_all(recommender.model, recommender.products, recommender.shelf, allowed, len(some), most)
        else:
            found = lists(
                recommender.model, past, recommender.products, recommender.head, recommender.shelf, allowed, k=most
            )
        whose, place = np.nonzero(found.products > 0)
        at = pa.array(found.products[whose, place] - 1)
        said = why(recommender.model, past, recommender.products, recommender.shelf, found)
        columns = [
            pa.array([names[k] for k in some]).take(pa.array(whose)),
            pa.array(place + 1),
            recommender.shelf.table["product_id"].combine_chunks().take(at),
            recommender.shelf.table["title"].combine_chunks().take(at),
            pa.array(said, pa.string()),
        ]
        tables.append(pa.table(columns, schema=SCHEMA))
    return (
        pa.concat_tables(tables).sort_by([("about", "ascending"), ("rank", "ascending")])
        if tables
        else SCHEMA.empty_table()
    )


def _each(recommender: Recommender, kind: str, names: Sequence[str], k: int, where: str) -> pa.Table:
    ask = getattr(recommender, kind.replace("-", "_"))
    tables = []
    for name in names:
        shown = ask(name, k, where).table
        tables.append(shown.add_column(0, "about", pa.repeat(name, shown.num_rows)).cast(SCHEMA))
    return pa.concat_tables(tables)
