"""Who decides live: campaigns with their budgets, bidders and creatives, and what is known of who sees them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import takewhile
from typing import NamedTuple, Protocol

import numpy as np

from regulars.ads.bidding import Bidder
from regulars.ads.delivery import Bought, BrandSafety, Creative, Exposures, Pick, Placement, Places, Rotation, context
from regulars.ads.openrtb.request import Auction, BidRequest, Impression
from regulars.ads.pacing import Pacer
from regulars.errors import InputError

THOUSAND = 1000.0
"""OpenRTB prices are for a thousand impressions."""
CLICK_WITHIN = timedelta(hours=1)
NOTICE_WITHIN = timedelta(hours=1)
"""Many exchanges tell of no loss: what was not told to be won by then was lost. Its money is kept until then."""


class Valuer(Protocol):
    """Says what showing a creative is worth, in money: see `prediction.impression_value`."""

    def value(self, customer: str | None, creative: Creative, place: Placement, at: datetime) -> float:
        """Of one impression; `customer` is None where nobody is known, or may be."""

    def may_see(self, customer: str) -> bool:
        """Whether a known customer may be shown ads at all: no objection, of age, no complaint, no fraud."""

    def is_held_out(self, customer: str) -> bool:
        """Whether the lot keeps ads from a customer who may see them: the bid is worked out, and not sent."""


@dataclass
class Campaign:
    """What is bid for, and where.

    Attributes
    ----------
    bidder : of the auctions in which the price is paid that it is made for, and of those that do not say.
    """

    name: str
    rotation: Rotation
    bidder: Bidder
    pacer: Pacer
    places: Places = field(default_factory=Places)
    _other: Bidder | None = None

    def __post_init__(self) -> None:
        # A win that is still heard must have its money.
        self.pacer.wait = max(self.pacer.wait, NOTICE_WITHIN)

    def bidder_of(self, auction: Auction | None) -> Bidder:
        """The bidder of such an auction: to bid the worth where the own bid is paid would leave nothing of it."""
        if auction in (None, self.bidder.auction):
            return self.bidder
        if self._other is None:
            self._other = Bidder(auction, features=self.bidder.features)
        return self._other


class Placed(NamedTuple):
    """A bid that waits for its notice."""

    campaign: Campaign
    bidder: Bidder
    pick: Pick
    customer: str | None
    bid: float
    value: float
    at: datetime


class Shown(NamedTuple):
    """A won impression that waits for its click; `decision` is its id in the rotation."""

    placed: Placed
    decision: str
    at: datetime


class Offer(NamedTuple):
    """A bid for an impression: money for one, and what it shows."""

    bid_id: str
    bid: float
    creative: Creative
    campaign: str


class Met(NamedTuple):
    """A customer for whom an ad was bid for, or, held out, would have been (`is_ghost`)."""

    bid_id: str
    customer: str
    campaign: str
    creative: Creative
    bid: float
    at: datetime
    is_ghost: bool


def untold(met: Met) -> None:
    """Nobody wants to know."""


class Desk:
    """Answers for a shop's campaigns; one process at a time may use it. Its clock goes forward alone.

    Parameters
    ----------
    campaigns : each with its own budget. currency : of all amounts.
    safety : where the shop will not be seen. exposures : caps and gaps, over all campaigns and channels.
    bought : who has which product, for which no ad is shown then; default: nobody has any.
    zone : of the hours by which creatives are chosen, and of days.
    tell : is told of the first bid of a day for each customer: who would have been reached is known of both arms then.
    """

    def __init__(
        self, campaigns: Sequence[Campaign], valuer: Valuer, safety: BrandSafety, exposures: Exposures, currency: str,
        bought: Bought | None = None, zone: tzinfo = UTC, tell: Callable[[Met], None] = untold,
    ) -> None:  # fmt: skip
        if len({one.name for one in campaigns}) < len(campaigns) or not campaigns:
            raise InputError("campaigns: one or more are expected, each with a name of its own.")
        self.campaigns, self.valuer, self.safety = tuple(campaigns), valuer, safety
        self.exposures, self.currency, self.bought, self.zone = exposures, currency, bought or Bought(), zone
        self._placed: dict[str, Placed] = {}  # in order of time
        self._shown: dict[str, Shown] = {}  # in order of time
        self._tell, self._met = tell, dict[str, date]()
        self._now: datetime | None = None

    def go_on_from(self, before: Desk, at: datetime) -> None:
        """Take the place of a desk: campaigns that both have go on with what it learned of rivals and creatives, its
        bids wait on for their notices, and what it left of the day's budget is shared out anew."""
        at = before._moment(at)
        known = {one.name: one for one in before.campaigns}
        gone = sum(one.pacer.committed(at) for one in before.campaigns)
        left = max(sum(one.pacer.budget for one in self.campaigns) - gone, 0.0)
        for one in self.campaigns:
            if (old := known.get(one.name)) is not None:
                old.pacer.budget = one.pacer.budget
                old.rotation.change(one.rotation)
                one.pacer, one.bidder, one._other, one.rotation = old.pacer, old.bidder, old._other, old.rotation
            one.pacer.give(left / len(self.campaigns), at)
        self._placed, self._shown, self._met, self._now = before._placed, before._shown, before._met, at

    def known(self) -> set[str]:
        """The customers of whom something is remembered."""
        bids = (*self._placed.values(), *(one.placed for one in self._shown.values()))
        return {*self.exposures.customers, *self._met, *(one.customer for one in bids if one.customer)}

    def forget(self, customers: Collection[str]) -> None:
        """Let go of who some customers are; what their bids cost still counts."""
        self.exposures.forget(customers)
        for customer in customers:
            self._met.pop(customer, None)
        for bid_id, placed in self._placed.items():
            if placed.customer in customers:
                self._placed[bid_id] = placed._replace(customer=None)
        for bid_id, shown in self._shown.items():
            if shown.placed.customer in customers:
                self._shown[bid_id] = shown._replace(placed=shown.placed._replace(customer=None))

    def offer(self, request: BidRequest, impression: Impression, at: datetime) -> Offer | None:
        """The best bid for an impression; None where there is none to be made."""
        at = self._settle(at)
        customer = request.customer if request.may_profile else None
        bid_id = f"{request.id}/{impression.id}"
        if bid_id in self._placed or bid_id in self._shown:
            raise InputError(f"bid request {request.id}: impression {impression.id} was answered already.")
        if not self._may_bid(request, impression, customer):
            return None
        found = self._best(request, impression, customer, at)
        floor = impression.floor / THOUSAND
        if found is None:
            return None
        campaign, pick, value = found
        bidder = campaign.bidder_of(request.auction)
        bid = bidder.bid(value, np.zeros(bidder.features), floor=floor, price=campaign.pacer.price)
        is_ghost = customer is not None and self.valuer.is_held_out(customer)
        if bid > 0 and not request.is_test:
            placed = Placed(campaign, bidder, pick, customer, bid, value, at)
            bid = self._afforded(placed, floor) if is_ghost else self._place(bid_id, placed, floor)
            if bid > 0 and customer is not None:
                self._note(Met(bid_id, customer, campaign.name, pick.creative, bid, at, is_ghost))
        return Offer(bid_id, bid, pick.creative, campaign.name) if bid > 0 and not is_ghost else None

    def _note(self, met: Met) -> None:
        """Once a day: what counts is who was met, and when first."""
        today = met.at.astimezone(self.zone).date()
        if self._met.get(met.customer) != today:
            self._met[met.customer] = today
            self._tell(met)

    def _afforded(self, placed: Placed, floor: float) -> float:
        """What a ghost may bid: as much as one that is placed, but nothing is reserved."""
        pacer = placed.campaign.pacer
        most = min(placed.bid, max(pacer.today - pacer.committed(placed.at), 0.0))
        return most if most >= floor else 0.0

    def chances(self, at: datetime) -> dict[str, float]:
        """With which chance each creative would be shown at a moment on a site, the device not being told."""
        usual, found = context(at.astimezone(self.zone)), dict[str, float]()
        for campaign in self.campaigns:
            found |= campaign.rotation.chances(usual if campaign.rotation.features else ())
        return found

    def _may_bid(self, request: BidRequest, impression: Impression, customer: str | None) -> bool:
        return (
            (not impression.floor or impression.floor_currency == self.currency)
            and self.safety.refusal(request.placement) is None
            and (customer is None or self.valuer.may_see(customer))
        )

    def _best(
        self, request: BidRequest, impression: Impression, customer: str | None, at: datetime
    ) -> tuple[Campaign, Pick, float] | None:
        """Of all campaigns that may, the one whose creative is worth most, over its price of money."""
        best: tuple[Campaign, Pick, float] | None = None
        most = 0.0
        local, is_app = at.astimezone(self.zone), request.placement.is_app
        seen = context(local, device=request.device, is_app=is_app, view=impression.view)
        for campaign in self.campaigns:
            if not campaign.places.holds(request.place):
                continue
            if customer is not None and self.exposures.refusal(customer, campaign.name, at):
                continue
            fits = [
                one
                for one in campaign.rotation.creatives.values()
                if _fits(one, impression)
                and (customer is None or not self.bought.refuses(customer, one.product_id, at))
            ]
            if not fits:
                continue
            pick = campaign.rotation.pick(seen if campaign.rotation.features else (), at=at, among=fits)
            value = self.valuer.value(customer, pick.creative, request.placement, at)
            if value / campaign.pacer.price > most:
                best, most = (campaign, pick, value), value / campaign.pacer.price
        return best

    def _place(self, bid_id: str, placed: Placed, floor: float) -> float:
        """Reserve the money; what may be bid, 0 where too little is left."""
        permit = placed.campaign.pacer.ask(bid_id, placed.bid, placed.at)
        if not permit.may_bid or permit.most < floor:
            placed.campaign.pacer.lost(bid_id, placed.at)
            return 0.0
        self._placed[bid_id] = placed._replace(bid=permit.most)
        if placed.customer is not None:
            self.exposures.add(placed.customer, placed.campaign.name, placed.at, shown_name(bid_id))
        return permit.most

    def waiting(self, bid_id: str, at: datetime) -> Placed | None:
        """A bid that waits for its notice; None if it is not known, or was told before."""
        self._settle(at)
        return self._placed.get(bid_id)

    def unclicked(self, bid_id: str, at: datetime) -> Placed | None:
        """The bid of a won impression that may still be clicked; None if there is none."""
        self._settle(at)
        found = self._shown.get(bid_id)
        return None if found is None else found.placed

    def won(self, bid_id: str, price: float | None, at: datetime) -> bool:
        """The notice of a win; False if that bid is not known, or was told before.

        Parameters
        ----------
        price : for one impression; None where it is not told: then what was bid, for no win is free.

        Impressions without a click for an hour count as seen and not clicked from then on.
        """
        at = self._settle(at)
        placed = self._placed.pop(bid_id, None)
        if placed is None:
            return False
        placed.campaign.pacer.won(bid_id, placed.bid if price is None else price, at)
        self._learn(placed, True, None if price is None else min(price, placed.bid), None)
        self._shown[bid_id] = Shown(placed, placed.campaign.rotation.shown(placed.pick, at=at), at)
        return True

    def lost(self, bid_id: str, at: datetime, *, rival: float | None = None) -> bool:
        """The notice of a loss, with the least bid that would have won where it is told; see `won`."""
        at = self._moment(at)
        placed = self._placed.pop(bid_id, None)
        if placed is None:
            return False
        placed.campaign.pacer.lost(bid_id, at)
        self._learn(placed, False, None, rival)
        if placed.customer is not None:
            self.exposures.take_back(placed.customer, placed.campaign.name, placed.at)
        return True

    def seen(self, bid_id: str, *, clicked: bool, at: datetime) -> bool:
        """What came of a won impression; False if it is not known, or was told before."""
        at = self._moment(at)
        found = self._shown.pop(bid_id, None)
        return found is not None and found.placed.campaign.rotation.seen(found.decision, clicked=clicked, at=at)

    def _moment(self, at: datetime) -> datetime:
        """A clock that is set back stands still until it is there again: bids go on, and no day's budget is new."""
        self._now = at if self._now is None else max(self._now, at)
        return self._now

    def _settle(self, at: datetime) -> datetime:
        """Nobody tells what did not happen: without this, creatives would learn of clicks alone, bidders of wins, and
        a person for whom bids were lost would count as one who saw ads. The moment, as the desk takes it."""
        at = self._moment(at)
        for bid_id in list(takewhile(lambda one: at - self._shown[one].at > CLICK_WITHIN, self._shown)):
            self.seen(bid_id, clicked=False, at=at)
        for bid_id in list(takewhile(lambda one: at - self._placed[one].at > NOTICE_WITHIN, self._placed)):
            self.lost(bid_id, at)
        return at

    def _learn(self, placed: Placed, won: bool, price: float | None, rival: float | None) -> None:
        bidder = placed.bidder
        context = np.zeros(bidder.features)
        bidder.learn(placed.bid, won, price, rival=rival, value=placed.value, context=context)


def shown_name(bid_id: str) -> str:
    """By which the log knows that the ad of a bid was shown: who tells of it too gives it this id."""
    return f"{bid_id}-shown"


def _fits(creative: Creative, impression: Impression) -> bool:
    size = (creative.width, creative.height)
    return impression.takes_banner and (not impression.sizes or size == (0, 0) or size in impression.sizes)
