"""An endpoint of a test's own: a real HTTP server on this machine that answers as the test says, well or ill."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Body = dict[str, Any]
Behaviour = Callable[["Asking"], None]


class Asking(BaseHTTPRequestHandler):
    """One request, with what a behaviour needs to answer it."""

    server: Server
    body: Body

    def do_POST(self) -> None:
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(self.body)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        number = len(self.server.requests) - 1
        behaviours = self.server.behaviours
        try:
            behaviours[min(number, len(behaviours) - 1)](self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asking)
        self.requests: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.behaviours: list[Behaviour] = []
        self.stopping = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


def completion(text: str | None, calls: list[tuple[str, Any]] | None = None, **usage: int) -> bytes:
    tools = [
        {"id": "1", "type": "function", "function": {"name": name, "arguments": said}} for name, said in calls or []
    ]
    message = {"role": "assistant", "content": text} | ({"tool_calls": tools} if tools else {})
    found = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]} | (
        {"usage": usage} if usage else {}
    )
    return json.dumps(found).encode()


def says(text: str | None, calls: list[tuple[str, Any]] | None = None, **usage: int) -> Behaviour:
    return lambda asking: asking.answer(completion(text, calls, **usage))


def sends(body: bytes, status: int = 200, **headers: str) -> Behaviour:
    return lambda asking: asking.answer(body, status, **headers)


def streams(*pieces: str, finish: str | None = "stop") -> Behaviour:
    def behaviour(asking: Asking) -> None:
        asking.begin()
        for piece in pieces:
            asking.wfile.write(b"data: " + json.dumps({"choices": [{"delta": {"content": piece}}]}).encode() + b"\n\n")
        if finish:
            last = {"choices": [{"delta": {}, "finish_reason": finish}]}
            asking.wfile.write(b"data: " + json.dumps(last).encode() + b"\n\ndata: [DONE]\n\n")

    return behaviour


@contextmanager
def serving() -> Iterator[Server]:
    """A server, for as long as it is needed."""
    made = Server()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.stopping.set()
        made.shutdown()
        made.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made
