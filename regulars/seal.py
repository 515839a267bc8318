"""JSON files that tell when a bit of them was changed: their last field is a hash of all that stands before it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

_FIELD = b',\n"sha256": "'
_END = b'"}\n'


def sealed(text: str) -> bytes:
    """A JSON object as the bytes of a sealed file.

    Parameters
    ----------
    text : a JSON object that is not empty, without a field `sha256`.

    Examples
    --------
    >>> unsealed(sealed('{"version": 3}'))
    {'version': 3}
    >>> unsealed(sealed('{"version": 3}').replace(b"3", b"2"))
    Traceback (most recent call last):
    ValueError: its bytes are not those that were written
    """
    body = text.rstrip().removesuffix("}").encode()
    return body + _FIELD + hashlib.sha256(body).hexdigest().encode() + _END


def unsealed(data: bytes) -> Any:
    """The object of a sealed file, without its seal; ValueError if a bit of the file was changed."""
    body, found, rest = data.rpartition(_FIELD)
    if not found or rest != hashlib.sha256(body).hexdigest().encode() + _END:
        raise ValueError("its bytes are not those that were written")
    return json.loads(body + b"}")
