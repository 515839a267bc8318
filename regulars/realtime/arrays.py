"""Arrays in one file, as safetensors has them, written and read one by one.

Its own library makes all bytes of a file before it writes them, and maps a file that it reads: either way a large
shop's state would be in memory twice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]

TYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "|u1"}
"""Of numbers, by the format's names."""
_NAMES = {number: name for name, number in TYPES.items()}
ALIGNED = 8


def pieces(arrays: Arrays) -> Iterator[memoryview]:
    """The bytes of a file, piece by piece; KeyError for an array of other numbers than `TYPES`.

    >>> from safetensors.numpy import load
    >>> load(b"".join(pieces({"a": np.arange(3), "none": np.zeros((0, 2))})))["a"]
    array([0, 1, 2])
    """
    about, end = {}, 0
    for name, each in arrays.items():
        begin, end = end, end + each.nbytes
        about[name] = {"dtype": _NAMES[each.dtype.str], "shape": each.shape, "data_offsets": (begin, end)}
    head = json.dumps(about).encode()
    head += b" " * (-len(head) % ALIGNED)
    yield memoryview(len(head).to_bytes(8, "little") + head)
    for each in arrays.values():
        if each.size:
            yield np.ascontiguousarray(each).reshape(-1).view(np.uint8).data


def read(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file whose bytes are known to be whole."""
    found = {}
    with path.open("rb") as file:
        about = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        begin = file.tell()
        for name, each in about.items():
            file.seek(begin + each["data_offsets"][0])
            read = np.fromfile(file, TYPES[each["dtype"]], math.prod(each["shape"]))
            found[name] = read.reshape(each["shape"])
    return found
