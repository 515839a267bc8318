"""From the bytes of a bid request to the bytes of a bid response (OpenRTB 2.6)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from html import escape
from typing import Any, NamedTuple
from urllib.parse import quote

from regulars.ads.openrtb.desk import THOUSAND, Desk, Offer
from regulars.ads.openrtb.request import read


class Notices(NamedTuple):
    """Where exchanges tell what came of a bid, and browsers of clicks.

    Attributes
    ----------
    address : of the server. sign : makes the token of a bid's id, without which nobody is believed.
    """

    address: str
    sign: Callable[[str], str]

    def of(self, what: str, bid_id: str, more: str = "") -> str:
        """The address for one notice; `more` may hold what the exchange fills in."""
        return f"{self.address}/v1/ads/{what}?bid={quote(bid_id, safe='')}&token={self.sign(bid_id)}{more}"


def answer(body: bytes, desk: Desk, at: datetime, *, notices: Notices | None = None) -> bytes | None:
    """Answer a bid request.

    Parameters
    ----------
    at : the moment, with its time zone; never before that of an earlier call.
    notices : where notices and clicks go; None where the shop tells of them itself. The exchange fills in prices, which
        are for a thousand impressions.

    Returns
    -------
    The response; None to make no bid (HTTP 204).

    Raises
    ------
    InputError
        If the request cannot be read; the message says where.
    """
    request = read(body)
    if request.currencies and desk.currency not in request.currencies:
        return None
    bids: list[dict[str, Any]] = []
    for impression in request.impressions:
        offer = desk.offer(request, impression, at)
        if offer is None:
            continue
        bid: dict[str, Any] = {
            "id": offer.bid_id,
            "impid": impression.id,
            "price": round(offer.bid * THOUSAND, 6),
            "cid": offer.campaign,
            "crid": offer.creative.creative_id,
            "adomain": [desk.safety.advertiser],
            "cat": list(desk.safety.own_categories),
        }
        if offer.creative.width:
            bid |= {"w": offer.creative.width, "h": offer.creative.height}
        if offer.creative.image:
            bid["adm"] = _markup(offer, notices)
        if notices is not None:
            # Which of the two an exchange calls, or both: the first counts.
            bid["nurl"] = bid["burl"] = notices.of("won", offer.bid_id, "&price=${AUCTION_PRICE}")
            bid["lurl"] = notices.of("lost", offer.bid_id, "&least=${AUCTION_MIN_TO_WIN}")
        bids.append(bid)
    if not bids:
        return None
    said = {"id": request.id, "cur": desk.currency, "seatbid": [{"seat": desk.safety.advertiser, "bid": bids}]}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _markup(offer: Offer, notices: Notices | None) -> str:
    """The banner as HTML; a click passes by the server where that is told of clicks."""
    one = offer.creative
    leads_to = one.url
    if notices is not None:
        leads_to = notices.of("clicked", offer.bid_id, f"&creative={quote(one.creative_id, safe='')}")
    size = f' width="{one.width}" height="{one.height}"' if one.width else ""
    return f'<a href="{escape(leads_to)}" target="_blank"><img src="{escape(one.image)}"{size} alt=""></a>'
