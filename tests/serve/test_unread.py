"""A refusal that is answered before the request's body came: over raw sockets, as clients that keep connections do."""

from __future__ import annotations

import socket
import time

import pytest

BODY = b'{"userId": "ada", "event": "Product Viewed"}'


@pytest.fixture
def connect(server_of_keys):
    """connect(): a new connection to a server that has keys."""
    opened = []

    def begin() -> socket.socket:
        opened.append(socket.create_connection(("127.0.0.1", server_of_keys.port), timeout=10))
        return opened[-1]

    yield begin
    for connection in opened:
        connection.close()


@pytest.fixture
def server_of_keys(start, keys):
    secret = keys.create("till", ["ingest"], who="ada")[1]
    server = start()
    server.secret = secret
    return server


def head(length: int, key: str = "guess") -> bytes:
    return (
        f"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """The whole answer: its status, its headers, its body."""
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        lines = iter(lambda: stream.readline().strip().decode(), "")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        body = stream.read(int(headers["content-length"]))
    assert len(body) == int(headers["content-length"])
    return status, headers, body


def test_a_body_that_comes_after_its_refusal_leaves_the_connection_to_the_next_request(connect, server_of_keys):
    connection = connect()
    for _ in range(2):
        connection.sendall(head(len(BODY)))
        time.sleep(0.05)
        connection.sendall(BODY)
        status, headers, _ = answer(connection)
        assert (status, headers.get("connection")) == (401, None)
    connection.sendall(head(len(BODY), server_of_keys.secret) + BODY)
    assert answer(connection)[0] == 200


def test_a_body_that_is_too_long_is_refused_whole_and_the_connection_is_said_to_end(connect, server_of_keys):
    connection = connect()
    connection.sendall(head(64 << 20, server_of_keys.secret))
    time.sleep(0.05)
    status, headers, body = answer(connection)
    assert (status, headers["connection"]) == (413, "close")
    assert b"is longer than" in body
    assert connection.recv(1) == b""


def test_a_body_that_does_not_come_holds_nobody_for_long(connect):
    connection = connect()
    began = time.monotonic()
    connection.sendall(head(len(BODY)) + BODY[:10])
    status, headers, _ = answer(connection)
    assert (status, headers["connection"]) == (401, "close")
    assert time.monotonic() - began < 5
