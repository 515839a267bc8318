"""Sends what is due: every message is either sent once, or set aside with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars import clock
from regulars.campaign.copy import Messages, Variant, approved
from regulars.campaign.copy.template import UnknownValueError, render
from regulars.campaign.offer import CouponError, issue, suspected
from regulars.campaign.sending import hours, message_id, queue
from regulars.campaign.sending.channel import Channel, DownError, LaterError, Letter, RefusedError, UnsureError
from regulars.campaign.sending.channels import address_of
from regulars.campaign.sending.context import contexts, of_coupon, rows_of
from regulars.campaign.sending.past import sent_by_others
from regulars.campaign.sending.permission import link_token, refusals
from regulars.clock import micros, moment_of
from regulars.customers import customers_as_of
from regulars.errors import ConfigError, NotFoundError
from regulars.events.identity import hash_column

if TYPE_CHECKING:
    from regulars.shop import Shop

LOOKED_AT = 5000
"""So many messages are judged at once: what is asked of the log costs as much for one as for all."""
AT_ONCE = 100
"""Of those, so many are claimed at once: few enough to be sent within a claim's time."""

Overtaken = Callable[[Sequence[Any], datetime], Mapping[int, str]]
"""Which messages events have overtaken since they were asked for: their ids, each with why."""


@dataclass
class Tally:
    """What came of it: how many messages by how it ended, and how often each reason was given."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, what: str, reason: str = "", number: int = 1) -> None:
        """Count something; nothing of it is not counted."""
        if not number:
            return
        self.counts[what] += number
        if reason:
            self.reasons[reason] += number


@dataclass(frozen=True)
class _Ready:
    """A message as it would leave, but for its claim."""

    row: Any
    variant: Variant
    propensity: float
    context: dict[str, Any]
    to: str


def send_due(
    shop: Shop,
    moment: datetime,
    channels: Mapping[str, Channel],
    overtaken: Overtaken = lambda rows, moment: {},
    known: Callable[[], pa.Table] | None = None,
) -> Tally:
    """Send all messages whose time has come.

    Whatever dies in between: a message is sent at most once by e-mail, once by webhooks that know its key; see
    `queue.recover`.

    Parameters
    ----------
    moment : when it begins; consents, caps, quiet hours and prices are as of then, and of as much later as it takes.
    channels : by name; what goes by another is skipped, and its reason logged.
    overtaken : see there.
    known : gives `customers_as_of` the moment, for whoever has it already.
    """
    tally = Tally()
    for what, number in queue.recover(shop.state).items():
        tally.add("unsure" if what == "unsure" else "recovered", number=number)
    people: pa.Table | None = None
    down: dict[str, str] = {}
    begun = clock.now()

    def now() -> datetime:
        return moment + (clock.now() - begun)

    while rows := queue.due(shop.state, now(), LOOKED_AT):
        if people is None:
            people = known() if known else customers_as_of(shop, moment)
        _send_some(shop, rows, now, people, channels, overtaken, down, tally)
    return tally


def _send_some(
    shop: Shop,
    rows: list[Any],
    now: Callable[[], datetime],
    known: pa.Table,
    channels: Mapping[str, Channel],
    overtaken: Overtaken,
    down: dict[str, str],
    tally: Tally,
) -> None:
    settings, moment = shop.config.sending, now()
    skip, ready = _judged(shop, rows, moment, known, channels)
    skip |= dict(overtaken(rows, moment))
    times, zone = _clocks(shop, rows, moment, known)
    days = hours.local_day(times, zone)
    tomorrow = hours.in_utc((days + 1) * hours.DAY, zone)
    tomorrow = hours.quiet_until(tomorrow, zone, settings.quiet_from, settings.quiet_until)
    already = sent_by_others(shop, sorted({row.customer_id for row in rows}), moment, known)
    for first in range(0, len(rows), AT_ONCE):
        some = rows[first : first + AT_ONCE]
        moment = now()  # a run may take hours
        quiet = _quiet(shop, some, moment, zone[first : first + AT_ONCE])
        held = {row.id: (queue.retry_at(moment, 2), down[row.channel]) for row in some if row.channel in down}
        taken, holder, aside = queue.claim(
            shop.state,
            some,
            moment,
            skip=skip,
            hold=held | {number: until for number, until in quiet.items() if number not in skip},
            capped_until={row.id: moment_of(then) for row, then in zip(rows, tomorrow.tolist(), strict=True)},
            days={row.id: day for row, day in zip(rows, days.tolist(), strict=True)},
            already=already,
            caps=(settings.most_per_day, settings.most_per_week),
            hold_days=settings.hold_days,
        )
        for what, reasons in aside.items():
            for reason in reasons:
                tally.add(what, reason)
        for row in taken:
            if row.channel in down:
                later = queue.retry_at(moment, 2)
                queue.settle(shop.state, row, holder, "waiting", moment, down[row.channel], not_before=later)
                tally.add("to try again", down[row.channel])
            else:
                _send_one(shop, ready[row.id], holder, moment, channels[row.channel], down, tally)


def _quiet(
    shop: Shop, rows: Sequence[Any], moment: datetime, zone: npt.NDArray[np.str_]
) -> dict[int, tuple[datetime, str]]:
    """Until when messages are held whose customers have quiet hours now."""
    settings, now = shop.config.sending, micros(moment)
    then = hours.quiet_until(np.full(len(rows), now), zone, settings.quiet_from, settings.quiet_until)
    return {
        row.id: (moment_of(until), "quiet hours") for row, until in zip(rows, then.tolist(), strict=True) if until > now
    }


def _send_one(
    shop: Shop, ready: _Ready, holder: str, moment: datetime, channel: Channel, down: dict[str, str], tally: Tally
) -> None:
    row, state = ready.row, shop.state
    end = partial(queue.settle, state, row, holder)
    later = queue.retry_at(moment, row.tries)
    try:
        letter = _letter(shop, ready, moment)
        channel.send(
            letter,
            partial(queue.leaving, state, row, holder, letter.message_id, ready.variant.name, ready.propensity),
        )
    except (UnknownValueError, CouponError, ConfigError, NotFoundError) as error:
        end("skipped", moment, str(error))
        tally.add("skipped", str(error))
    except queue.LostError as error:
        end("waiting", moment, str(error), not_before=row.not_before)
        tally.add("taken away", str(error))
    except RefusedError as error:
        end("failed", moment, str(error))
        tally.add("failed", str(error))
    except UnsureError as error:
        end("unsure", moment, f"{error}: it is not sent again")
        tally.add("unsure", str(error))
    except LaterError as error:
        if isinstance(error, DownError):
            # A server that is down says nothing of the message: that was no try.
            down[row.channel] = str(error)
        if row.tries + 1 >= shop.config.sending.tries and not isinstance(error, DownError):
            end("failed", moment, f"tried {row.tries + 1} times: {error}")
            tally.add("failed", str(error))
        else:
            tries = row.tries + (not isinstance(error, DownError))
            end("waiting", moment, str(error), not_before=later, tries=tries)
            tally.add("to try again", str(error))
    else:
        end("sent", moment, "")
        tally.add("sent")


def _letter(shop: Shop, ready: _Ready, moment: datetime) -> Letter:
    row, settings, state = ready.row, shop.config.sending, shop.state
    coupon = issue(state, row.offer, row.customer_id, row.key, moment) if row.offer else None
    url = settings.unsubscribe_url + link_token(state, row.customer_id, row.channel)
    values = {**ready.context, "coupon": of_coupon(coupon, shop.config.shop.currency), "unsubscribe_url": url}
    domain = parseaddr(settings.sender)[1].rpartition("@")[2] or "regulars.invalid"
    return Letter(
        key=row.key,
        message_id=message_id.make(state, row.key, domain),
        channel=row.channel,
        customer_id=row.customer_id,
        to=ready.to,
        language=ready.variant.language,
        subject=" ".join(render(ready.variant.subject, values).split()),
        body=render(ready.variant.body, values),
        unsubscribe_url=url,
    )


def _judged(
    shop: Shop, rows: Sequence[Any], moment: datetime, known: pa.Table, channels: Mapping[str, Channel]
) -> tuple[dict[int, str], dict[int, _Ready]]:
    """Who of the rows may not be written to, and why; and of the others all but the text."""
    settings = shop.config.sending
    customers = pa.array([row.customer_id for row in rows], pa.string())
    by = pa.array([row.channel for row in rows], pa.string())
    refused = refusals(shop, customers, by, moment, settings.consent).to_pylist()
    is_suspected, is_victim = suspected(shop, customers, moment, settings.most_suspicion)
    people = rows_of(known, customers.to_pylist())
    skip: dict[int, str] = {}
    for row, reason, farms, victim, person in zip(
        rows, refused, is_suspected.to_pylist(), is_victim.to_pylist(), people, strict=True
    ):
        if reason:
            skip[row.id] = reason
        elif person is None:
            skip[row.id] = "no such customer"
        elif row.channel not in channels:
            skip[row.id] = f"no way to send by {row.channel}: see [sending] in shop.toml"
        elif address_of(row.channel, person) is None:
            skip[row.id] = f"no address for {row.channel}"
        elif victim:
            skip[row.id] = "the account may be in other hands"
        elif row.offer and farms:
            skip[row.id] = "suspected of abusing promotions: no coupon"
    left = [(row, person) for row, person in zip(rows, people, strict=True) if row.id not in skip and person]
    texts = contexts(shop, [person for _, person in left], [row.about for row, _ in left], moment)
    ready = {}
    for (row, person), context in zip(left, texts, strict=True):
        try:
            variant, propensity = chosen(shop, row, person["language"])
        except (ConfigError, NotFoundError) as error:
            skip[row.id] = str(error)
            continue
        ready[row.id] = _Ready(row, variant, propensity, context, address_of(row.channel, person) or "")
    return skip, ready


def chosen(shop: Shop, row: Any, language: str | None) -> tuple[Variant, float]:
    """The variant of a message for one customer, drawn by a hash, and the chance with which it was drawn.

    Raises
    ------
    ConfigError
        If nobody has approved any in the customer's language.
    NotFoundError
        If there is no such message any more.
    """
    message = Messages(shop.folder).get(row.message)
    there = approved(shop.state, message.in_language(language, shop.config.sending.language))
    if not there:
        raise ConfigError(f'nobody has approved "{row.message}": regulars campaign approve {row.message} --as NAME')
    key = pa.array([f"{row.journey} {row.step} {row.message}\x1f{row.customer_id}"])
    return there[int(hash_column(key)[0] % np.uint64(len(there)))], 1 / len(there)


def _clocks(shop: Shop, rows: Sequence[Any], moment: datetime, known: pa.Table) -> tuple[hours.Ints, Any]:
    times = np.full(len(rows), micros(moment), np.int64)
    ids = pa.array([row.customer_id for row in rows], pa.string())
    default = shop.config.shop.timezone
    place = pc.index_in(ids, known["customer_id"].combine_chunks())
    zone = np.full(len(rows), default, dtype=object)
    is_known = place.is_valid().to_numpy(zero_copy_only=False)
    zone[is_known] = hours.zones(known.take(place.drop_null()), default)
    return times, zone.astype(str)
