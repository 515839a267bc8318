"""A shop's own system behind HTTP: a real server, that keeps the same things as the shop's own tables."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from regulars.errors import ConfigError, UnavailableError
from regulars.state import State
from regulars.support import Chat, Desk, OwnTables
from regulars.support.order import Customer, Order, parse
from regulars.support.order.webhook import Webhooks
from regulars.webhook import SIGNATURE, signature

SECRET = "between us"  # noqa: S105


def near(url: str, timeout_seconds: float = 5.0) -> Webhooks:
    """The shop's system on this machine."""
    return Webhooks(url, SECRET, timeout_seconds, private_networks=["127.0.0.0/8"])


class System:
    """What the shop's system has, and what it was asked to change."""

    def __init__(self, own: OwnTables) -> None:
        self.own, self.keys, self.fails, self.code = own, list[str](), 0, 503
        self.other: tuple[int, Any] | None = None
        """What it answers to reads, whatever they ask."""

    def get(self, path: str) -> Any:
        parts, query = [unquote(part) for part in urlsplit(path).path.split("/")[1:]], parse_qs(urlsplit(path).query)
        found: Any = None
        if query:
            found = (
                self.own.customer_by_email(query["email"][0])
                if "email" in query
                else self.own.customer_by_name(query["name"][0], query["zip"][0])
            )
        elif parts[0] == "changes":
            return {} if parts[1] in self.keys else None
        elif parts[-1] == "orders":
            # A careless system: it sends everybody's.
            return [one.model_dump(mode="json") for who in ("ada", "bob") for one in self.own.orders_of(who)]
        else:
            kinds = {"customers": self.own.customer, "orders": self.own.order, "products": self.own.product}
            found = kinds[parts[0]](parts[1])
        return None if found is None else found.model_dump(mode="json")

    def change(self, said: Any, key: str) -> int:
        self.keys.append(key)
        order = Order.model_validate(said["after"])
        if self.keys.count(key) == 1:
            if self.own.order(order.order_id) != Order.model_validate(said["before"]):
                return 409
            self.own.load([Customer.model_validate(said["customer"])], [order])
        if self.fails:
            self.fails -= 1
            return self.code
        return 200


@pytest.fixture
def system(own: OwnTables) -> System:
    return System(own)


@pytest.fixture
def url(system: System) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self, code: int, found: Any) -> None:
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def checked(self) -> bytes:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = self.headers[SIGNATURE]
            seconds = int(said.removeprefix("t=").split(",")[0])
            assert said == signature(SECRET, seconds, body, self.path)
            return body

        def do_GET(self) -> None:
            self.checked()
            found = system.get(self.path)
            self.answer(*(system.other or (404 if found is None else 200, found)))

        def do_POST(self) -> None:
            body = self.checked()
            code = system.change(json.loads(body), self.headers["Idempotency-Key"])
            self.answer(code, {})

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_conversation_is_completed_in_the_shops_own_system(local: State, own: OwnTables, url: str) -> None:
    chat = Chat(Desk(local, near(url)))
    ada = chat.open()
    assert chat.say(ada, "cancel order #W1000001, I ordered it by mistake").action == "ask"
    assert chat.say(ada, "ada@example.com").action == "confirm"
    assert chat.say(ada, "yes").action == "done"
    found = own.order("#W1000001")
    assert found is not None
    assert found.status == "cancelled"


def test_nobody_is_shown_anothers_orders_whatever_the_system_sends(local: State, url: str) -> None:
    desk = Desk(local, near(url))
    assert {one.customer_id for one in desk.orders(desk.open("ada"))} == {"ada"}


def test_a_change_whose_answer_was_lost_is_sent_again_under_the_same_key(
    local: State, own: OwnTables, system: System, url: str
) -> None:
    desk = Desk(local, near(url))
    ada, system.fails = desk.open("ada"), 1
    desk.propose(ada, [parse("cancel", {"order_id": "#W1000001", "reason": "no longer needed"})])
    with pytest.raises(UnavailableError, match="503"):
        desk.confirm(ada, "yes")
    assert desk.confirm(ada, "yes")[0].is_done
    assert len(set(system.keys)) == 1
    found = own.order("#W1000001")
    assert found is not None
    assert [one.kind for one in found.payments] == ["payment", "refund"]


def test_a_change_answered_by_404_is_not_made(local: State, system: System, url: str) -> None:
    desk = Desk(local, near(url))
    ada, system.fails, system.code = desk.open("ada"), 1, 404
    desk.propose(ada, [parse("cancel", {"order_id": "#W1000001", "reason": "no longer needed"})])
    with pytest.raises(UnavailableError, match="404"):
        desk.confirm(ada, "yes")


def test_a_change_was_made_if_the_system_says_so_without_words(system: System, url: str) -> None:
    assert not near(url).is_applied("key")
    system.other = (200, b"")
    assert near(url).is_applied("key")


@pytest.mark.parametrize(
    "other", [(409, b"{}"), (200, b"[" * 100_000), (404, b"{}"), (200, b"<html>")],
    ids=["a conflict", "deep", "a customer who is gone", "a page"],
)  # fmt: skip
def test_whatever_the_system_answers_there_is_a_person(
    local: State, system: System, url: str, other: tuple[int, bytes]
) -> None:
    chat = Chat(Desk(local, near(url)))
    for said, reason in (("where is #W1000001?", "system_away"), ("I want a human", "asked")):
        system.other = None
        ada = chat.open("ada")
        system.other = other
        handed = chat.say(ada, said).hand_over
        assert handed is not None
        assert handed.reason == reason


def test_a_customer_is_the_one_that_was_asked_for(system: System, own: OwnTables, url: str) -> None:
    shop = near(url)
    assert shop.customer_by_email("ADA@example.com") is not None
    assert shop.customer_by_name("ada lovelace", "78762") is not None
    ada = own.customer("ada")
    assert ada is not None
    system.other = (200, ada.model_dump_json().encode())
    assert shop.customer_by_email("eve@example.com") is None
    assert shop.customer_by_name("Ada Lovelace", "00000") is None
    assert shop.customer_by_name("Eve", "78762") is None


def test_an_order_that_changed_over_there_is_left_alone(local: State, own: OwnTables, system: System, url: str) -> None:
    desk = Desk(local, near(url))
    ada = desk.open("ada")
    desk.propose(ada, [parse("cancel", {"order_id": "#W1000001", "reason": "no longer needed"})])
    found = own.order("#W1000001")
    assert found is not None
    own.load(orders=[found.model_copy(update={"status": "processed"})])
    assert desk.confirm(ada, "yes")[0].refused == "wrong_state"


def test_only_https_leaves_the_machine() -> None:
    for url in ("http://example.com", "ftp://example.com", "example.com", ""):
        with pytest.raises(ConfigError, match="https"):
            Webhooks(url, SECRET)


def test_a_system_that_drips_is_not_waited_for(local: State) -> None:
    stopping = threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while not stopping.wait(0.05):
                    self.wfile.write(b"X: y\r\n" if "bob" in self.path else b"\r\n ")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    slow = near(f"http://127.0.0.1:{server.server_port}", timeout_seconds=0.3)
    for who in ("ada", "bob"):
        with pytest.raises(UnavailableError, match="did not answer"):
            slow.customer(who)
    stopping.set()
    server.shutdown()
    server.server_close()


AWAY = "http://127.0.0.1:9"


def test_where_the_system_is_away_a_person_goes_on_and_texts_still_answer(local: State) -> None:
    def answer(text: str, customer: Customer | None, language: str) -> tuple[str, tuple[str, ...]] | None:
        return ("Within 30 days.", ("returns.md",)) if "how long" in text else None

    chat = Chat(Desk(local, near(AWAY)), answer=answer)
    for said, reason in (("where is #W1000001?", "system_away"), ("a human please", "asked")):
        handed = chat.say(chat.open("ada"), said).hand_over
        assert handed is not None
        assert handed.reason == reason
    stranger = chat.open()
    chat.say(stranger, "cancel my order")
    assert chat.say(stranger, "ada@example.com").hand_over is not None
    assert chat.say(chat.open("ada"), "how long may I send it back?").citations == ("returns.md",)


def test_a_yes_that_got_lost_is_a_persons_and_not_taken_up_again(
    local: State, own: OwnTables, system: System, url: str
) -> None:
    chat = Chat(Desk(local, near(url)))
    ada, system.fails = chat.open("ada"), 1
    chat.say(ada, "cancel #W1000001, ordered by mistake")
    handed = chat.say(ada, "yes").hand_over
    assert handed is not None
    assert handed.reason == "system_away"
    assert chat.desk.waiting(ada) is None


def test_a_system_that_is_down_is_said_to_be() -> None:
    with pytest.raises(UnavailableError, match="did not answer"):
        near(AWAY).customer("ada")
