"""What all outgoing webhooks keep to: where they may go, and the signature by which a receiver knows who sends."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import httpx2

SIGNATURE = "Regulars-Signature"
OWN_MACHINE = ("localhost", "127.0.0.1", "::1")
NAT64 = IPv6Network("64:ff9b::/96")


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


def may_go_to(address: str, private_networks: Iterable[str] = ()) -> bool:
    """Whether a webhook may go to an IP address: one that the internet reaches, or one of a network that was opened.

    What stands behind a name is chosen by whoever owns the name: it may be this machine, a database beside it, or the
    address at which a cloud tells its secrets (server-side request forgery, OWASP API7:2023).

    >>> [may_go_to(a) for a in ("93.184.216.34", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1")]
    [True, False, False, False]
    >>> may_go_to("10.0.0.1", ["10.0.0.0/8"])
    True
    """
    found = _embedded(ip_address(address.partition("%")[0]))
    if any(found in ip_network(network) for network in private_networks):
        return True
    return found.is_global and not found.is_multicast


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    translated = IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None
    return address.ipv4_mapped or address.sixtofour or translated or address


def addresses_of(url: str, private_networks: Iterable[str] = ()) -> list[str]:
    """The addresses behind a URL that a webhook may go to.

    Raises
    ------
    OSError
        If the name is not known, or there is no such address.
    """
    host, port = _place(httpx2.URL(url))
    return _allowed(host, socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), private_networks)


class Transport(httpx2.HTTPTransport):
    """Of an `httpx2.Client`: each request goes to an address that was looked at, and no name is asked for twice.

    Raises
    ------
    httpx2.ConnectError
        If no address of the host is one that `may_go_to` allows.
    """

    def __init__(self, private_networks: Iterable[str] = (), **settings: Any) -> None:
        super().__init__(**settings)
        self._open = tuple(private_networks)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """See `httpx2.HTTPTransport`."""
        try:
            found = addresses_of(str(request.url), self._open)
        except OSError as error:
            raise httpx2.ConnectError(str(error), request=request) from None
        return super().handle_request(_pinned(request, found[0]))


class AsyncTransport(httpx2.AsyncHTTPTransport):
    """The same of an `httpx2.AsyncClient`."""

    def __init__(self, private_networks: Iterable[str] = (), **settings: Any) -> None:
        super().__init__(**settings)
        self._open = tuple(private_networks)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See `httpx2.AsyncHTTPTransport`."""
        try:
            host, port = _place(request.url)
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
            allowed = _allowed(host, found, self._open)
        except OSError as error:
            raise httpx2.ConnectError(str(error), request=request) from None
        return await super().handle_async_request(_pinned(request, allowed[0]))


def _place(url: httpx2.URL) -> tuple[str, int]:
    return url.host, url.port or (443 if url.scheme == "https" else 80)


def _allowed(host: str, found: Iterable[Any], private_networks: Iterable[str]) -> list[str]:
    # IPv4 first: many a machine has an IPv6 address that leads nowhere.
    addresses = sorted({str(each[4][0]) for each in found}, key=lambda address: (":" in address, address))
    allowed = [address for address in addresses if may_go_to(address, private_networks)]
    if not allowed:
        raise OSError(
            f"{host} is {' and '.join(addresses)}, which the internet does not reach. If webhooks may go there, write "
            f"private_networks = {json.dumps(addresses)} under [shop] in shop.toml."
        )
    return allowed


def _pinned(request: httpx2.Request, address: str) -> httpx2.Request:
    """The same request to an address; certificates are still held against the host's name."""
    extensions = {**request.extensions, "sni_hostname": request.url.host}
    url = request.url.copy_with(host=address)
    return httpx2.Request(request.method, url, headers=request.headers, stream=request.stream, extensions=extensions)
