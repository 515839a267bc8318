"""Random ids, drawn from the system by the hundred: a call of it costs more than all else that an id takes."""

from __future__ import annotations

import secrets

AT_ONCE = 500
_drawn: dict[int, list[str]] = {}


def drawn(size: int) -> str:
    """So many random bytes as hexadecimal digits, by the system's generator.

    >>> len(drawn(8)), drawn(8) == drawn(8)
    (16, False)
    """
    some = _drawn.setdefault(size, [])
    if not some:
        digits, each = secrets.token_hex(size * AT_ONCE), 2 * size
        some += [digits[start : start + each] for start in range(0, len(digits), each)]
    return some.pop()
