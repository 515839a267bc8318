"""A bid request (OpenRTB 2.6), the part of it that a shop's bidder needs: strict on that, deaf to all else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from regulars.ads.delivery import Placement
from regulars.ads.delivery.context import Device
from regulars.ads.delivery.placement import KNOWN
from regulars.ads.openrtb.consent import may_profile
from regulars.errors import InputError

MOST_BYTES = 256 * 1024
MOST_IMPRESSIONS = 100
DEAREST = 1e9
"""No floor is above: it could not be a price."""
OTHER_MEDIA = ("video", "audio", "native")
Auction = Literal["first", "second"]
Meaning = TypeVar("Meaning")
AUCTIONS: dict[int, Auction] = {1: "first", 2: "second"}
DEVICES: dict[int, Device] = {1: "phone", 2: "desktop", 4: "phone", 5: "tablet"}
VIEWS = {1: 1.0, 3: -1.0, 4: 1.0, 7: 1.0}
"""Of a place (AdCOM, placement positions): above the fold, header and full screen are seen at once, below it not."""


@dataclass(frozen=True)
class Impression:
    """One place for an ad.

    Attributes
    ----------
    id : by which the bid names it. takes_banner : False where it names other media alone (video, audio, native).
    sizes : (width, height) of banners that fit; empty for any.
    floor : the least bid, for a thousand impressions (CPM), in `floor_currency`.
    view : 1 where it is seen at once, -1 where one must scroll to it, 0 where that is not told.
    """

    id: str
    takes_banner: bool
    sizes: tuple[tuple[int, int], ...]
    floor: float
    floor_currency: str
    view: float


@dataclass(frozen=True)
class BidRequest:
    """What an exchange asks.

    Attributes
    ----------
    auction : whether the own or the second price is paid; None where it is not told.
    currencies : in which bids may be; empty for any.
    place : country and region of the device, or else of the user, as USA-NY; None where it is not told.
    device : on which the ad would be shown; None where it is another, or is not told.
    customer : the shop's id of the person (`user.buyeruid`), None where unknown.
    may_profile : False where the request says that the person is a child, limits tracking, refused, or did not consent
        where consent is needed: then nothing that the shop knows of the person may be used.
    is_test : nothing is bought.
    """

    id: str
    impressions: tuple[Impression, ...]
    auction: Auction | None
    currencies: tuple[str, ...]
    placement: Placement
    place: str | None
    device: Device | None
    customer: str | None
    may_profile: bool
    is_test: bool


def read(body: bytes) -> BidRequest:
    """A bid request from its bytes (JSON, UTF-8). Fields that are not known are ignored.

    Raises
    ------
    InputError
        If it is no JSON object, is too large, or a field that is needed is missing or wrong: with its place.

    Source
    ------
    IAB Tech Lab, OpenRTB 2.6, sections 3.2.1 (BidRequest), 3.2.4 (Imp), 3.2.6 (Banner), 3.2.13 (Site), 3.2.18 (Device),
    3.2.19 (Geo), 3.2.20 (User).

    Examples
    --------
    >>> found = read(b'{"id": "r1", "imp": [{"id": "1", "banner": {"w": 300, "h": 250}}], "at": 1, "new_field": 5}')
    >>> found.auction, found.impressions[0].sizes, found.customer
    ('first', ((300, 250),), None)
    >>> read(b'{"imp": []}')
    Traceback (most recent call last):
    regulars.errors.InputError: bid request: no "id". OpenRTB 2.6 needs it: a text that is given back with the bid.
    """
    if len(body) > MOST_BYTES:
        raise InputError(f"bid request: {len(body):,} bytes; at most {MOST_BYTES:,} are read.")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError(f"bid request: not valid JSON ({str(error)[:100]}).") from None
    if not isinstance(said, dict):
        raise InputError("bid request: a JSON object is expected.")
    if not isinstance(said.get("id"), str) or not said["id"]:
        raise InputError('bid request: no "id". OpenRTB 2.6 needs it: a text that is given back with the bid.')
    listed = said.get("imp")
    if not isinstance(listed, list) or not listed:
        raise InputError('bid request: no "imp". OpenRTB 2.6 needs at least one impression.')
    if len(listed) > MOST_IMPRESSIONS:
        raise InputError(f"bid request: {len(listed)} impressions; at most {MOST_IMPRESSIONS} are read.")
    impressions = tuple(_impression(one, f"imp[{place}]") for place, one in enumerate(listed))
    if len({one.id for one in impressions}) < len(impressions):
        raise InputError("bid request: two impressions have one id. Each needs its own.")
    auction = said.get("at")
    if auction is not None and (not isinstance(auction, int) or isinstance(auction, bool) or auction not in AUCTIONS):
        raise InputError(f"bid request: at = {auction!r}: 1 (first price) or 2 (second price) is read.")
    user = _object(said, "user", "bid request")
    place = _place(said, user)
    return BidRequest(
        id=said["id"],
        impressions=impressions,
        auction=None if auction is None else AUCTIONS[auction],
        currencies=_texts(said, "cur", "bid request"),
        placement=_placement(said),
        place=place,
        device=_of(DEVICES, _object(said, "device", "bid request").get("devicetype")),
        customer=_text(user, "buyeruid", "user"),
        may_profile=_may_profile(said, user, place),
        is_test=said.get("test") == 1,
    )


def _impression(said: Any, where: str) -> Impression:
    if not isinstance(said, dict):
        raise InputError(f"bid request, {where}: a JSON object is expected.")
    if not isinstance(said.get("id"), str) or not said["id"]:
        raise InputError(f'bid request, {where}: no "id". A bid names its impression by it.')
    floor = said.get("bidfloor", 0)
    if isinstance(floor, bool) or not isinstance(floor, int | float) or not 0 <= floor <= DEAREST:
        raise InputError(
            f"bid request, {where}: bidfloor = {str(floor)[:20]}: an amount from 0 to {DEAREST:g} is expected."
        )
    banner = _object(said, "banner", where)
    sizes = (banner, *_objects(banner, "format", where))
    found = tuple(
        (one["w"], one["h"]) for one in sizes if isinstance(one.get("w"), int) and isinstance(one.get("h"), int)
    )
    takes_banner = said.get("banner") is not None or not any(said.get(each) for each in OTHER_MEDIA)
    return Impression(
        said["id"],
        takes_banner,
        found,
        float(floor),
        _text(said, "bidfloorcur", where) or "USD",
        1.0 if said.get("instl") == 1 else _of(VIEWS, banner.get("pos")) or 0.0,
    )


def _placement(said: Mapping[str, Any]) -> Placement:
    site, app = _object(said, "site", "bid request"), _object(said, "app", "bid request")
    categories = tuple(
        one for part in (site, app) for name in ("cat", "sectioncat", "pagecat") for one in _texts(part, name, "site")
    )
    return Placement(
        domain=_text(site, "domain", "site") or _text(app, "bundle", "app"),
        categories=categories,
        blocked_categories=_texts(said, "bcat", "bid request"),
        blocked_advertisers=_texts(said, "badv", "bid request"),
        taxonomies=tuple(part.get("cattax", KNOWN) for part in (site, app) if part),
        blocked_taxonomy=said.get("cattax", KNOWN),
        is_app=bool(app),
    )


def _place(said: Mapping[str, Any], user: Mapping[str, Any]) -> str | None:
    for part in (_object(said, "device", "bid request"), user):
        geo = _object(part, "geo", "device or user")
        country, region = _text(geo, "country", "geo"), _text(geo, "region", "geo")
        if country:
            # A region is told as NY, or with its country before it (ISO 3166-2), as US-NY.
            return "-".join(filter(None, [country.upper(), (region or "").upper().rpartition("-")[2]]))
    return None


def _may_profile(said: Mapping[str, Any], user: Mapping[str, Any], place: str | None) -> bool:
    regs, device = _object(said, "regs", "bid request"), _object(said, "device", "bid request")
    # Version 2.5 had these among extensions.
    regs = {**_object(regs, "ext", "regs"), **regs}
    return may_profile(regs, device, _text({**_object(user, "ext", "user"), **user}, "consent", "user"), place)


def _of(known: Mapping[int, Meaning], code: Any) -> Meaning | None:
    """What a code means; None for one that is not known, or is none."""
    return known.get(code) if isinstance(code, int) else None


def _object(said: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    found = said.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InputError(f"bid request, {where}: {name} is no JSON object.")
    return found


def _objects(said: Mapping[str, Any], name: str, where: str) -> list[Mapping[str, Any]]:
    found = said.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InputError(f"bid request, {where}: {name} is no list of JSON objects.")
    return found


def _texts(said: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    found = said.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InputError(f"bid request, {where}: {name} is no list of texts.")
    return tuple(found)


def _text(said: Mapping[str, Any], name: str, where: str) -> str | None:
    found = said.get(name)
    if found is not None and not isinstance(found, str):
        raise InputError(f"bid request, {where}: {name} = {found!r}: a text is expected.")
    return found or None
