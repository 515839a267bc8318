"""From numbers to the log's own columns: texts of fixed width are written digit by digit, for all rows at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from regulars.events.schema import EVENTS, MONEY, TIME
from regulars.simulate.raw import CHANNELS, OUTCOMES, TYPES, Rows

HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
FEW = 10_000
MIXER = np.uint64(0xD1B54A32D192ED03)


@dataclass(frozen=True)
class Names:
    """The words behind the numbers: texts by number, those of products and addresses among them."""

    currency: str
    product_ids: pa.StringArray
    english_titles: pa.StringArray
    chinese_titles: pa.StringArray
    ips: pa.StringArray
    queries: pa.StringArray
    openings: pa.StringArray
    endings: pa.StringArray
    """A text is its opening, the title of the product where it has one, and its ending."""
    is_chinese: pa.BooleanArray
    """Of each text."""
    traits: pa.StringArray
    campaigns: pa.StringArray


def codes(prefix: str, numbers: npt.NDArray[np.int64] | npt.NDArray[np.uint64], digits: int) -> pa.StringArray:
    """A prefix and each number in hexadecimal; empty where a number is not known (below 0).

    >>> codes("c", np.array([10, -1, 255]), 4).to_pylist()
    ['c000a', None, 'c00ff']
    """
    count, width = len(numbers), len(prefix) + digits
    text = np.empty((count, width), np.uint8)
    _spell(text, np.frombuffer(prefix.encode(), np.uint8), numbers.astype(np.uint64))
    offsets = np.arange(count + 1, dtype=np.int32) * width
    known = None
    if numbers.dtype != np.uint64 and (is_unknown := numbers < 0).any():
        known = pa.array(~is_unknown).buffers()[1]
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text), known)


@njit(cache=True, nogil=True)
def _spell(text: npt.NDArray[np.uint8], prefix: npt.NDArray[np.uint8], numbers: npt.NDArray[np.uint64]) -> None:
    for row in range(len(numbers)):
        text[row, : len(prefix)] = prefix
        left = numbers[row]
        for place in range(text.shape[1] - 1, len(prefix) - 1, -1):
            text[row, place] = HEX[left & np.uint64(15)]
            left >>= np.uint64(4)


def numbers_of(ids: pa.StringArray, prefix: str, digits: int, count: int) -> npt.NDArray[np.int64]:
    """The number behind each code as `codes` spells it, if it is below `count`; -1 for all else.

    Read from the digits: to look a million ids up takes half as long as the rest of a day.

    >>> numbers_of(pa.array(["c000a", None, "c00ff", "C000a", "c0001 "]), "c", 4, 100).tolist()
    [10, -1, -1, -1, -1]
    """
    found = np.full(len(ids), -1, np.int64)
    if ids.null_count < len(ids):
        _, offsets, text = ids.buffers()
        start = np.frombuffer(offsets, np.int32)[ids.offset : ids.offset + len(ids) + 1]
        letters = np.frombuffer(text, np.uint8) if text is not None else np.empty(0, np.uint8)
        _read(letters, start, np.frombuffer(prefix.encode(), np.uint8), len(prefix) + digits, found)
    known: npt.NDArray[np.bool_] = ids.is_valid().to_numpy(zero_copy_only=False) & (found < count)
    return np.where(known, found, -1)


@njit(cache=True, nogil=True)
def _read(
    text: npt.NDArray[np.uint8],
    start: npt.NDArray[np.int32],
    prefix: npt.NDArray[np.uint8],
    width: int,
    found: npt.NDArray[np.int64],
) -> None:
    for row in range(len(found)):
        if start[row + 1] - start[row] != width:
            continue
        number = 0
        for place in range(width):
            letter = text[start[row] + place]
            if place < len(prefix):
                digit = 0 if letter == prefix[place] else 16
            elif 48 <= letter <= 57:  # 0 to 9
                digit = letter - 48
            else:  # a to f
                digit = letter - 87 if 97 <= letter <= 102 else 16
            number = number * 16 + digit if digit < 16 and number >= 0 else -1
        found[row] = number


def customer_ids(numbers: npt.NDArray[np.int64] | npt.NDArray[np.int32]) -> pa.StringArray:
    """Customers as the log names them.

    >>> customer_ids(np.array([0, 26])).to_pylist()
    ['c0000000', 'c000001a']
    """
    return codes("c", numbers.astype(np.int64), 7)


def customer_numbers(ids: pa.StringArray, count: int) -> npt.NDArray[np.int64]:
    """The inverse of `customer_ids`; -1 for who is not among so many."""
    return numbers_of(ids, "c", 7, count)


def product_ids(count: int) -> pa.StringArray:
    """So many products as the log names them."""
    return codes("p", np.arange(count, dtype=np.int64), 6)


def product_numbers(ids: pa.StringArray, count: int) -> npt.NDArray[np.int64]:
    """The inverse of `product_ids`; -1 for what is not among so many."""
    return numbers_of(ids, "p", 6, count)


def money(amounts: npt.NDArray[np.int64]) -> pa.Array:
    """Ten-thousandths as money; empty where negative.

    >>> money(np.array([125_000, -1])).to_pylist()
    [Decimal('12.5000'), None]
    """
    words = np.zeros((len(amounts), 2), np.int64)
    words[:, 0] = amounts
    known = pa.array(amounts >= 0).buffers()[1]
    return pa.Array.from_buffers(MONEY, len(amounts), [known, pa.py_buffer(words)])


def to_events(rows: Rows, names: Names) -> pa.Table:
    """Rows as events of the log, in their order; texts that repeat as dictionaries.

    `received_at` is a little after the time, by the event's number: the clock has no part in it.
    """
    count = len(rows)
    customer, product, event = rows["customer"].astype(np.int64), rows["product"], rows["event"]
    lag = 40_000 + ((event * MIXER) >> np.uint64(42)).astype(np.int64)  # .04 to 4.2 seconds, in microseconds
    columns = {
        "event_id": codes("", event, 16),
        "line": pa.array(rows["line"].astype(np.int32)),
        "time": _moments(rows["time"]),
        "received_at": _moments(rows["time"] + lag),
        "customer_id": customer_ids(np.where(rows["signed"] == 1, customer, -1)),
        "anonymous_id": codes("a", rows["device"].astype(np.int64), 8),
        "session_id": _numbered("s", rows["session"]),
        "type": _chosen(rows["type"], pa.array(TYPES), none=0),
        "product_id": _chosen(product, names.product_ids),
        "quantity": _positive(rows["quantity"]),
        "unit_price": money(rows["price"]),
        "currency": _chosen(np.where(rows["price"] >= 0, 0, -1), pa.array([names.currency])),
        "order_id": _numbered("o", rows["order"]),
        "query": _chosen(rows["query"], names.queries),
        "text": _texts(rows, names),
        "channel": _chosen(rows["channel"], pa.array(CHANNELS), none=0),
        "campaign_id": _chosen(rows["campaign"], names.campaigns),
        "variant": pa.nulls(count, pa.string()),
        "propensity": _positive(rows["propensity"]),
        "device_id": codes("d", rows["device"].astype(np.int64), 8),
        "ip": _chosen(rows["ip"], names.ips),
        "payment_id": codes("p", rows["payment"].astype(np.int64), 8),
        "outcome": _chosen(rows["outcome"], pa.array(OUTCOMES), none=0),
        "properties": _chosen(rows["traits"], names.traits),
    }
    return pa.table(columns)


def plain(events: pa.Table) -> pa.Table:
    """Events in the schema of the log, dictionaries resolved."""
    return events.cast(EVENTS)


def _moments(microseconds: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(microseconds).view(TIME)


def _positive(values: npt.NDArray[np.float32]) -> pa.Array:
    return pa.array(values.astype(np.float64), mask=values <= 0)


def _numbered(prefix: str, numbers: npt.NDArray[np.uint64]) -> pa.Array:
    # An event number fits 63 bits as long as the day is under 2^15.
    signed = numbers.astype(np.int64)
    return codes(prefix, np.where(signed == 0, -1, signed), 16)


def _chosen(numbers: npt.NDArray[np.generic], words: pa.StringArray, none: int = -1) -> pa.Array:
    """Words by number: as a dictionary where there are few, so that no text is copied."""
    indices = pa.array(numbers.astype(np.int32), mask=numbers == none)
    return pa.DictionaryArray.from_arrays(indices, words) if len(words) <= FEW else words.take(indices)


def _texts(rows: Rows, names: Names) -> pa.Array:
    text = rows["text"]
    said = np.flatnonzero(text >= 0)
    if not len(said):
        return pa.nulls(len(rows), pa.string())
    code = pa.array(text[said])
    product = rows["product"][said]
    # A ticket or review is about a product; its title stands in the middle. Consent has no product.
    about = pa.array(product, mask=product < 0)
    is_chinese = names.is_chinese.take(code)
    titles = pc.if_else(is_chinese, names.chinese_titles.take(about), names.english_titles.take(about))
    words = pc.binary_join_element_wise(
        names.openings.take(code), pc.fill_null(titles, ""), names.endings.take(code), ""
    )
    places = np.full(len(rows), -1, np.int64)
    places[said] = np.arange(len(said))
    return words.take(pa.array(places, mask=places < 0))
