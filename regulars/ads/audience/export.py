"""A list of customers as the file that a platform takes; never an address in the clear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from regulars import storage
from regulars.ads.audience.hashing import hashed, normal_email, normal_phone
from regulars.customers.countries import country_code
from regulars.errors import InputError, NotEnoughError
from regulars.spreadsheet import to_csv

PLATFORMS: Mapping[str, tuple[str, str, str]] = {
    "google": ("Email", "Phone", "Country"),
    "meta": ("email", "phone", "country"),
}
"""The columns that each asks for. The country is not hashed by Google, and is by Meta."""


def write(path: Path, people: Sequence[Mapping[str, Any]], platform: str) -> tuple[int, int]:
    """Write who has an address of either kind; who has none cannot be matched and is left out.

    Whoever objected must have been left out before: see `audience.listed`.

    Parameters
    ----------
    path : ends in .csv. people : rows with email, phone, jurisdiction_country (each may be None;
        a country by any name).

    Returns
    -------
    How many were written, and how many had no address.

    Raises
    ------
    InputError
        If there is no such platform, or the file is no .csv.
    NotEnoughError
        If nobody has an address: an empty list would end a campaign.
    """
    if platform not in PLATFORMS:
        raise InputError(f'there is no platform "{platform}". There are: {", ".join(PLATFORMS)}.')
    if path.suffix.lower() != ".csv":
        raise InputError(f"{path}: a name that ends in .csv is expected: platforms take no other.")
    rows: set[tuple[str, str, str]] = set()
    without = 0
    for person in people:
        country = country_code(person.get("jurisdiction_country"))
        email = hashed(normal_email(person.get("email"), platform))
        phone = hashed(normal_phone(person.get("phone"), country, platform))
        if not email and not phone:
            without += 1
            continue
        rows.add((email, phone, hashed(country.lower()) if platform == "meta" and country else country))
    if not rows:
        raise NotEnoughError(
            f"ads: none of {len(people):,} customers has an e-mail address or telephone number that can be matched. "
            "Import customers with their addresses: docs/identity.md."
        )
    # Sorted by hash: the order of the list tells nothing of who was chosen first.
    columns = list(zip(*sorted(rows), strict=True))
    table = pa.table({name: pa.array(column) for name, column in zip(PLATFORMS[platform], columns, strict=True)})
    storage.replace(path, to_csv(table))
    return len(rows), without
