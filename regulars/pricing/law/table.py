"""The law as data: which mode of prices a place allows, and what must be said with a personal one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from regulars.customers.countries import NAMES, known_country
from regulars.errors import ConfigError

Mode = Literal["off", "declared", "personal"]

MODES: tuple[Mode, ...] = ("off", "declared", "personal")
"""From strict to lax: one price for all; by openly stated rules alone; also by what is known of the customer."""
STATUSES = ("in force", "announced", "vetoed")
NEEDED = ("id", "place", "mode", "status", "from", "asks", "source", "checked")
ANYWHERE = "*"
OWN = Path("pricing") / "law.toml"
"""In the shop's folder: rows of its own. One of a known id takes that one's place."""
EN = "en"


@dataclass(frozen=True)
class Row:
    """One law: see `law.toml` for what each part means."""

    id: str
    place: str
    mode: Mode
    status: str
    since: date
    asks: str
    source: str
    checked: date
    read: str = "known"
    kinds: tuple[str, ...] = ()
    sentence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Terms:
    """What holds for a price at a place.

    Attributes
    ----------
    place : as it was understood, e.g. "US-NY"; "" where it is not known.
    mode : the most that is allowed.
    sentences : that must stand with a price of that mode (see `beside`), to the byte, in the order of the laws.
    laws : ids of the rows that hold.
    """

    place: str
    mode: Mode
    sentences: tuple[str, ...]
    laws: tuple[str, ...]

    def beside(self, *, is_personal: bool, is_reduced: bool) -> str:
        """What must be said with a price, a sentence a line: with a personal one; and with one that a stated rule
        reduced, where the law allows no more than such rules.

        >>> Law.known().terms("CN", None, date(2026, 11, 24), language="zh").beside(is_personal=False, is_reduced=True)
        '本优惠按公开规则给予，符合条件的顾客均可享受，不依据个人特征定价。'
        """
        is_due = is_personal or (is_reduced and self.mode == "declared")
        return "\n".join(self.sentences) if is_due else ""


@dataclass(frozen=True)
class Law:
    """All rows, and how places are named.

    Examples
    --------
    >>> law = Law.known()
    >>> at = date(2026, 11, 24)
    >>> law.terms("US", "New York", at).sentences
    ('THIS PRICE WAS SET BY AN ALGORITHM USING YOUR PERSONAL DATA.',)
    >>> law.terms("Germany", None, at, language="de").mode, law.terms("中国", None, at).mode
    ('personal', 'declared')

    Of whom it is not known where it lives, the strictest holds:

    >>> law.terms(None, None, at).mode
    'declared'
    """

    rows: tuple[Row, ...]
    groups: Mapping[str, tuple[str, ...]]
    regions: Mapping[str, Mapping[str, str]]

    @classmethod
    def known(cls, shop_folder: Path | None = None) -> Law:
        """The rows that come with Regulars, and those of a shop.

        Raises
        ------
        ConfigError
            If the shop's own file says something that cannot be.
        """
        shipped = _shipped()
        path = None if shop_folder is None else shop_folder / OWN
        if path is None or not path.is_file():
            return shipped
        try:
            own = rows_of(tomllib.loads(path.read_text(encoding="utf-8-sig")), str(path))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not valid TOML: {error}") from None
        by_id = {row.id: row for row in (*shipped.rows, *own)}
        return Law(tuple(by_id.values()), shipped.groups, shipped.regions)

    def place(self, country: str | None, region: str | None) -> str:
        """A place as the rows name it: "DE", "US-NY", "US" where the region is not understood, "" for no country."""
        code = known_country(country)
        if not code or code not in self.regions:
            return code
        inside = self.regions[code].get(_plain(region).removeprefix(_plain(f"{code}-")), "")
        return f"{code}-{inside}" if inside else code

    def in_force(self, place: str, at: date, kinds: Iterable[str] = ()) -> tuple[Row, ...]:
        """The rows that hold somewhere on a day, for products of some kinds.

        Where a region is not known, those of all its regions hold; where nothing is known, all there are.
        """
        about = set(kinds)
        now = [row for row in self.rows if row.status == "in force" and row.since <= at]
        now = [row for row in now if not row.kinds or about & set(row.kinds)]
        if not place:
            return tuple(now)
        country = place.split("-", maxsplit=1)[0]
        names = {place, country, *(group for group, members in self.groups.items() if country in members)}
        found = [row for row in now if row.place in names or (place == country and row.place.startswith(f"{place}-"))]
        return tuple(found or [row for row in now if row.place == ANYWHERE])

    def terms(
        self, country: str | None, region: str | None, at: date | datetime, *, kinds: Iterable[str] = (),
        language: str | None = None,
    ) -> Terms:  # fmt: skip
        """What holds for a customer's prices.

        Parameters
        ----------
        country, region : as the shop's data has them; None where it is not known.
        at : the day.
        kinds : of the product, e.g. "food".
        language : of the customer, e.g. "de" or "zh-CN"; sentences that are not there in it are in English.
        """
        day = at.date() if isinstance(at, datetime) else at
        place = self.place(country, region)
        rows = self.in_force(place, day, kinds)
        mode = strictest(*(row.mode for row in rows)) if rows else MODES[0]
        saying = [row for row in rows if row.sentence and row.mode == mode]
        # A region's own words stand alone: others beside them would blur what has to be clear.
        of_region = [row for row in saying if "-" in row.place]
        said = dict.fromkeys(_said(row, language) for row in of_region or saying)
        return Terms(place, mode, tuple(said), tuple(row.id for row in rows))


def strictest(*modes: Mode) -> Mode:
    """The strictest of some modes.

    >>> strictest("personal", "declared")
    'declared'
    """
    return min(modes, key=MODES.index)


def _said(row: Row, language: str | None) -> str:
    short = (language or EN).replace("_", "-").split("-")[0].lower()
    return row.sentence.get(short) or row.sentence.get(EN) or next(iter(row.sentence.values()))


def _plain(name: str | None) -> str:
    return "".join(letter for letter in (name or "").casefold() if letter.isalnum())


@cache
def _raw() -> Mapping[str, Any]:
    return tomllib.loads((files("regulars.pricing.law") / "law.toml").read_text("utf-8"))


@cache
def _places() -> frozenset[str]:
    """All that a row can be about."""
    raw = _raw()
    regions = (f"{country}-{code}" for country, inside in raw["regions"].items() for code in inside)
    return frozenset((ANYWHERE, *raw["groups"], *NAMES, *regions))


@cache
def _shipped() -> Law:
    raw = _raw()
    regions = {
        country: {_plain(said): code for code, name in inside.items() for said in (code, name)}
        for country, inside in raw["regions"].items()
    }
    groups = {name: tuple(members) for name, members in raw["groups"].items()}
    return Law(rows_of(raw, "law.toml"), groups, regions)


def rows_of(raw: Mapping[str, Any], where: str) -> tuple[Row, ...]:
    """The rows of a file; ConfigError, with the place `where`, if one says something that cannot be."""
    return tuple(_row(said, f"{where}, law {number}") for number, said in enumerate(raw.get("law", []), 1))


def _row(said: Mapping[str, Any], where: str) -> Row:
    if missing := [name for name in NEEDED if name not in said]:
        raise ConfigError(f"{where}: {', '.join(missing)} is missing. A law has {', '.join(NEEDED)}.")
    for name, there in (("mode", MODES), ("status", STATUSES)):
        if said[name] not in there:
            raise ConfigError(
                f"{where} ({said['id']}): {name} = {said[name]!r}: one of {', '.join(there)} is expected."
            )
    if said["place"] not in _places():
        meant = _shipped().place(*str(said["place"]).partition("-")[::2])
        raise ConfigError(
            f'{where} ({said["id"]}): place = "{said["place"]}": no customer is ever there. '
            + (
                f'For this place write "{meant}".'
                if meant in _places()
                else "A country as in ISO 3166 is expected (DE), "
                f"country-region (US-NY), {', '.join(_raw()['groups'])}, or * for all that no row names."
            )
        )
    for name in ("from", "checked"):
        if not isinstance(said[name], date):
            raise ConfigError(f"{where} ({said['id']}): {name} = {said[name]!r}: a day is expected, as 2026-11-24.")
    known = {*NEEDED, "read", "kinds", "sentence"}
    if unknown := sorted(set(said) - known):
        raise ConfigError(f"{where} ({said['id']}): there is no {unknown[0]}. There are: {', '.join(sorted(known))}.")
    sentence = said.get("sentence", {})
    if not isinstance(sentence, dict) or not all(isinstance(text, str) and text.strip() for text in sentence.values()):
        raise ConfigError(f"{where} ({said['id']}): sentence: a text for each language is expected.")
    return Row(
        id=said["id"], place=said["place"], mode=said["mode"], status=said["status"], since=said["from"],
        asks=said["asks"], source=said["source"], checked=said["checked"], read=said.get("read", "known"),
        kinds=tuple(said.get("kinds", ())), sentence=sentence,
    )  # fmt: skip
