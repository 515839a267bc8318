from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from regulars.events.inbox import Store, open_store


@pytest.fixture(params=["sqlite", "redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """opened(): the store of this test, in either engine; again the same store."""
    if request.param == "sqlite":
        yield lambda: open_store(tmp_path / "inbox")
        return
    import redis

    url = request.getfixturevalue("redis_url")
    name = f"test-{secrets.token_hex(8)}"
    yield lambda: open_store(tmp_path / "inbox", url, name)
    client = redis.Redis.from_url(url)
    client.delete(f"regulars:{name}:inbox", f"regulars:{name}:about")
    client.close()


@pytest.fixture
def store(opened: Callable[[], Store]) -> Iterator[Store]:
    found = opened()
    yield found
    found.close()
