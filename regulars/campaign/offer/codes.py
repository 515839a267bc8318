"""Codes that carry their own proof: a made-up one is refused before any table is asked."""

from __future__ import annotations

import hashlib
import hmac
import secrets

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's alphabet: none that is taken for another."""
_READ_AS = str.maketrans("OIL", "011")
RANDOM_LETTERS, SIGNED_LETTERS = 8, 8
"""40 bits that name the code and 40 that prove it: by guessing, one in 10^12 tries passes."""


def make(secret: str) -> str:
    """A new code, such as "7Q2K-M0XA-9RTB-41ZE".

    >>> code = make("secret")
    >>> len(code), normal(code, "secret") == code, normal(code, "another") is None
    (19, True, True)
    """
    name = "".join(secrets.choice(LETTERS) for _ in range(RANDOM_LETTERS))
    return _grouped(name + _signature(name, secret))


def normal(typed: str, secret: str) -> str | None:
    """A code as it was typed (in small letters, without dashes, O for 0), as it is kept; None if it is none of ours."""
    letters = "".join(letter for letter in typed.upper() if letter.isalnum()).translate(_READ_AS)
    if len(letters) != RANDOM_LETTERS + SIGNED_LETTERS or not set(letters) <= set(LETTERS):
        return None
    name, signature = letters[:RANDOM_LETTERS], letters[RANDOM_LETTERS:]
    return _grouped(letters) if hmac.compare_digest(signature, _signature(name, secret)) else None


def _signature(name: str, secret: str) -> str:
    digest = hmac.new(secret.encode(), f"coupon {name}".encode(), hashlib.sha256).digest()
    return "".join(LETTERS[byte & 31] for byte in digest[:SIGNED_LETTERS])


def _grouped(letters: str) -> str:
    return "-".join(letters[k : k + 4] for k in range(0, len(letters), 4))
