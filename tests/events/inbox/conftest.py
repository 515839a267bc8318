from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from regulars.events.inbox import Store, open_store

REDIS = os.environ.get("REGULARS_TEST_REDIS", "redis://127.0.0.1:6379/0")


@pytest.fixture(params=["sqlite", "redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """opened(): the store of this test, in either engine; again the same store."""
    if request.param == "sqlite":
        yield lambda: open_store(tmp_path / "inbox")
        return
    import redis

    try:
        socket.create_connection(("127.0.0.1", 6379), timeout=1).close()
    except OSError:
        if os.environ.get("CI") == "true":
            pytest.fail("Redis is not running, and CI may not skip")
        pytest.skip("Redis is not running")
    name = f"test-{secrets.token_hex(8)}"
    yield lambda: open_store(tmp_path / "inbox", REDIS, name)
    client = redis.Redis.from_url(REDIS)
    client.delete(f"regulars:{name}:inbox", f"regulars:{name}:about")
    client.close()


@pytest.fixture
def store(opened: Callable[[], Store]) -> Iterator[Store]:
    found = opened()
    yield found
    found.close()
