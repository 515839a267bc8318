"""shop.toml while a server runs by it: read anew when it changes, and left as it was where it cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from regulars import config
from regulars.errors import RegularsError
from regulars.realtime.triggers import read
from regulars.serve.logs import LOG

if TYPE_CHECKING:
    from regulars.config import Config
    from regulars.shop import Shop

FIXED: Mapping[str, Iterable[str]] = {
    "shop": ("currency", "timezone"),
    "state": ("url",),
    "engine": ("spark", "spill", "memory", "threads"),
    "serve": ("host", "port", "inbox", "inbox_events", "workers"),
}
"""What a server was started by, and what it holds already is made of: a change of it waits for the next start."""


class Watched:
    """The settings of a shop. A look costs one question to the file system.

    Parameters
    ----------
    shop : whose `config` is put in place.
    """

    def __init__(self, shop: Shop) -> None:
        self._shop, self._path = shop, shop.folder / config.FILE
        self._seen = self._looks()

    def again(self) -> None:
        """Let the next look read the file, changed or not."""
        self._seen = None

    def look(self) -> bool:
        """Put new settings in place if the file has changed; whether any did. What is wrong is told in the log."""
        looks = self._looks()
        if looks == self._seen:
            return False
        self._seen = looks
        try:
            new = config.load(self._shop.folder)
            read(new.realtime.triggers)
        except (RegularsError, OSError) as error:
            LOG.error("the settings stay as they were", extra={"about": {"error": str(error)}})
            return False
        before = self._shop.config
        new, late = _held(before, new)
        changed = [name for name in type(new).model_fields if getattr(new, name) != getattr(before, name)]
        if late:
            LOG.warning("settings wait for the next start", extra={"about": {"settings": late}})
        if changed:
            self._shop.config = new
            LOG.info("settings were read anew", extra={"about": {"sections": changed}})
        return bool(changed)

    def _looks(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:  # an editor that puts a new file in its place: the next look finds it
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _held(before: Config, new: Config) -> tuple[Config, list[str]]:
    """New settings with what is fixed as it was before, and which of that was to change."""
    held: dict[str, Any] = {}
    late = []
    for section, names in FIXED.items():
        old, said = getattr(before, section), getattr(new, section)
        kept = {name: getattr(old, name) for name in names if getattr(old, name) != getattr(said, name)}
        late += [f"[{section}] {name}" for name in kept]
        held[section] = said.model_copy(update=kept)
    return new.model_copy(update=held), late
