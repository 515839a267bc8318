"""What takes bytes from outside and may only end in an answer or a sentence: each parser, and what to begin from."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from regulars.ads.openrtb import read as read_bid_request
from regulars.campaign.copy.template import problems as template_problems
from regulars.campaign.journey import read as read_journey
from regulars.campaign.journey import ready
from regulars.config.whole import _read as read_settings
from regulars.errors import RegularsError
from regulars.events.commit import Commit
from regulars.events.convert import Conversion, convert
from regulars.events.inbox.folding import MAPPING, _rows
from regulars.events.inbox.store import Entry
from regulars.events.times import to_time
from regulars.rules import Rule
from regulars.serve.body import parse, refuse_deep
from regulars.serve.problems import Problem
from regulars.support.entities.addresses import addresses
from regulars.support.entities.amounts import amounts
from regulars.support.entities.dates import days
from tests.fuzz.mutations import mutated

NOW = datetime(2024, 6, 1, tzinfo=UTC)
COLUMNS = pa.schema(
    [
        ("price", pa.float64()),
        ("title", pa.string()),
        ("since", pa.timestamp("us", "UTC")),
        ("tags", pa.list_(pa.string())),
    ]
)
CALL = {
    "type": "track", "event": "Order Completed", "messageId": "m1", "userId": "ada", "timestamp": "2024-05-01T10:00:00Z",
    "properties": {"order_id": "o1", "products": [{"product_id": "tea", "price": 4.5, "quantity": 2}], "revenue": "9"},
}  # fmt: skip
BID = {
    "id": "r1", "imp": [{"id": "1", "banner": {"w": 300, "h": 250}, "bidfloor": 0.1}], "user": {"id": "ada"},
    "site": {"domain": "tea.example"}, "regs": {"gdpr": 1}, "device": {"geo": {"country": "FRA"}},
}  # fmt: skip

ODD = (
    b"\0", b"\xff", b'"', b"'", b"\n", b"(", b"[" * 40, b"{{", b"%}", b"-1", b"1e400", b"NaN", "茶".encode(), b"\\u0000",
)  # fmt: skip
"""What parsers trip over."""


class Target(NamedTuple):
    """A parser: what it is called with, which errors are its sentences, and where mutations begin."""

    read: Callable[[bytes], object]
    sentences: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]


def text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _call(data: bytes) -> None:
    """A call over HTTP, as far as the log: what the door lets through can be folded."""
    found = parse(data)
    refuse_deep(found)
    again = json.dumps(found | {"receivedAt": "2024-05-01T10:00:01Z"}).encode()
    converted = convert(_rows([Entry(1, again)]), Conversion(MAPPING, "EUR", "UTC", NOW))
    assert converted.events.events.num_rows + len(converted.rejects) >= 0


def _entities(data: bytes) -> None:
    said = text(data)
    for find in (addresses, amounts, partial(days, today=date(2024, 5, 1))):
        find(said)


def _times(data: bytes) -> None:
    values = pa.array(text(data).split("\n"))
    for form in ("iso", "%d/%m/%Y %H:%M", "unix"):
        with suppress(ValueError):
            assert len(to_time(values, form, "Europe/London").values) == len(values)


TARGETS: dict[str, Target] = {
    "rules": Target(
        lambda data: Rule.of(text(data), COLUMNS), (RegularsError,),
        (b"price > 1.5 and title contains 'tea'", b"not (since < '2024-05-01') or 'a' in tags", b"price in (1, 2, .5)"),
    ),
    "calls": Target(_call, (Problem, RegularsError), (json.dumps(CALL).encode(),)),
    "bid requests": Target(read_bid_request, (RegularsError,), (json.dumps(BID).encode(),)),
    "templates": Target(
        lambda data: list(template_problems(text(data))), (RegularsError,),
        (b"Dear {{ customer.name }}, {% if cart %}your {% for each in cart %}{{ each.title }}{% endfor %}{% endif %}",),
    ),
    "journeys": Target(
        lambda data: read_journey(text(data), "fuzz"), (RegularsError,),
        tuple(path.encode() for path in list(ready().values())[:2]),
    ),
    "settings": Target(
        lambda data: read_settings(Path("shop.toml"), text(data)), (RegularsError,),
        (b'[shop]\nname = "Tea"\ncurrency = "GBP"\n[log]\nkeep_events = { "*" = 30 }\n[mapping.till.columns]\ntime = "date"\n[mapping.till.constants]\ntype = "order_completed"\n',),
    ),
    "commits": Target(
        lambda data: Commit.from_json(data, Path("00000000000000000001.json")), (RegularsError,),
        (Commit(1, NOW, "import", {"events": ()}).to_json(),),
    ),
    "times": Target(_times, (RegularsError,), (b"2024-05-01T10:00:00+02:00\n01/05/2024 10:00\n1714557600\n",)),
    "words of customers": Target(
        _entities, (RegularsError,),
        ("我住在 12 Tea Lane, London E1 6AN; refund of £12.50 by 3 May, or 5月1日, 10 days ago".encode(),),
    ),
}  # fmt: skip


def attempt(target: Target, data: bytes) -> None:
    """Read bytes; what is raised must be one of the parser's sentences."""
    with suppress(*target.sentences):
        target.read(data)


def spoiled(target: Target, rng: random.Random) -> bytes:
    """One of those bytes that a parser reads, a little changed."""
    return mutated(rng.choice(target.seeds), rng, ODD)
