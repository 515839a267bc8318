"""From the bytes of a bid request to the bytes of a bid response (OpenRTB 2.6)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

from regulars.ads.openrtb.desk import THOUSAND, Desk
from regulars.ads.openrtb.request import read


def answer(body: bytes, desk: Desk, at: datetime, *, notice_url: str = "") -> bytes | None:
    """Answer a bid request.

    Parameters
    ----------
    at : the moment, with its time zone; never before that of an earlier call.
    notice_url : where win and loss notices go; "" for none. The bid's id is put behind it, and the exchange fills in
        the price.

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
        if notice_url:
            named = quote(offer.bid_id, safe="")
            bid["nurl"] = f"{notice_url}/won?bid={named}&price=${{AUCTION_PRICE}}"
            bid["lurl"] = f"{notice_url}/lost?bid={named}&least=${{AUCTION_MIN_TO_WIN}}"
        bids.append(bid)
    if not bids:
        return None
    said = {"id": request.id, "cur": desk.currency, "seatbid": [{"seat": desk.safety.advertiser, "bid": bids}]}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
