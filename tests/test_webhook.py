"""A webhook goes where the internet reaches, or into a network that was opened: whatever stands behind the name."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx2
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from regulars.webhook import AsyncTransport, Transport, may_go_to

OWN = ("127.0.0.0/8",)
PUBLIC = "93.184.216.34"
Names = Callable[..., list[str]]
Heard = list[str]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """names(host, *answers): what the host's name stands for, each time that it is asked for; what was asked."""
    asked: list[str] = []
    real, said = socket.getaddrinfo, dict[str, list[str]]()

    def lookup(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host not in said:
            return real(host, port, *args, **kwargs)
        asked.append(host)
        answers = said[host]
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)

    def tell(host: str, *answers: str) -> list[str]:
        said[host] = list(answers)
        return asked

    return tell


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which addresses were to be connected to; none ever is, but this machine."""
    found: list[str] = []
    real = socket.create_connection

    def connect(place: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        found.append(place[0])
        if not place[0].startswith("127."):
            raise ConnectionRefusedError(place[0])
        return real(place, *args, **kwargs)

    monkeypatch.setattr(socket, "create_connection", connect)
    return found


def serving(authority: trustme.CA | None = None) -> tuple[HTTPServer, Heard]:
    heard: Heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers["Host"])
            self.send_response(302 if self.path == "/away" else 200)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("shop.example").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, heard


@pytest.fixture
def receiver() -> Iterator[tuple[int, Heard]]:
    server, heard = serving()
    yield server.server_port, heard
    server.shutdown()
    server.server_close()


def get(url: str, private_networks: tuple[str, ...] = (), **settings: Any) -> httpx2.Response:
    with httpx2.Client(transport=Transport(private_networks, **settings), timeout=5) as client:
        return client.get(url)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "0177.0.0.1", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]",  # noqa: S104
        "169.254.169.254", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "10.1.2.3", "172.16.0.1",
        "192.168.0.1", "100.64.0.1", "[fe80::1]", "[fc00::1]", "224.0.0.1", "255.255.255.255",
    ],
)  # fmt: skip
def test_an_address_that_the_internet_does_not_reach_is_not_connected_to(host: str, dialled: list[str]) -> None:
    with pytest.raises((httpx2.ConnectError, httpx2.InvalidURL)):
        get(f"http://{host}:8080/hook")
    assert dialled == []


def test_a_name_that_stands_for_such_an_address_is_refused_with_how_to_allow_it(
    names: Names, dialled: list[str]
) -> None:
    names("shop.example", "10.0.0.7")
    with pytest.raises(httpx2.ConnectError, match=r'private_networks = \["10\.0\.0\.7"\] under \[shop\]'):
        get("http://shop.example/hook")
    assert dialled == []


def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_looked_at(names: Names, dialled: list[str]) -> None:
    asked = names("shop.example", PUBLIC, "127.0.0.1")
    with pytest.raises(httpx2.ConnectError):
        get("http://shop.example/hook")
    assert (asked, dialled) == (["shop.example"], [PUBLIC])


def test_a_network_that_was_opened_is_reached_under_the_name_of_the_host(
    names: Names, receiver: tuple[int, Heard]
) -> None:
    port, heard = receiver
    names("shop.example", "127.0.0.1")
    assert get(f"http://shop.example:{port}/hook", OWN).status_code == 200
    assert heard == [f"shop.example:{port}"]


def test_it_is_not_sent_on_to_elsewhere(receiver: tuple[int, Heard], dialled: list[str]) -> None:
    port, _ = receiver
    assert get(f"http://127.0.0.1:{port}/away", OWN).status_code == 302
    assert dialled == ["127.0.0.1"]


def test_certificates_are_held_against_the_name(names: Names) -> None:
    authority = trustme.CA()
    server, heard = serving(authority)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    for name in ("shop.example", "other.example"):
        names(name, "127.0.0.1")
    port = server.server_port
    assert get(f"https://shop.example:{port}/", OWN, verify=trusting).status_code == 200
    with pytest.raises(httpx2.ConnectError, match=r"(?i)certificate"):
        get(f"https://other.example:{port}/", OWN, verify=trusting)
    with pytest.raises(httpx2.ConnectError, match=r"(?i)certificate"):
        get(f"https://shop.example:{port}/", OWN)
    assert heard == [f"shop.example:{port}"]
    server.shutdown()
    server.server_close()


def test_programs_with_an_event_loop_are_kept_to_the_same(names: Names, receiver: tuple[int, Heard]) -> None:
    port, heard = receiver
    names("shop.example", "127.0.0.1")

    async def ask(private_networks: tuple[str, ...]) -> int:
        async with httpx2.AsyncClient(transport=AsyncTransport(private_networks)) as client:
            return (await client.get(f"http://shop.example:{port}/")).status_code

    with pytest.raises(httpx2.ConnectError, match="private_networks"):
        asyncio.run(ask(()))
    assert asyncio.run(ask(OWN)) == 200
    assert heard == [f"shop.example:{port}"]


@given(st.ip_addresses(v=4, network="10.0.0.0/8"))
def test_a_private_address_is_private_in_each_of_its_forms(address: Any) -> None:
    forms = [str(address), f"::ffff:{address}", f"64:ff9b::{address}"]
    assert [may_go_to(form) for form in forms] == [False] * 3
    assert [may_go_to(form, ["10.0.0.0/8"]) for form in forms] == [True] * 3
