"""A mistake of ours on its way from one process to another: there it is the same."""

from __future__ import annotations

from typing import Any

import orjson

from regulars import errors
from regulars.errors import OverLimitError, RegularsError


def told(error: RegularsError) -> bytes:
    """As bytes, without a line break.

    >>> mistaken(told(OverLimitError("Too many.", 30))).retry_seconds
    30
    """
    about: dict[str, Any] = {"kind": type(error).__name__, "said": str(error)}
    if isinstance(error, OverLimitError):
        about["retry_seconds"] = error.retry_seconds
    return orjson.dumps(about)


def mistaken(said: bytes) -> RegularsError:
    """What was told."""
    about = orjson.loads(said)
    kind: type[RegularsError] = getattr(errors, about["kind"], RegularsError)
    if issubclass(kind, OverLimitError):
        return kind(about["said"], about["retry_seconds"])
    return kind(about["said"])
