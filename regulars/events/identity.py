"""Who an event is: the identity that makes counting it twice impossible.

`(event_id, line)` is an event's identity. A row that comes without an id gets one from its content, so
that importing the same file again adds nothing; rows that are equal in all of it are told apart by
their ordinal, which becomes their `line`.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.duplicates import Hashes, in_sorted

CONTENT = (
    "customer_id", "session_id", "type", "product_id", "quantity", "unit_price", "order_id",
    "query", "text", "channel", "campaign_id", "variant", "device_id", "ip", "payment_id", "outcome",
    "anonymous_id",
)  # fmt: skip
"""What an id is made of, besides the time. `properties` and `currency` stay out: mapping one more column
of a file, or naming the shop's currency later, must not make its rows new ones. A new column
goes to the end: the place counts."""

NULL = np.uint64(0x9E3779B97F4A7C15)
ODD = np.uint64(0xFF51AFD7ED558CCD)
LONGEST_INLINE = 128
"""Texts longer than this many bytes are hashed one at a time; shorter ones all at once."""

_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint16)


def _mix(values: Hashes) -> Hashes:
    """Spread each bit over all 64 (the finaliser of MurmurHash3)."""
    values = (values ^ (values >> np.uint64(33))) * ODD
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


def hash_column(values: pa.Array) -> Hashes:
    """A 64-bit hash of each value, the same on every machine and for ever.

    Parameters
    ----------
    values : text (plain or dictionary-encoded), decimal(18,4), float64, int or timestamp.

    Examples
    --------
    >>> hash_column(pa.array(["tea", "tea", None])).tolist()
    [10488891924511221367, 10488891924511221367, 11400714819323198485]
    """
    if pa.types.is_dictionary(values.type):
        by_code = hash_column(values.dictionary)
        codes = values.indices.fill_null(0).to_numpy(zero_copy_only=False)
        hashes = by_code[codes] if len(by_code) else np.full(len(values), NULL)
    elif pa.types.is_string(values.type):
        hashes = _hash_texts(values)
    elif pa.types.is_decimal(values.type):
        # 18 digits fit the lower half of Arrow's 128 bits.
        words = np.frombuffer(values.buffers()[1], np.uint64).reshape(-1, 2)
        hashes = _mix(words[values.offset : values.offset + len(values), 0])
    else:
        if pa.types.is_floating(values.type):
            plain = pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False) + 0.0  # -0.0 is 0.0
        else:
            plain = pc.fill_null(values.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
        hashes = _mix(plain.view(np.uint64))
    if values.null_count:
        hashes = np.where(values.is_null().to_numpy(zero_copy_only=False), NULL, hashes)
    return hashes


def _hash_texts(texts: pa.StringArray) -> Hashes:
    """Eight bytes of every text at a time, for all texts at once."""
    count = len(texts)
    if count == 0:
        return np.empty(0, np.uint64)
    _, offsets_buffer, data = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32)[texts.offset : texts.offset + count + 1].astype(np.int64)
    raw = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    # Eight zero bytes behind the last text, so that its last word can be read whole.
    raw = np.concatenate([raw[offsets[0] : offsets[-1]], np.zeros(8, np.uint8)])
    starts, lengths = offsets[:-1] - offsets[0], np.diff(offsets)
    words = np.ndarray((len(raw) - 7,), np.dtype("<u8"), raw, strides=(1,))
    hashes = _mix(lengths.astype(np.uint64) + NULL)
    longest = int(lengths.max())
    # At least once, so that an empty text has one hash, whatever stands beside it.
    for position in range(0, max(min(longest, LONGEST_INLINE), 1), 8):
        rows = np.flatnonzero(lengths > position) if position else np.arange(count)
        word = words[starts[rows] + position]
        left = np.minimum(lengths[rows] - position, 8)
        word = word & (~np.uint64(0) >> (np.uint64(64) - left.astype(np.uint64) * np.uint64(8)))
        word[left == 0] = 0
        hashes[rows] = _mix((hashes[rows] ^ word) * ODD + NULL)
    for row in np.flatnonzero(lengths > LONGEST_INLINE):
        text = raw[starts[row] : starts[row] + lengths[row]].tobytes()
        digest = hashlib.blake2b(text, digest_size=8).digest()
        hashes[row] = int.from_bytes(digest, "little")
    return hashes


def hash_rows(table: pa.Table, columns: tuple[str, ...]) -> Hashes:
    """One hash of several columns for each row; a column that is missing counts as empty."""
    hashes = np.full(table.num_rows, NULL)
    for place, name in enumerate(columns):
        if name not in table.column_names:
            continue
        values = whole(table[name])
        # Each column is mixed with its own place, so that "a" in one and "b" in the other is not
        # "b" and "a"; an empty cell adds nothing, so that a column can be left out where all are.
        own = np.uint64((place + 1) * int(ODD) % 2**64)
        if pa.types.is_dictionary(values.type):
            by_code = np.append(_column_share(values.dictionary, own), np.uint64(0))
            hashes += by_code[values.indices.fill_null(len(values.dictionary)).to_numpy(zero_copy_only=False)]
        else:
            hashes += _column_share(values, own)
    return _mix(hashes)


def _column_share(values: pa.Array, own: np.uint64) -> Hashes:
    shares = _mix(hash_column(values) ^ own)
    if values.null_count:
        shares[values.is_null().to_numpy(zero_copy_only=False)] = 0
    return shares


def whole(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def derived_ids(times: pa.Array, content: Hashes) -> pa.Array:
    """Ids of events that came without one: their time and the hash of their content, in hexadecimal.

    The time stands first so that ids sort by time, and so that two events can only be taken for one
    if their hashes agree *and* they happened in the same microsecond.

    Parameters
    ----------
    times : (n,) timestamp[us, UTC], 1970 or later.
    content : (n,) uint64.

    Returns
    -------
    (n,) text of 31 characters.
    """
    count = len(times)
    moments = times.cast(pa.int64()).to_numpy(zero_copy_only=False).astype(">u8")
    text = np.empty((count, 31), np.uint8)
    text[:, :14] = _HEX[moments.view(np.uint8).reshape(count, 8)[:, 1:]].view(np.uint8).reshape(count, 14)
    text[:, 14] = ord("-")
    text[:, 15:] = _HEX[content.astype(">u8").view(np.uint8).reshape(count, 8)].view(np.uint8).reshape(count, 16)
    offsets = np.arange(count + 1, dtype=np.int32) * 31
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))


def ordinals(hashes: Hashes) -> npt.NDArray[np.int32]:
    """Which of its equals each row is: 0 for the first, 1 for the second, …

    >>> ordinals(np.array([7, 5, 7, 7], np.uint64))
    array([0, 0, 1, 2], dtype=int32)
    """
    numbers = np.zeros(len(hashes), np.int32)
    ordered = np.sort(hashes)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(repeated):
        # Only the few rows that have equals are ordered with their places.
        rows = np.flatnonzero(in_sorted(hashes, np.unique(repeated)))
        rows = rows[np.argsort(hashes[rows], kind="stable")]
        group = hashes[rows]
        starts = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
        numbers[rows] = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    return numbers


def keys(event_ids: pa.Array, lines: pa.Array) -> Hashes:
    """A 64-bit key of each identity `(event_id, line)`: equal identities have equal keys."""
    numbers = lines.to_numpy(zero_copy_only=False).astype(np.uint64)
    return _mix(hash_column(event_ids) * ODD + numbers)
