"""Who asks, and may they? Keys, scopes, pages, and how often."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from regulars.serve.keys import Key
from regulars.serve.problems import Problem
from regulars.serve.serving import Serving

NEAR = ("localhost", "127.0.0.1", "::1")
"""Names of this machine."""


def given(request: Request) -> str | None:
    """The key that a request bears: the user's name of Basic, as Segment has it, or a Bearer token; None if none.

    Raises
    ------
    Problem
        401 if the header cannot be read.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    try:
        if kind.lower() != "basic":
            raise ValueError
        return base64.b64decode(value, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise _unknown("The authorization cannot be read: Basic base64(KEY:) or Bearer KEY is expected.") from None


async def admit(request: Request, scope: str, secret: str | None) -> Key | None:
    """The key of who asks; None where this shop has no keys yet, and somebody of this machine asks.

    Parameters
    ----------
    scope : what the key must be for.
    secret : the key.

    Raises
    ------
    Problem
        401 without a key that counts, 403 if it is for something else or for other pages, 429 if it asks too often.
    """
    serving: Serving = request.app.state.serving
    address = address_of(request, serving)
    if serving.keyring.is_empty:
        _refuse_strangers(request, serving, address)
        request.scope["key"] = "none"
        return None
    key = serving.keyring.find(secret) if secret else None
    if key is None and secret and serving.keyring.is_stale:
        await run_in_threadpool(serving.keyring.refresh)
        key = serving.keyring.find(secret)
    if key is None:
        _wait(serving.of_addresses.wait(address), "This address")
        raise _unknown("This needs a key that counts. Make one: regulars keys create NAME" if secret else "No key.")
    request.scope["key"] = key.prefix
    origin = request.headers.get("origin")
    if key.origins:
        if origin not in key.origins:
            raise Problem(403, f"The key {key.prefix}… is for pages of {', '.join(key.origins)} alone.")
        _wait(serving.of_addresses.wait(address), "This address")
    if scope not in key.scopes:
        raise Problem(403, f"The key {key.prefix}… is for {', '.join(key.scopes)}; this needs the scope {scope}.")
    _wait(serving.of_keys.wait(key.id), f"The key {key.prefix}…")
    return key


def address_of(request: Request, serving: Serving) -> str:
    """Where a request comes from: behind the proxies that are trusted, if it came through them."""
    client = request.client
    address = client.host if client else ""
    if address not in serving.settings.proxies:
        return address
    for before in reversed(request.headers.get("x-forwarded-for", "").split(",")):
        if address not in serving.settings.proxies or not before.strip():
            return address
        address = before.strip()
    return address


def _refuse_strangers(request: Request, serving: Serving, address: str) -> None:
    """Without keys only programs of this machine are answered: no page that is open in a browser on it."""
    host = _host(f"//{request.headers.get('host', '')}")
    origin = request.headers.get("origin")
    if host not in NEAR or (origin is not None and _host(origin) not in NEAR):
        raise _unknown("This shop has no keys yet, so this machine alone is answered. Make one: regulars keys create")
    _wait(serving.of_keys.wait(address), "This address")


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:  # a bracket that is not closed, say
        return None


def _wait(seconds: int, who: str) -> None:
    if seconds:
        raise Problem(429, f"{who} asks too often. Try again in {seconds} s.", {"retry-after": str(seconds)})


def _unknown(detail: str) -> Problem:
    return Problem(401, detail, {"www-authenticate": 'Basic realm="regulars"'})
