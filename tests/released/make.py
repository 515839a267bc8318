"""A tiny shop as this version makes it, kept so that every later one is shown to open it.

At a release: `python -m tests.released.make`, then commit `tests/released/VERSION.tar.xz`. What was released is never
made again.
"""

from __future__ import annotations

import json
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

from regulars import Shop, capability
from regulars.config import ShopSettings
from regulars.events.inbox import FOLDER, Inbox, open_store
from tests.conftest import TEA_AS_OF, _record, _tea_events


def make(folder: Path) -> None:
    """A log of two versions, an inbox in which one call waits, a model in use, a secret in the state."""
    shop = Shop.create(folder, ShopSettings(name="Tea", currency="GBP", timezone="Europe/London"))
    settings = folder / "shop.toml"
    settings.write_text(settings.read_text().replace("# horizon_days = 90", "horizon_days = 30"))
    shop = Shop.open(folder)
    events = [event for event in _tea_events() if event["type"] != "product_viewed"]
    half = len(events) // 2
    for part in (events[:half], events[half:]):
        _record(shop, *part, folder=folder.parent)
    learned = capability.load("profile").learn(shop, TEA_AS_OF)
    about = {"until": TEA_AS_OF.isoformat(), "about": dict(learned.about), "report": {}}  # a page is too large to keep
    shop.models.use("profile", shop.models.save("profile", learned.files, about).version)
    shop.state.secret("released")
    inbox = Inbox(open_store(folder / FOLDER))
    call = {"type": "track", "event": "Product Viewed", "messageId": "waits", "userId": "c001"}
    times = {"timestamp": "2024-06-30T10:00:00Z", "receivedAt": "2024-06-30T10:00:01Z"}
    inbox.put([json.dumps(call | times).encode()]).result()
    inbox.close()
    shop.state.close()


if __name__ == "__main__":
    target = Path(__file__).with_name(f"{version('regulars')}.tar.xz")
    if target.exists():
        raise SystemExit(f"{target} is there: what was released is never made again")
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary) / "shop"
        make(made)
        with tarfile.open(target, "w:xz", preset=9) as archive:
            archive.add(made, "shop", filter=lambda about: None if about.name.endswith(".lock") else about)
