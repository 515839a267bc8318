"""The creatives of a shop, as its file has them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

from regulars.ads.delivery import Creative
from regulars.errors import ConfigError, NotFoundError

if TYPE_CHECKING:
    from regulars.shop import Shop

FILE = "ads/creatives.csv"
"""In the shop's folder."""
NEEDED = ("creative_id", "campaign", "product_id", "domain")


class Creatives(NamedTuple):
    """What may be shown, and for whom."""

    creatives: tuple[Creative, ...]
    advertiser: str


def creatives_of(shop: Shop) -> Creatives:
    """From `ads/creatives.csv`: creative_id, campaign, product_id, domain (the advertiser's), and width and height.

    Raises
    ------
    NotFoundError
        If there is no such file.
    ConfigError
        If it lacks a column, names several domains, or a size is no number; with the line.
    """
    path = shop.folder / FILE
    if not path.is_file():
        raise NotFoundError(f"There is no {path}: what could be shown? Write {', '.join(NEEDED)}, width, height.")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found, domains = [], set()
    for line, row in enumerate(rows, 2):
        if missing := [name for name in NEEDED if not (row.get(name) or "").strip()]:
            raise ConfigError(f"{path}, line {line}: {missing[0]} is missing.")
        sizes = [row.get(name) or "0" for name in ("width", "height")]
        if not all(size.strip().isdecimal() for size in sizes):
            raise ConfigError(f"{path}, line {line}: a size of {' x '.join(sizes)}: whole pixels are expected.")
        width, height = (int(size) for size in sizes)
        found.append(Creative(row["creative_id"], row["campaign"], row["product_id"], width, height))
        domains.add(row["domain"].strip())
    if len(domains) != 1:
        raise ConfigError(f"{path}: the domains {', '.join(sorted(domains)) or 'none'}; one advertiser is expected.")
    return Creatives(tuple(found), domains.pop())
