"""A server ends when it is told to, whatever is under way."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time

import pytest

from regulars import Shop
from regulars.errors import ShopError
from regulars.serve import app, run
from regulars.serve.server import answer

SERVER = """
import asyncio, sys, time
from pathlib import Path
from regulars import Shop
from regulars.serve import run, server

server.STOPPING_SECONDS = 0.1

def around(api):
    async def answer(scope, receive, send):
        if scope["type"] == "http":
            print("asked", flush=True)
            await asyncio.to_thread(time.sleep, 3600)
        await api(scope, receive, send)
    return answer

shop = Shop.open(Path(sys.argv[1]))
run(shop, shop.config.serve.model_copy(update={"port": int(sys.argv[2])}), around)
"""


def test_what_never_ends_does_not_keep_a_server_from_ending(shop, free_port):
    command = [sys.executable, "-c", SERVER, str(shop.folder), str(free_port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        while (asking := socket.socket()).connect_ex(("127.0.0.1", free_port)):
            asking.close()
            assert server.poll() is None
            time.sleep(0.05)
        asking.sendall(b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        assert server.stdout.readline() == "asked\n"
        server.send_signal(signal.SIGTERM)
        try:
            assert server.wait(60) == 0
        finally:
            server.kill()
            asking.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_address_at_which_another_shop_is_served_is_not_shared_with_it(server, tmp_path, monkeypatch, workers):
    def serves(*_):
        raise AssertionError("both listen")

    monkeypatch.setattr("regulars.serve.running.uvloop.run", serves)
    monkeypatch.setattr("regulars.serve.workers.supervisor._Supervisor.run", serves)
    other = Shop.create(tmp_path / "other")
    with pytest.raises(ShopError, match=f"{server.port} cannot be listened at: Address already in use"):
        run(other, other.config.serve.model_copy(update={"port": server.port, "workers": workers}))


def test_an_address_that_is_taken_is_named(shop):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = shop.config.serve.model_copy(update={"port": other.getsockname()[1]})
        made = app(shop, settings)
        with pytest.raises(ShopError, match=f"{settings.port} cannot be listened at: Address already in use"):
            asyncio.run(answer(made, made.state.serving, settings))


def test_a_socket_that_cannot_be_listened_at_is_named_and_no_port_is_offered(shop, tmp_path):
    made = app(shop, shop.config.serve)
    path = tmp_path / "nowhere" / "requests"
    with pytest.raises(ShopError, match="requests cannot be listened at") as caught:
        asyncio.run(answer(made, made.state.serving, shop.config.serve, path=path))
    assert "--port" not in str(caught.value)
