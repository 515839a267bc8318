"""What customers are compared by, as of a moment: named features, interests by category, and behaviour vectors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.errors import NotEnoughError, NotFoundError

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

KEYS = ("customer_id", "as_of")
LEAST = 50
"""Customers, at least: of fewer a bootstrap draws the same few again and again."""
DIFFERENT = 10
"""Different rows, at least: of fewer a table of counts says all there is."""
KNOWN = 0.6
"""Share of the customers of whom a feature must be known."""

COMPARED = (
    "recency_days", "tenure_days", "orders", "orders_per_month", "order_value_mean", "lines_mean", "units_mean",
    "price_mean", "price_spread", "discount_share", "product_repeat_share", "product_entropy", "category_entropy",
    "brand_entropy", "single_line_share", "refunds", "cancellations", "morning_share", "evening_share",
    "weekend_share", "session_events_mean", "view_to_cart_share", "cart_abandonment",
    "message_open_share", "coupons", "support_contacts",
)  # fmt: skip
"""Features of the profile that tell how customers differ, each something else: windows of one count say it again."""

EVIDENCE = {"order_completed": 1.0, "product_added": 0.5, "product_viewed": 0.25}
"""How much a line of each kind of event says of interest in the product's category."""
PRIOR = 5.0
"""So many lines of what all buy are added to each customer's own: one line is not yet a taste."""
CATEGORIES = 40
"""The largest categories; the rest are one."""
OTHERS = "others"

VECTORS, INTERESTS = "behaviour vectors", "interests"
SCALED = {"features": True, INTERESTS: False, VECTORS: False}
"""The spaces that clusters are looked for in, and whether each column counts alike there."""


@dataclass(frozen=True)
class Known:
    """Customers as of one moment, and what they are compared by.

    Attributes
    ----------
    profiles : (n,) rows customer_id, as_of and the features of the profile.
    names : of each space's columns.
    columns : space -> (n, c), NaN where absent; only spaces that the log can carry.
    """

    profiles: pa.Table
    names: dict[str, tuple[str, ...]]
    columns: dict[str, Floats]

    def __len__(self) -> int:
        return int(self.profiles.num_rows)

    @property
    def customers(self) -> npt.NDArray[np.str_]:
        """(n,) their ids."""
        return np.array(self.profiles["customer_id"].to_pylist(), str)


def known_as_of(
    shop: Shop, pairs: pa.Table, behavior: tuple[int, bool] | None = None, *, has_interests: bool = True
) -> Known:
    """What customers are compared by, each as of the one moment of the pairs.

    Parameters
    ----------
    pairs : (n >= 1,) customer_id and as_of, the same moment in all.
    behavior : which behaviour model's vectors, by version and whether it is that version's earlier one; none if None.
    has_interests : False where they are not asked for: to know them is to read the whole log.
    """
    profiles = shop.tables.of("profile", pairs.select(KEYS))
    names = {"features": tuple(name for name in COMPARED if name in profiles.column_names)}
    columns = {"features": column_stack(profiles, names["features"])}
    categories, interest = interests(shop, pairs) if has_interests else ((), np.empty((pairs.num_rows, 0)))
    if len(categories) >= 3:
        names[INTERESTS], columns[INTERESTS] = categories, interest
    if behavior is not None:
        vectors = _vectors(shop, pairs, *behavior)
        names[VECTORS] = tuple(f"behavior_{k}" for k in range(vectors.shape[1]))
        columns[VECTORS] = vectors
    return Known(profiles, names, columns)


def column_stack(table: pa.Table, names: tuple[str, ...]) -> Floats:
    """(n, k) columns of a table, NaN where absent or where the table lacks one."""
    found = np.full((table.num_rows, len(names)), np.nan)
    for k, name in enumerate(names):
        if name in table.column_names:
            found[:, k] = table[name].to_numpy(zero_copy_only=False)
    return found


def comparable(known: Known) -> dict[str, Floats]:
    """The spaces in which customers differ; of the features, those that are known of most.

    Raises
    ------
    NotEnoughError
        If there are fewer than 10 that differ.
    """
    found = {}
    for name, values in known.columns.items():
        often = np.isfinite(values).mean(axis=0) >= KNOWN
        masked = np.where(often, values, np.nan)
        if _kinds(masked) >= DIFFERENT:
            found[name] = masked
    if not found:
        most = max((_kinds(values) for values in known.columns.values()), default=0)
        raise NotEnoughError(
            f"segment: {len(known)} customers are of {most} kinds in all that is known of them; at least {DIFFERENT} "
            "that differ are needed to look for clusters. Import more history, or choose another moment."
        )
    return found


def _kinds(values: Floats) -> int:
    """How many different rows; of many, among some of them."""
    return len(np.unique(np.nan_to_num(values[:: max(len(values) // 20_000, 1)]), axis=0))


def customers_as_of(shop: Shop, moment: datetime, history_days: int) -> pa.Table:
    """The customers to part, as pairs.

    Raises
    ------
    NotEnoughError
        If there are fewer than 50, or fewer days of log before the moment than asked for.
    """
    first: datetime | None = shop.engine.to_arrow(shop.events.time.min()).as_py()
    if first is None:
        raise NotEnoughError(
            f"segment: the log is empty; at least {LEAST} customers are needed. Import a file: regulars import FILE"
        )
    pairs = shop.customers(moment)
    if pairs.num_rows < LEAST:
        raise NotEnoughError(
            f"segment: {pairs.num_rows} customers with an order before {moment:%Y-%m-%d}; at least {LEAST} are needed. "
            "Import more history, or choose a later moment."
        )
    if moment - first < timedelta(days=history_days):
        raise NotEnoughError(
            f"segment: {(moment - first).days} days of log before {moment:%Y-%m-%d}; at least {history_days} are "
            f"needed, with at least {LEAST} customers. Import more history, or choose a later moment."
        )
    return pairs


def interests(shop: Shop, pairs: pa.Table) -> tuple[tuple[str, ...], Floats]:
    """How much each customer has to do with each category, as of the one moment of the pairs.

    Returns
    -------
    Names of categories, by size, and (n, c) square roots of shares: distances between them are those of Hellinger,
    in which a rare category counts as much as a common one. Empty where no product has a category.
    """
    moment = pairs["as_of"][0].as_py()
    said = shop.catalogue
    said = said.filter(said.category.notnull(), said.valid_from < ibis.literal(moment))
    # Of two things said at the same moment, always the same one.
    said = said.group_by("product_id", "valid_from").agg(category=said.category.max())
    said = said.group_by("product_id").agg(category=said.category.argmax(said.valid_from))
    events = shop.events
    seen = events.filter(events.type.isin(list(EVIDENCE)), events.time < ibis.literal(moment))
    seen = shop.identities.named(seen, moment)
    seen = seen.filter(seen.customer_id.notnull()).mutate(weight=seen.type.substitute(EVIDENCE, else_=0.0))
    met = seen.select("customer_id", "product_id", weight=seen.weight.cast("float64")).join(said, "product_id")
    rows = shop.engine.to_arrow(met.group_by("customer_id", "category").agg(weight=met.weight.sum()))
    whose = shop.identities.customers(pairs)
    ids = pa.chunked_array([whose]) if isinstance(whose, pa.Array) else whose
    sizes = rows.group_by("category").aggregate([("weight", "sum")])
    sizes = sizes.sort_by([("weight_sum", "descending"), ("category", "ascending")])
    kept = tuple(sizes["category"].to_pylist()[:CATEGORIES])
    names = (*kept, OTHERS) if sizes.num_rows > CATEGORIES else kept
    place = pc.fill_null(pc.index_in(rows["category"], pa.array(kept, pa.string())), len(kept)).to_numpy()
    customers, places = pc.unique(ids), pc.index_in(ids, pc.unique(ids)).to_numpy()
    row = pc.index_in(rows["customer_id"], customers)
    is_asked = np.asarray(pc.is_valid(row))
    count = np.zeros((len(customers), len(names)))
    np.add.at(count, (row.fill_null(0).to_numpy()[is_asked], place[is_asked]), rows["weight"].to_numpy()[is_asked])
    if not len(names):
        return (), np.empty((pairs.num_rows, 0))
    whole = np.bincount(place, rows["weight"].to_numpy(), len(names))
    usual = whole / max(whole.sum(), 1e-12)
    share = (count + PRIOR * usual) / (count.sum(axis=1, keepdims=True) + PRIOR)
    # Rounded: the engine adds weights up in any order.
    return names, np.sqrt(share).round(6)[places]


def behavior_model(shop: Shop, moment: datetime) -> tuple[int, bool] | None:
    """The newest behaviour model that saw nothing from a moment on: version, whether its earlier one; None if none."""
    if not shop.models.versions("behavior"):
        # So a shop without one never waits for torch.
        return None
    from regulars.behavior import model_as_of  # noqa: PLC0415

    try:
        kept = model_as_of(shop, moment)
    except NotFoundError:
        return None
    return kept.version, kept.is_earlier


def _vectors(shop: Shop, pairs: pa.Table, version: int, is_earlier: bool) -> Floats:
    from regulars import behavior  # noqa: PLC0415

    model = behavior.load(shop, version, is_earlier=is_earlier).model
    return behavior.vectors(shop, pairs.select(KEYS), model).astype(np.float64).round(4)
