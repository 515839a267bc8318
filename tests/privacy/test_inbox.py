"""What waits in Redis is put into the log before anybody is erased: by the server that holds it, or not at all."""

from __future__ import annotations

import pytest
import redis

from regulars import Shop
from regulars.errors import ShopError
from regulars.events.inbox import FOLDER, open_store
from regulars.privacy import steps


def test_an_erasure_waits_for_what_a_server_holds_in_redis(shop, redis_url, monkeypatch):
    settings = shop.folder / "shop.toml"
    settings.write_text(settings.read_text().replace('# inbox = ""', f'inbox = "{redis_url}"'))
    opened = Shop.open(shop.folder)
    monkeypatch.setattr(steps, "INBOX_SECONDS", 0.2)
    name = opened.state.secret("inbox")  # as a server calls it
    store = open_store(shop.folder / FOLDER, redis_url, name)
    try:
        (last,) = store.append([b"{}"])
        with pytest.raises(ShopError, match="does not put into the log"):
            steps.fold_inbox(opened)
        store.delete(last)
        steps.fold_inbox(opened)
    finally:
        store.close()
        client = redis.Redis.from_url(redis_url)
        client.delete(f"regulars:{name}:inbox", f"regulars:{name}:about")
        client.close()
