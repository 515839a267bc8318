"""What somebody sends: no more bytes, packed or unpacked, no more time, and nothing that has two meanings."""

from __future__ import annotations

import asyncio
import json
import math
import zlib
from typing import Any

import orjson
from fastapi import Request
from starlette.requests import ClientDisconnect

from regulars.serve.problems import Problem

SECONDS = 10.0
"""So long a body may take to come."""
DEEPEST = 50
"""Objects and lists inside of each other."""


async def read(request: Request, most: int) -> bytes:
    """The body, unpacked.

    Parameters
    ----------
    most : bytes, as sent and unpacked.

    Raises
    ------
    Problem
        413 if it is longer, 408 if it takes too long, 415 if it is packed in an unknown way, 400 if it is no gzip.
    """
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > most:
        raise _too_long(most)
    parts, size = [], 0
    try:
        async with asyncio.timeout(SECONDS):
            is_whole = False
            while not is_whole:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                part, is_whole = message.get("body", b""), not message.get("more_body", False)
                size += len(part)
                if size > most:
                    raise _too_long(most)
                parts.append(part)
    except TimeoutError:
        raise too_slow() from None
    body = b"".join(parts)
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "gzip":
        return _unpacked(body, most)
    if encoding != "identity":
        raise Problem(415, f'content-encoding "{encoding[:40]}": gzip or none is expected.')
    return body


def too_slow() -> Problem:
    """What is said of a body that does not come in time."""
    return Problem(408, f"The body took more than {SECONDS:.0f} seconds to come.")


def _unpacked(body: bytes, most: int) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        found = unpacking.decompress(body, most + 1)
    except zlib.error as error:
        raise Problem(400, f"The body is no gzip: {error}.") from None
    if len(found) > most:
        raise _too_long(most)
    if not unpacking.eof:
        raise Problem(400, "The body is no whole gzip: its end is missing.")
    return found


def _too_long(most: int) -> Problem:
    return Problem(413, f"The body is longer than {most:,} bytes. Send it in parts.")


def parse(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Most bodies are read by the quick reader, which knows of nothing that is asked here: that no key stands twice in
    one object shows when what it found, written again, has as many quotation marks as the body. What it refuses, or
    where that does not hold, is read by the strict one, which says what is wrong.

    Raises
    ------
    Problem
        400 if it is none: no UTF-8, no JSON, a number that is none, a key twice in one object.

    Examples
    --------
    >>> parse(b'{"a": {"b": 1.5}}')
    {'a': {'b': 1.5}}
    >>> parse(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    regulars.serve.problems.Problem: the key "a" stands twice in one object
    """
    if (quick := _quick(body)) is not None:
        return quick
    try:
        found = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Problem(400, f"The body is not UTF-8: byte {error.start} is {body[error.start]:#04x}.") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise Problem(400, f"The body is no JSON: {error}.") from None
    if not isinstance(found, dict):
        raise Problem(400, "The body is a list or a value by itself; a JSON object is expected.")
    return found


def _quick(body: bytes) -> dict[str, Any] | None:
    """The object, if it can be none but what the strict reader would find; else None."""
    if _ESCAPED_MARK in body:
        return None
    try:
        found = orjson.loads(body)
        again = orjson.dumps(found)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
    is_whole = isinstance(found, dict) and again.count(b'"') == body.count(b'"')
    return found if is_whole and _LONG not in body.translate(_DIGITS) else None


def refuse_deep(found: Any) -> None:
    """Refuse what is nested too deep: who reads it later by recursion would fall over it.

    Raises
    ------
    Problem
        400, if more than `DEEPEST` lie inside of each other.
    """
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise _too_deep()
        insides = (each.values() if isinstance(each, dict) else each for each in level)
        level = [inside for each in insides for inside in each if isinstance(inside, dict | list)]


def _too_deep() -> Problem:
    return Problem(400, f"The body is nested deeper than {DEEPEST}.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise Problem(400, f'the key "{repeated[:100]}" stands twice in one object')
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


_ESCAPED_MARK = b"\\u0022"
_LONG = b"0" * 19
"""So many digits may be a whole number that the quick reader makes a broken one of."""
_DIGITS = bytes(ord("0") if chr(code).isdecimal() else ord(" ") for code in range(256))
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_finite, parse_constant=_no_number)
