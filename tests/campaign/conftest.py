"""A shop whose customers can be written to, a real mail server and a real receiver of webhooks, both on this machine."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tomlkit
from aiosmtpd.controller import Controller

from regulars import Shop
from regulars.campaign.copy import Messages, approve
from regulars.campaign.offer import abuse
from regulars.customers import consent, customers_as_of
from regulars.events.schema import TYPES
from regulars.rules import Events, Vocabulary
from regulars.rules.tree import Kind

Record = Callable[..., Any]
NOON = datetime(2024, 5, 15, 12, tzinfo=UTC)
APPROVED = ("welcome", "welcome_again", "abandoned_cart", "win_back", "birthday", "price_drop", "back_in_stock")
PEOPLE = {
    "ada": {"email": "ada@tea.example", "name": "Ada", "country": "GB", "language": "en", "phone": "+441"},
    "bob": {"email": "bob@tea.example", "country": "US", "timezone": "America/New_York"},
    "mei": {"email": "mei@tea.example", "name": "美", "country": "CN", "language": "zh-CN", "birthday": "1990-05-15"},
    "eve": {"country": "GB"},
}


@pytest.fixture(scope="package", autouse=True)
def asked_once() -> Iterator[None]:
    """What is asked of the log again and again is remembered by the log's content: to write a query of it takes longer
    than to answer it, and most tests here begin with the same log."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(consent, "ledger", _remembered(consent.ledger))
        known = _remembered(customers_as_of)
        for name in ("sending.post", "sending.preview", "journey.running", "journey.simulate", "journey.entering"):
            patched.setattr(import_module(f"regulars.campaign.{name}"), "customers_as_of", known)
        yield


def _remembered(ask: Callable[..., pa.Table]) -> Callable[..., pa.Table]:
    found: dict[tuple[str, datetime | None, str | None], pa.Table] = {}
    newest: dict[str, datetime | None] = {}

    def asked(shop: Shop, as_of: datetime, customer_id: str | None = None) -> pa.Table:
        content = repr(shop.log.snapshot().tables)
        if content not in newest:
            newest[content] = shop.engine.to_arrow(shop.events.time.max()).as_py()
        # After the newest event all moments are alike.
        last = newest[content]
        key = content, as_of if last is not None and as_of <= last else None, customer_id
        if key not in found:
            found[key] = ask(shop, as_of, customer_id)
        return found[key]

    return asked


def _make(folder: Path, record: Record) -> None:
    shop = Shop.create(folder)
    for name in APPROVED:
        approve(shop.state, Messages(folder).get(name), "mei")
    shop.state.close()
    start = NOON - timedelta(days=40)
    rows: list[dict[str, Any]] = []
    for name, traits in PEOPLE.items():
        rows.append(identified(name, start, **traits))
        rows.append({"type": "consent_given", "customer_id": name, "time": at(start), "text": "marketing"})
    rows.append(
        {"type": "product_viewed", "customer_id": "bob", "time": at(start), "product_id": "pot", "title": "Pot"}
    )
    record(shop, *rows, folder=folder.parent)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, record: Record) -> Path:
    folder = tmp_path_factory.mktemp("mailing") / "shop"
    _make(folder, record)
    return folder


@pytest.fixture
def mailing(made: Path, tmp_path: Path) -> Shop:
    """Ada (London), Bob (New York), Mei (Shanghai) and Eve, who has no address; all gave consent. UTC, EUR."""
    return Shop.open(shutil.copytree(made, tmp_path / "mailing"))


def identified(customer_id: str, moment: datetime, **traits: str) -> dict[str, Any]:
    said = {f"properties.{name}": value for name, value in traits.items()}
    return {"type": "customer_identified", "customer_id": customer_id, "time": at(moment), **said}


def at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


@dataclass
class Mailbox:
    """A mail server: what came, and how it answers (by address, and to the letter itself)."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    answer: str = "250 taken"
    wait_seconds: float = 0.0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.recipients += envelope.rcpt_tos
            self.letters.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        time.sleep(self.wait_seconds)
        return self.answer


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    found = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found.port = free.getsockname()[1]
    controller = Controller(found, hostname="127.0.0.1", port=found.port)
    controller.start()
    yield found
    controller.stop()


@dataclass
class Receiver:
    """A receiver of webhooks: what came, and which codes it answers with, one after another, then 200."""

    url: str = ""
    posts: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)

    @property
    def letters(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.posts]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.posts.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            code = found.codes.pop(0) if found.codes else 200
            self.send_response(code)
            if code == 302:
                self.send_header("Location", found.url)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()


class Everyone:
    """An audience without segments: rules over `orders` of who ordered."""

    def __init__(
        self, members: Mapping[str, list[str]] | None = None, segments: Mapping[str, str] | None = None
    ) -> None:
        self.by_rule, self.segments = members or {}, segments or {}
        columns = {"orders": Kind.NUMBER, "overdue": Kind.NUMBER, "last_order": Kind.TIME}
        self.vocabulary = replace(Vocabulary.of(columns), events=Events(TYPES))

    def members(self, rule: str, as_of: datetime) -> pa.Array:
        return pa.array(self.by_rule.get(rule, []), pa.string())


@pytest.fixture
def everyone() -> type[Everyone]:
    return Everyone


Settings = Callable[..., Shop]


@pytest.fixture
def set_up() -> Settings:
    """set_up(shop, **sending): the shop with these settings of [sending]."""

    def change(shop: Shop, **sending: Any) -> Shop:
        path = shop.folder / "shop.toml"
        document: Any = tomlkit.parse(path.read_text())
        document["sending"].update(sending)
        document["shop"]["private_networks"] = ["127.0.0.0/8"]
        path.write_text(tomlkit.dumps(document))
        return Shop.open(shop.folder)

    return change


@pytest.fixture
def by_mail(set_up: Settings, mailing: Shop, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop, with the mail server; it sends at any hour, and knows nothing of abuse."""
    monkeypatch.setattr(abuse, "CAPABILITY", "none")
    return set_up(
        mailing,
        smtp=f"smtp://127.0.0.1:{mailbox.port}",
        sender="Tea <hello@tea.example>",
        unsubscribe_url="https://tea.example/u/",
        quiet_from=0,
        quiet_until=0,
        timeout_seconds=5,
    )
