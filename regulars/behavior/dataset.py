"""A shop's log as sequences, and what its catalogue says as content: all of it as of a moment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from regulars.behavior.buckets import SECOND
from regulars.behavior.fields import event_fields
from regulars.behavior.sequences import Sequences
from regulars.behavior.vocabulary import Content, Vocabulary, shares
from regulars.errors import NotEnoughError
from regulars.events.schema import NOTED
from regulars.language import embed

if TYPE_CHECKING:
    from regulars.shop import Shop

RARE_KIND = 20
"""A type or channel met fewer times than this shares the vector of the unknown."""
RARE_WORD = 2
"""A word in the titles of fewer products than this says nothing of any."""
MOST_WORDS = 50_000
LEAST_CUSTOMERS = 50
"""With events before the moment; below, there is nothing to learn from."""
LEAST_DAYS = 50
"""So much log must lie before it."""
WORD = re.compile(r"[一-鿿]|[^\W_一-鿿]+")
"""A word, or one Chinese character: what stands beside a number or a foreign word, too."""


def vocabulary_and_content(shop: Shop, until: datetime) -> tuple[Vocabulary, Content]:
    """What there is in a shop's log and catalogue before a moment.

    Raises
    ------
    NotEnoughError
        If there are too few events, or none about a product.
    """
    events = _events(shop, until)
    met = shop.engine.to_arrow(
        events.filter(events.product_id.notnull())
        .group_by("product_id")
        .agg(count=ibis._.count(), price=ibis._.unit_price.cast("float64").median())
        .order_by("product_id")
    )
    _require_enough(shop, events, met.num_rows, until)
    kinds = shop.engine.to_arrow(events.group_by("type").agg(count=ibis._.count()).order_by("type"))
    channels = shop.engine.to_arrow(
        events.filter(events.channel.notnull()).group_by("channel").agg(count=ibis._.count()).order_by("channel")
    )
    known = catalogue_before(shop, until)
    ids = sorted(set(met["product_id"].to_pylist()) | set(known["product_id"].to_pylist()))
    at = {name: number for number, name in enumerate(ids, 1)}
    counts = np.zeros(len(ids) + 1, np.int64)
    price = np.full(len(ids) + 1, np.nan)
    places = np.array([at[name] for name in met["product_id"].to_pylist()])
    counts[places] = met["count"].to_numpy()
    price[places] = met["price"].to_numpy(zero_copy_only=False)
    content, attributes, category = _content(shop, known, at)
    vocabulary = Vocabulary(
        products=ids,
        types=_frequent(kinds, "type"),
        channels=_frequent(channels, "channel"),
        attributes=attributes,
        counts=counts,
        usual_price=_usual(price, category),
        clock=clock_changes(shop.config.shop.timezone, until),
    )
    return vocabulary, content


def sequences_of(
    shop: Shop,
    vocabulary: Vocabulary,
    as_of: datetime,
    customers: Sequence[str] | None = None,
    named_as_of: datetime | None = None,
) -> Sequences:
    """Everything that customers did before a moment.

    Parameters
    ----------
    customers : whose; default all. Each stands in the answer, in this order, if with no event.
    named_as_of : whose ids are whose as of this moment; default `as_of`. To judge what was foreseen at a moment by what
        came after it: which ids turned out later to be one customer was not known then.
    """
    engine = shop.engine
    events = shop.identities.named(_events(shop, as_of), named_as_of or as_of)
    events = events.filter(events.customer_id.notnull())
    if customers is None:
        ids = engine.to_arrow(events.select("customer_id").distinct().order_by("customer_id"))["customer_id"]
    else:
        ids = pa.chunked_array([pa.array(list(customers), pa.string())])
    owners = engine.table(pa.table({"customer_id": ids, "owner": np.arange(len(ids), dtype=np.int64)}))
    products = engine.table(_numbered("product_id", "product", vocabulary.products))
    types = engine.table(_numbered("type", "kind", vocabulary.types))
    channels = engine.table(_numbered("channel", "way", vocabulary.channels))
    rows = events.inner_join(owners, "customer_id").left_join(products, "product_id").left_join(types, "type")
    rows = rows.left_join(channels, "channel").order_by("owner", "time", "event_id", "line")
    found = engine.to_arrow(
        rows.select(
            "owner",
            # Engines round a half second up: whole seconds first.
            time=rows.time.truncate("s").epoch_seconds().cast("int64") * SECOND + rows.time.microsecond().cast("int64"),
            product=rows["product"].fill_null(0).cast("int32"),
            kind=rows["kind"].fill_null(0).cast("int32"),
            way=rows["way"].fill_null(0).cast("int32"),
            quantity=rows.quantity,
            price=rows.unit_price.cast("float64"),
            is_order=rows["type"] == "order_completed",
        )
    )
    owner = found["owner"].to_numpy()
    time = found["time"].to_numpy()
    product = found["product"].to_numpy()
    quantity = found["quantity"].to_numpy(zero_copy_only=False).astype(np.float64)
    price = found["price"].to_numpy(zero_copy_only=False).astype(np.float64)
    starts = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(ids)))]).astype(np.int64)
    gap = np.diff(time, prepend=0)
    gap[starts[:-1][np.diff(starts) > 0]] = -1
    fields = event_fields(
        vocabulary,
        product=product,
        type=found["kind"].to_numpy(),
        channel=found["way"].to_numpy(),
        time=time,
        gap=gap,
        price=price,
        quantity=quantity,
    )
    is_order = found["is_order"].to_numpy(zero_copy_only=False)
    spend = np.where(is_order, np.nan_to_num(price * np.nan_to_num(quantity, nan=1.0)), 0.0).astype(np.float32)
    return Sequences(ids.to_pylist(), starts, time, fields, spend)


def _events(shop: Shop, until: datetime) -> Any:
    events = shop.events
    return events.filter(events.time < ibis.literal(until, "timestamp('UTC')"), ~events.type.isin(NOTED))


def _require_enough(shop: Shop, events: Any, products: int, until: datetime) -> None:
    who = ibis.coalesce(events.customer_id, events.anonymous_id)
    row = shop.engine.to_arrow(events.agg(customers=who.nunique(), first=events.time.min())).to_pylist()[0]
    if row["customers"] < LEAST_CUSTOMERS or not products:
        raise NotEnoughError(
            f"behavior: {row['customers']} customers and {products} products before {until:%Y-%m-%d}; at least "
            f"{LEAST_CUSTOMERS} customers are needed, and one product. Import more history, or choose a later time."
        )
    days = (until - row["first"]) // timedelta(days=1)
    if days < LEAST_DAYS:
        raise NotEnoughError(
            f"behavior: {days} days of log before {until:%Y-%m-%d}, at least {LEAST_DAYS} are needed. Import more "
            "history, or choose a later time."
        )


def _numbered(name: str, number: str, values: Sequence[str]) -> pa.Table:
    numbers = np.arange(1, len(values) + 1, dtype=np.int32)
    return pa.table({name: pa.array(list(values), pa.string()), number: numbers})


def _frequent(table: pa.Table, name: str) -> list[str]:
    return [row[name] for row in table.to_pylist() if row["count"] >= RARE_KIND]


def catalogue_before(shop: Shop, until: datetime) -> pa.Table:
    """What was known of each product before a moment: its newest row."""
    catalogue = shop.catalogue
    known = catalogue.filter(catalogue.valid_from < ibis.literal(until, "timestamp('UTC')"))
    newest = known.group_by("product_id").agg(
        **{name: known[name].argmax(known.valid_from) for name in ("title", "category", "brand", "text")}
    )
    return shop.engine.to_arrow(newest.order_by("product_id"))


def _content(shop: Shop, known: pa.Table, at: dict[str, int]) -> tuple[Content, list[str], npt.NDArray[np.object_]]:
    """Content of products, the names of its attributes, and each product's category."""
    rows = known.to_pylist()
    names = [_attributes(row) for row in rows]
    count = Counter(name for each in names for name in each)
    kept = sorted(name for name, times in count.most_common(MOST_WORDS) if times >= RARE_WORD)
    column = {name: number for number, name in enumerate(kept)}
    pairs = [
        (at[row["product_id"]], column[name])
        for row, each in zip(rows, names, strict=True)
        for name in each
        if name in column
    ]
    places, columns = (
        (np.array(side, np.int64) for side in zip(*pairs, strict=True)) if pairs else (np.zeros(0, np.int64),) * 2
    )
    matrix = sp.csr_matrix((np.ones(len(places), np.float32), (places, columns)), shape=(len(at) + 1, len(kept)))
    texts = [". ".join(part for part in (row["title"], row["category"], row["text"]) if part) for row in rows]
    meaning = np.zeros((len(at) + 1, 0), np.float32)
    if any(texts):
        vectors = embed(texts, shop.folder / "cache" / "embeddings.parquet")
        meaning = np.zeros((len(at) + 1, vectors.shape[1]), np.float32)
        meaning[[at[row["product_id"]] for row in rows]] = vectors
    category = np.full(len(at) + 1, None, object)
    for row in rows:
        category[at[row["product_id"]]] = row["category"]
    return Content(shares(matrix), meaning), kept, category


def _attributes(row: dict[str, Any]) -> list[str]:
    words = dict.fromkeys(word.lower() for word in WORD.findall(row["title"] or ""))
    about = [f"{name}: {row[name]}" for name in ("category", "brand") if row[name]]
    return about + [f"word: {word}" for word in words]


def _usual(price: npt.NDArray[np.float64], category: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """The median price of each product's category; of one without a category its own."""
    usual = price.copy()
    named = np.array([value is not None for value in category])
    if named.any():
        _, group = np.unique(category[named].astype(str), return_inverse=True)
        at = np.flatnonzero(named)
        order = np.argsort(group, kind="stable")
        for members in np.split(at[order], np.flatnonzero(np.diff(group[order])) + 1):
            prices = price[members]
            if not np.isnan(prices).all():
                usual[members] = np.nanmedian(prices)
    return usual


def clock_changes(zone: str, until: datetime) -> tuple[tuple[int, int], ...]:
    """When the clock of a zone was changed since 1990 and two years on, and its seconds ahead of Greenwich since.

    >>> clock_changes("Asia/Shanghai", datetime(2024, 5, 1, tzinfo=UTC))[-1][1]
    28800
    """
    place = ZoneInfo(zone)
    first = datetime(1990, 1, 1, tzinfo=UTC)
    hours = int((until - first) / timedelta(hours=1)) + 2 * 366 * 24
    found: list[tuple[int, int]] = []
    day = first
    step = timedelta(days=1)

    def ahead(moment: datetime) -> int:
        return int((moment.astimezone(place).utcoffset() or timedelta()).total_seconds())

    for _ in range(hours // 24):
        if not found or ahead(day) != found[-1][1]:
            change = day
            while found and ahead(change - timedelta(hours=1)) != found[-1][1]:
                change -= timedelta(hours=1)
            found.append((int(change.timestamp()), ahead(day)))
        day += step
    return tuple(found)
