"""What all outgoing webhooks keep to: where they may go, and the signature by which a receiver knows who sends."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

SIGNATURE = "Regulars-Signature"
OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


def is_safe(url: str) -> bool:
    """Whether what is sent there can be read by the receiver alone: https, or this machine.

    >>> is_safe("https://shop.example/hook"), is_safe("http://127.0.0.1:8080"), is_safe("http://shop.example")
    (True, True, False)
    """
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in OWN_MACHINE)
    )


def signature(secret: str, seconds: int, body: bytes, path: str = "") -> str:
    """What the header `SIGNATURE` says: when it was signed, and the HMAC-SHA256 of that, the path if there is one, and
    the body. Receivers make the same.

    >>> signature("secret", 1714521600, b"{}")
    't=1714521600,v1=b709a8a08a8ca6642a469a3041e055a2cf1109c50a70675d663010e2db7016fa'
    >>> signature("secret", 1714521600, b"{}", "/changes")[:24]
    't=1714521600,v1=1f731a44'
    """
    begin = f"{seconds}.{path}." if path else f"{seconds}."
    digest = hmac.new(secret.encode(), begin.encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"
