"""What a policy may tell the shop to do on a day, checked whole before anything moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.errors import InputError
from regulars.simulate.customers import ACTIONS
from regulars.simulate.encode import customer_numbers, product_numbers
from regulars.simulate.raw import CHANNEL

DECISIONS = pa.schema(
    [
        pa.field("customer_id", pa.string()),
        pa.field("action", pa.string(), nullable=False),
        pa.field("channel", pa.string()),
        pa.field("product_id", pa.string()),
        pa.field("products", pa.list_(pa.string())),
        pa.field("share", pa.float64()),
        pa.field("price", pa.float64()),
        pa.field("bid", pa.float64()),
        pa.field("budget", pa.float64()),
        pa.field("campaign_id", pa.string()),
        pa.field("propensity", pa.float64()),
    ]
)
"""One decision a row; columns that an action does not need may be left out.

message (channel), coupon (share, channel), discount (share, this day only), ad (bid, budget of its campaign
for the day), recommend (products, the first first); price (product_id, price; for all customers, without
customer_id, until changed).
"""

NEEDED = {
    "message": (), "coupon": ("share",), "discount": ("share",), "ad": ("bid",), "recommend": ("products",),
    "price": ("product_id", "price"),
}  # fmt: skip
CONTACT_CHANNELS = ("email", "sms", "push")
MOST_OFFERED = 12


@dataclass(frozen=True)
class Checked:
    """Decisions that can be carried out, as numbers: (d,) those for customers, (m,) those of prices.

    Attributes
    ----------
    action : (d,) number in ACTIONS.
    offers : (d, 12) products recommended, -1 where there are none.
    """

    customer: npt.NDArray[np.int64]
    action: npt.NDArray[np.int64]
    channel: npt.NDArray[np.int64]
    share: npt.NDArray[np.float64]
    bid: npt.NDArray[np.float64]
    budget: npt.NDArray[np.float64]
    campaign: pa.StringArray
    propensity: npt.NDArray[np.float64]
    product: npt.NDArray[np.int64]
    offers: npt.NDArray[np.int32]
    priced: npt.NDArray[np.int64]
    price: npt.NDArray[np.float64]


def nothing() -> pa.Table:
    """No decisions."""
    return DECISIONS.empty_table()


def check(decisions: pa.Table, customers: int, products: int) -> Checked:
    """Decisions as numbers, in a world of so many customers and products.

    Raises
    ------
    InputError
        Naming row, column, what stands there and what is expected; nothing was done.
    """
    if not isinstance(decisions, pa.Table):
        raise InputError(f"decisions: a pyarrow.Table is expected, not {type(decisions).__name__}.")
    if twice := sorted({name for name in decisions.column_names if decisions.column_names.count(name) > 1}):
        raise InputError(f"decisions: the column {twice[0]} is there twice. Keep one.")
    if unknown := sorted(set(decisions.column_names) - set(DECISIONS.names)):
        raise InputError(f"decisions: no column {unknown[0]} is known. There are: {', '.join(DECISIONS.names)}.")
    count = decisions.num_rows
    try:
        columns = {
            field.name: decisions[field.name].cast(field.type).combine_chunks()
            if field.name in decisions.column_names
            else pa.nulls(count, field.type)
            for field in DECISIONS
        }
    except pa.ArrowException as error:
        raise InputError(f"decisions: {error}. Columns and types are those of regulars.simulate.DECISIONS.") from None
    said = columns["action"]
    names = pa.array([*ACTIONS, "price"])
    action = pc.fill_null(pc.index_in(said, names), -1).to_numpy(zero_copy_only=False).astype(np.int64)
    _refuse(action < 0, said, "action", f"one of {', '.join(names.to_pylist())} is expected")
    is_price = action == len(ACTIONS)
    for number, name in enumerate(names.to_pylist()):
        for column in NEEDED[name]:
            is_missing = (action == number) & columns[column].is_null().to_numpy(zero_copy_only=False)
            _refuse(is_missing, columns[column], column, f"{name} needs it")
    customer = customer_numbers(columns["customer_id"], customers)
    has_customer = columns["customer_id"].is_valid().to_numpy(zero_copy_only=False)
    _refuse(is_price & has_customer, columns["customer_id"], "customer_id", "a price holds for all: leave it empty")
    _refuse(~is_price & (customer < 0), columns["customer_id"], "customer_id", "there is no such customer")
    product = product_numbers(columns["product_id"], products)
    has_product = columns["product_id"].is_valid().to_numpy(zero_copy_only=False)
    _refuse(has_product & (product < 0), columns["product_id"], "product_id", "there is no such product")
    numbers = {name: _number(columns[name]) for name in ("share", "price", "bid", "budget", "propensity")}
    bounds = {
        "share": (0.0, 0.9, "a share from 0 to 0.9"),
        "price": (0.01, 1e9, "a price of at least 0.01"),
        "bid": (0.0, 1e9, "a bid of at least 0"),
        "budget": (0.0, 1e12, "a budget of at least 0"),
        "propensity": (1e-9, 1.0, "a propensity above 0 and up to 1"),
    }
    for name, (low, high, words) in bounds.items():
        value = numbers[name]
        is_given = columns[name].is_valid().to_numpy(zero_copy_only=False)
        _refuse(is_given & ~((value >= low) & (value <= high)), columns[name], name, f"{words} is expected")
    _refuse_twice(product[is_price], np.flatnonzero(is_price), columns["product_id"], "product_id", "two prices")
    pairs = customer * len(ACTIONS) + action
    _refuse_twice(
        pairs[~is_price], np.flatnonzero(~is_price), columns["customer_id"], "customer_id", "the same action twice"
    )
    words = columns["channel"]
    channel = pc.index_in(words, pa.array(CONTACT_CHANNELS))
    _refuse(
        words.is_valid().to_numpy(zero_copy_only=False) & channel.is_null().to_numpy(zero_copy_only=False),
        words, "channel", f"one of {', '.join(CONTACT_CHANNELS)} is expected",
    )  # fmt: skip
    mine = ~is_price
    by_name = np.array([CHANNEL[name] for name in CONTACT_CHANNELS])
    return Checked(
        customer=customer[mine],
        action=action[mine],
        channel=by_name[pc.fill_null(channel, 0).to_numpy(zero_copy_only=False)][mine],
        share=np.nan_to_num(numbers["share"])[mine],
        bid=np.nan_to_num(numbers["bid"])[mine],
        budget=np.nan_to_num(numbers["budget"], nan=np.inf)[mine],
        campaign=columns["campaign_id"].filter(pa.array(mine)),
        propensity=np.nan_to_num(numbers["propensity"])[mine],
        product=product[mine],
        offers=_offers(columns["products"], products)[mine],
        priced=product[is_price],
        price=numbers["price"][is_price],
    )


def _number(column: pa.Array) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return found


def _offers(lists: pa.ListArray, count: int) -> npt.NDArray[np.int32]:
    offers = np.full((len(lists), MOST_OFFERED), -1, np.int32)
    if lists.null_count == len(lists):
        return offers
    owner = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    products = lists.flatten()
    number = product_numbers(products, count)
    if (number < 0).any():
        first = int(np.flatnonzero(number < 0)[0])
        raise InputError(
            f"decisions, row {owner[first] + 1}: products = {products[first].as_py()!r}: there is no such product. "
            "Nothing was done."
        )
    starts = np.searchsorted(owner, owner)
    place = np.arange(len(owner)) - starts
    _refuse_list(owner[place >= MOST_OFFERED], lists, f"at most {MOST_OFFERED} products are expected")
    offers[owner, place] = number
    ordered = np.sort(offers, axis=1)
    _refuse_list(
        np.flatnonzero(((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(1)),
        lists, "a product stands in it twice",
    )  # fmt: skip
    return offers


def _refuse_list(rows: npt.NDArray[np.int64], lists: pa.ListArray, why: str) -> None:
    is_wrong = np.zeros(len(lists), bool)
    is_wrong[rows] = True
    _refuse(is_wrong, lists, "products", why)


def _refuse(is_wrong: npt.NDArray[np.bool_], column: pa.Array, name: str, why: str) -> None:
    if is_wrong.any():
        row = int(np.flatnonzero(is_wrong)[0])
        raise InputError(f"decisions, row {row + 1}: {name} = {column[row].as_py()!r}: {why}. Nothing was done.")


def _refuse_twice(
    numbers: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], column: pa.Array, name: str, what: str
) -> None:
    _, first = np.unique(numbers, return_index=True)
    if len(first) < len(numbers):
        row = int(rows[np.setdiff1d(np.arange(len(numbers)), first)[0]])
        raise InputError(
            f"decisions, row {row + 1}: {name} = {column[row].as_py()!r}: {what} on one day. Keep one. "
            "Nothing was done."
        )
