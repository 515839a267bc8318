"""The journeys of a shop: files that people write, ready ones, and the versions that went live."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from regulars import clock
from regulars.campaign.journey.reading import read
from regulars.campaign.journey.step import Journey
from regulars.errors import NotFoundError
from regulars.rules.saved import Record, Saved
from regulars.rules.vocabulary import instead

if TYPE_CHECKING:
    from regulars.shop import Shop

FOLDER = Path("campaigns") / "journeys"
VERSIONS = Path("campaigns") / "versions"


class Version(NamedTuple):
    """A version of a journey that went live; from 1."""

    journey: Journey
    number: int


class Journeys:
    """The journeys of a shop. Its own file takes the place of a ready one of the same name.

    Examples
    --------
    >>> import tempfile
    >>> from regulars import Shop
    >>> journeys = Journeys(Shop.create(Path(tempfile.mkdtemp()) / "teashop"))
    >>> journeys.names()[:3]
    ['abandoned_cart', 'after_purchase', 'back_in_stock']
    >>> journeys.get("welcome").trigger.what
    'signed_up'
    """

    def __init__(self, shop: Shop) -> None:
        self.folder = shop.folder / FOLDER
        self._saved = Saved(shop.folder / VERSIONS, "journey", "regulars campaign start {name}")

    def names(self) -> list[str]:
        """All there are, in order."""
        return sorted({path.stem for path in self.folder.glob("*.toml")} | set(ready()))

    def is_own(self, name: str) -> bool:
        """Whether the shop has a file of its own."""
        return (self.folder / f"{name}.toml").is_file()

    def get(self, name: str) -> Journey:
        """A journey as its file is now.

        Raises
        ------
        NotFoundError
            Naming those that there are.
        JourneyError
            If it cannot be read.
        """
        if re.fullmatch(r"\w[\w-]{0,59}", name):
            if self.is_own(name):
                path = self.folder / f"{name}.toml"
                return read(path.read_text(encoding="utf-8-sig"), name, str(path))
            if name in ready():
                return read(ready()[name], name, f"ready journey {name}")
        raise NotFoundError(
            f'There is no journey "{name}".{instead(name, self.names())}. Write it: {self.folder / "NAME.toml"}'
        )

    def keep(self, journey: Journey) -> Version:
        """Keep a journey as a version, which never changes; the same again is the same version."""
        text = journey.text

        def make(before: Record | None) -> Record:
            if before and before["text"] == text:
                return before
            return {"text": text, "sha256": hashlib.sha256(text.encode()).hexdigest(), "kept": str(clock.now())}

        return Version(journey, self._saved.save(journey.name, make).number)

    def version(self, name: str, number: int) -> Journey:
        """A version that went live."""
        found = self._saved.get(name, number)
        return read(found.record["text"], name, f"{name}, version {number}")


def ready() -> Mapping[str, str]:
    """The journeys that come with Regulars: their texts by name."""
    folder = files("regulars.campaign.journey") / "ready"
    return {
        path.name.removesuffix(".toml"): path.read_text("utf-8")
        for path in folder.iterdir()
        if path.name.endswith(".toml")
    }
