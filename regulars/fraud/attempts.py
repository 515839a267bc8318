"""The attempts of a shop's log, and what tells of fraud: read once by the engine, kept as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.clock import micros
from regulars.errors import NotEnoughError
from regulars.events.undated import DERIVED_ID
from regulars.fraud.labels import known_of, times
from regulars.fraud.network import addresses, domains
from regulars.fraud.properties import Properties
from regulars.fraud.stream import KIND, OWN, Ints, Stream, banded, paired

if TYPE_CHECKING:
    from regulars.fraud.surprise import Surprise
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

CONTEXT = {
    "sign_in": "sign_in",
    "signed_up": "signed_up",
    "coupon_applied": "coupon",
    "order_refunded": "refunded",
    "product_reviewed": "reviewed",
    "customer_identified": "address_changed",
}
"""Events beside attempts that tell of fraud, and the kind of row that each makes."""
PARTING = r"[\s.,;()\-]+"
"""What parts words and groups of digits."""


@dataclass(frozen=True)
class Facts:
    """What attempts say of themselves, (attempts,) each.

    Attributes
    ----------
    time : microseconds since 1970, UTC.
    amount : in the shop's currency, NaN where unknown.
    signed_up : microseconds since 1970; -1 where unknown.
    email, name, ip : texts.
    has_coupon : whether a coupon was used.
    places : (4, attempts) latitude and longitude of the customer, then of where it goes to: degrees, NaN where unknown.
    numbers : other properties that are numbers.
    """

    time: Ints
    amount: Floats
    signed_up: Ints
    email: pa.Array
    name: pa.Array
    ip: pa.Array
    has_coupon: npt.NDArray[np.bool_]
    places: Floats
    numbers: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: Ints) -> Facts:
        """Of some attempts."""
        email, name, ip = (column.take(pa.array(rows)) for column in (self.email, self.name, self.ip))
        return Facts(
            self.time[rows], self.amount[rows], self.signed_up[rows], email, name, ip, self.has_coupon[rows],
            self.places[:, rows], {name: values[rows] for name, values in self.numbers.items()},
        )  # fmt: skip


@dataclass(frozen=True)
class Attempts:
    """Attempts in order of time, and the stream that they stand in.

    Attributes
    ----------
    stream : attempts, labels at the moment they became known, and what else tells of fraud.
    table : (attempts,) event_id, time, type, customer_id, order_id, payment_id, device_id, ip, amount, outcome.
    facts : what each says of itself.
    is_even : (attempts,) whether a label would be known by now, whichever it is: from these can be learned.
    outcome : (attempts,) 1 fraud, 0 honest, -1 unknown, by all labels that there are, also those that count as known
        only after the moment: to judge by, never to learn from.
    surprise : of the behaviour model, where it was asked.
    """

    stream: Stream
    table: pa.Table
    facts: Facts
    is_even: npt.NDArray[np.bool_]
    outcome: npt.NDArray[np.int8]
    surprise: Surprise | None = None

    def __len__(self) -> int:
        return len(self.facts)


def attempts(shop: Shop, until: datetime) -> Attempts:
    """All attempts before a moment: payments that were tried, orders that no such payment tells of, and in a log with
    neither, accounts that were opened.

    Raises
    ------
    NotEnoughError
        If there is none.
    """
    rows, is_attempt = _rows(shop, until)
    of_attempts = rows.filter(pa.array(is_attempt))
    if not of_attempts.num_rows:
        raise NotEnoughError(
            f"fraud: no payment was attempted, no order placed and no account opened before {until:%Y-%m-%d %H:%M}. "
            "Import payments or orders, or choose a later as-of time."
        )
    properties = Properties(of_attempts["properties"].combine_chunks())
    stream = _stream(rows, is_attempt, properties)
    known, is_even = known_of(shop, until, of_attempts, properties)
    stream = stream.with_known(stream.attempts[known.attempt], known.known_at, known.kind, known.withdrawn_at)
    columns = [
        "event_id",
        "time",
        "type",
        "customer_id",
        "order_id",
        "payment_id",
        "device_id",
        "ip",
        "amount",
        "outcome",
    ]
    facts = _facts(of_attempts, properties)
    outcome, _ = stream.labels()
    return Attempts(stream.before(micros(until)), of_attempts.select(columns), facts, is_even, outcome)


def _rows(shop: Shop, until: datetime) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
    """Attempts and their context in order of time, one row a payment, order or other event; and which are attempts."""
    events = shop.events
    asked = ["payment_attempted", "order_completed", *CONTEXT]
    lines = events.filter(events.type.isin(asked), events.time < ibis.literal(until))
    lines = shop.identities.raw(lines)
    value = lines.unit_price.cast("float64") * lines.quantity.fill_null(1.0)
    # Rows of a file without ids are attempts of their own, even if all that ids are made of is equal.
    own = ibis.ifelse(lines.event_id.re_search(DERIVED_ID), lines.line, 0)
    # But of an order every line is a part, however many events tell of it.
    is_order = (lines.type == "order_completed") & lines.order_id.notnull()
    whole = lines.group_by(
        "type", of=ibis.ifelse(is_order, lines.order_id, lines.event_id), own=ibis.ifelse(is_order, 0, own)
    ).agg(
        event_id=lines.event_id.min(),
        time=lines.time.min(),
        amount=value.sum(),
        product_id=lines.product_id.argmax(value.fill_null(0.0)),
        **{
            name: lines[name].max()
            for name in ("customer_id", "order_id", "payment_id", "device_id", "ip", "channel", "outcome", "properties")
        },
    )
    found = shop.engine.to_arrow(whole.order_by("time", "event_id", "own", "of"))
    type_ = found["type"].combine_chunks()
    tried = pc.equal(type_, "payment_attempted")
    paid = found["order_id"].filter(tried).drop_null().combine_chunks()
    is_told = pc.fill_null(pc.is_in(found["order_id"].combine_chunks(), paid), False) if len(paid) else False
    bought = pc.and_(pc.equal(type_, "order_completed"), pc.invert(is_told) if len(paid) else True)
    is_attempt = np.asarray(pc.or_(tried, bought))
    if not is_attempt.any():
        is_attempt = np.asarray(pc.equal(type_, "signed_up"))
    # An order whose payment stands before it says nothing new.
    is_kept = is_attempt | np.asarray(pc.is_in(type_, pa.array(list(CONTEXT))))
    return found.filter(pa.array(is_kept)), is_attempt[is_kept]


def _stream(rows: pa.Table, is_attempt: npt.NDArray[np.bool_], properties: Properties) -> Stream:
    said = properties if is_attempt.all() else Properties(rows["properties"].combine_chunks())
    ip, ip_range = addresses(rows["ip"].combine_chunks())
    columns = {
        "customer": rows["customer_id"].combine_chunks(),
        "device": rows["device_id"].combine_chunks(),
        "ip": ip,
        "ip_range": ip_range,
        "payment": pc.coalesce(said.text("card"), rows["payment_id"].combine_chunks()),
        "address": plain(said.text("address")),
        "phone": dialled(said.text("phone")),
        "email": plain(said.text("email")),
        "email_domain": domains(said.text("email")),
        "product": rows["product_id"].combine_chunks(),
        "merchant": said.text("merchant"),
    }
    if not is_attempt.all():
        _, others = properties.others()
        rank = np.where(is_attempt, np.cumsum(is_attempt) - 1, 0)
        where = pa.array(rank, mask=~is_attempt)
        others = {key: column.take(where) for key, column in others.items()}
    else:
        _, others = properties.others()
    columns |= {
        f"{OWN}{key}": column for key, column in {**others, "channel": rows["channel"].combine_chunks()}.items()
    }
    codes: dict[str, npt.NDArray[np.int32]] = {}
    names: dict[str, pa.Array] = {}
    for entity, column in columns.items():
        if column.null_count < len(column):
            encoded = column.dictionary_encode()
            codes[entity] = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
            names[entity] = encoded.dictionary
    for one in ("device", "address", "payment"):
        if one in codes and "customer" in codes:
            codes[f"customer_{one}"] = paired(codes["customer"], codes[one])
    codes["amount_band"] = banded(_amounts(rows))
    time = rows["time"].combine_chunks().cast(pa.int64()).to_numpy()
    return Stream(time, _kinds(rows, is_attempt), _amounts(rows), np.arange(len(time)), codes, names)


def _kinds(rows: pa.Table, is_attempt: npt.NDArray[np.bool_]) -> npt.NDArray[np.int8]:
    types = rows["type"].combine_chunks().dictionary_encode()
    by_type = np.array([KIND[CONTEXT.get(name, "attempt")] for name in types.dictionary.to_pylist()], np.int8)
    kind = by_type[types.indices.to_numpy()]
    failed = np.asarray(pc.fill_null(pc.equal(rows["outcome"], "failed"), False)) & (kind == KIND["sign_in"])
    kind[failed] = KIND["sign_in_failed"]
    # Traits change for many reasons: only those with an address tell of a move.
    moved = pc.fill_null(pc.match_substring(rows["properties"], '"address'), False)
    kind[(kind == KIND["address_changed"]) & ~np.asarray(moved)] = KIND["traits"]
    kind[is_attempt] = KIND["attempt"]
    found: npt.NDArray[np.int8] = kind
    return found


def _facts(rows: pa.Table, properties: Properties) -> Facts:
    numbers, _ = properties.others()
    names = ("latitude", "longitude", "there_latitude", "there_longitude")
    return Facts(
        rows["time"].combine_chunks().cast(pa.int64()).to_numpy(),
        _amounts(rows),
        times(properties.text("signed_up_at")),
        properties.text("email"),
        properties.text("name"),
        rows["ip"].combine_chunks(),
        np.asarray(pc.is_valid(properties.text("coupon"))),
        np.stack([properties.number(name) for name in names]),
        numbers,
    )


def _amounts(rows: pa.Table) -> Floats:
    found: Floats = rows["amount"].combine_chunks().to_numpy(zero_copy_only=False).astype(float)
    return found


def plain(texts: pa.Array) -> pa.Array:
    """Texts as they are compared: lower case, all that parts words alike; null where nothing is left.

    >>> plain(pa.array(["1 Elm St., Rome ", "1 elm st  rome", "-"])).to_pylist()
    ['1 elm st rome', '1 elm st rome', None]
    """
    return _some(pc.utf8_trim_whitespace(pc.replace_substring_regex(pc.utf8_lower(texts), PARTING, " ")))


def dialled(phones: pa.Array) -> pa.Array:
    """Numbers of phones as they are compared: however they are grouped; null where nothing is left.

    >>> dialled(pa.array(["+44 (20) 7946-0958", "+442079460958", "-"])).to_pylist()
    ['+442079460958', '+442079460958', None]
    """
    return _some(pc.replace_substring_regex(pc.utf8_lower(phones), PARTING, ""))


def _some(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
