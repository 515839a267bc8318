"""The creatives of a shop, as its file has them."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from regulars.ads.delivery import Creative, Places
from regulars.errors import ConfigError, InputError, NotFoundError
from regulars.experiment import Experiments, Plan

if TYPE_CHECKING:
    from regulars.shop import Shop

FILE = "ads/creatives.csv"
"""In the shop's folder."""
NEEDED = ("creative_id", "campaign", "product_id", "domain")


class Creatives(NamedTuple):
    """What may be shown, for whom, and where each campaign runs."""

    creatives: tuple[Creative, ...]
    advertiser: str
    places: Mapping[str, Places]


def creatives_of(shop: Shop) -> Creatives:
    """From `ads/creatives.csv`: creative_id, campaign, product_id, domain (the advertiser's), and width and height.

    Bids bring their own markup where `image` and `url` are the addresses of the picture and of where a click leads.

    Where a campaign runs: `places`, codes of bid requests with spaces between them, and `region_lot`, the experiment
    whose lot says in which regions; both by any lines of the campaign, together.

    Raises
    ------
    NotFoundError
        If there is no such file.
    ConfigError
        If it lacks a column, names several domains, a size is no number, or a place or experiment cannot be; with the
        line.
    """
    path = shop.folder / FILE
    if not path.is_file():
        raise NotFoundError(f"There is no {path}: what could be shown? Write {', '.join(NEEDED)}, width, height.")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found, domains = [], set()
    places: dict[str, Places] = {}
    lots: dict[str, str] = {}
    for line, row in enumerate(rows, 2):
        if missing := [name for name in NEEDED if not (row.get(name) or "").strip()]:
            raise ConfigError(f"{path}, line {line}: {missing[0]} is missing.")
        sizes = [row.get(name) or "0" for name in ("width", "height")]
        if not all(size.strip().isdecimal() for size in sizes):
            raise ConfigError(f"{path}, line {line}: a size of {' x '.join(sizes)}: whole pixels are expected.")
        links = [(row.get(name) or "").strip() for name in ("image", "url")]
        if any(links) and not all(re.fullmatch(r"https?://\S+", link) for link in links):
            raise ConfigError(f"{path}, line {line}: image and url, both or neither, are addresses (https://…).")
        width, height = (int(size) for size in sizes)
        found.append(Creative(row["creative_id"], row["campaign"], row["product_id"], width, height, *links))
        domains.add(row["domain"].strip())
        codes, lot = tuple((row.get("places") or "").split()), (row.get("region_lot") or "").strip()
        if codes or lot:
            campaign = row["campaign"]
            before = places.get(campaign, Places())
            if lot and lots.setdefault(campaign, lot) != lot:
                raise ConfigError(
                    f'{path}, line {line}: campaign "{campaign}" has the lot of "{lots[campaign]}" already.'
                )
            try:
                places[campaign] = Places((*before.codes, *codes), lot_of(shop, lot) if lot else before.lot)
            except (InputError, NotFoundError) as error:
                raise ConfigError(f"{path}, line {line}: {error}") from None
    if len(domains) != 1:
        raise ConfigError(f"{path}: the domains {', '.join(sorted(domains)) or 'none'}; one advertiser is expected.")
    return Creatives(tuple(found), domains.pop(), places)


def advertised(shop: Shop) -> set[str]:
    """The products of its creatives; none where there is no file of them.

    Raises
    ------
    ConfigError
        If the file cannot be read.
    """
    try:
        return {one.product_id for one in creatives_of(shop).creatives}
    except NotFoundError:
        return set()


def lot_of(shop: Shop, name: str) -> Plan:
    """The lot of a running experiment whose customers are regions.

    Raises
    ------
    NotFoundError
        If there is no such experiment.
    InputError
        If it was not started.
    """
    found = Experiments(shop.state).get(name)
    if found.started_at is None:
        raise InputError(f'experiment "{name}" was not started. Start it: regulars experiment start {name}')
    return found.plan(None)
