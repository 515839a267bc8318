"""Shops for tests: an empty one, a small one that records everything, and the demo's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Rich takes its width when the command line is first imported, by whichever test that is.
os.environ["COLUMNS"] = "160"
# Tests run beside each other: threads of one, torch's or NumPy's, would wait for those of another.
os.environ["OMP_NUM_THREADS"] = "1"

# What a test wrote need not outlive a power cut: in memory nothing waits for a disk.
MEMORY = Path("/dev/shm")  # noqa: S108 (pytest makes a folder in it that is this user's alone)
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 8 << 30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

import json
import random
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
import sqlalchemy as sa

from regulars import Shop, storage
from regulars.cli import main
from regulars.config import ShopSettings
from regulars.events.importing import ImportResult
from regulars.events.mapping import Mapping
from regulars.recent import Recent
from regulars.state import State

# No test is timed: a machine may be busy.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

Event = dict[str, Any]
Record = Callable[..., ImportResult]
Exit = tuple[int, str, str]
Cli = Callable[..., Exit]

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
FIELDS = ("title", "category", "brand")

POSTGRESQL = os.environ.get("REGULARS_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")

SLOW = ("gift_shop", "twins", "tea_shop", "disputed")
"""Fixtures that take long to make, the longest first: whose tests all run in one process, so that no other waits."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A module's tests run in one process, which makes once what they share; what takes long is begun first."""
    begun: dict[str, int] = {}
    for item in items:
        slow = [name for name in SLOW if name in getattr(item, "fixturenames", ())]
        if item.get_closest_marker("forks"):
            begun[item.nodeid] = -1
        else:
            begun[item.nodeid] = SLOW.index(slow[0]) if slow else len(SLOW)
            item.add_marker(pytest.mark.xdist_group(slow[0] if slow else f"{item.path.parent.name}/{item.path.stem}"))
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        begun = {name: min(place, 0) for name, place in begun.items()}
    items.sort(key=lambda item: begun[item.nodeid])


AT_HAND = Recent()
"""The features that tests asked for last, of logs by their content."""


@pytest.fixture(scope="module", autouse=True)
def at_hand() -> Iterator[None]:
    """What was computed of a log's customers is at hand for each copy of that log, as it is in a server for each request:
    a test that changes a shop changes a copy, and most ask for what was asked of the one before."""
    opened = Shop.open

    def open_(folder: str | Path) -> Shop:
        shop = opened(folder)
        shop.recent = AT_HAND
        return shop

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Shop, "open", staticmethod(open_))
        yield


MADE = "REGULARS_TEST_MADE"
"""Where a run that another one begins finds what that has made once."""


def _record(shop: Shop, *events: Event, folder: Path | None = None) -> ImportResult:
    folder = folder or shop.folder.parent
    path = folder / f"events-{len(list(folder.glob('events-*.jsonl')))}.jsonl"
    path.write_text("".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events), encoding="utf-8")
    columns = {name: name for event in events for name in event}
    result = shop.import_(path, mapping=Mapping("_".join(["test", *sorted(columns)]), columns), strict=True)
    assert result.read == result.added + result.duplicates
    return result


@pytest.fixture(scope="session")
def record() -> Record:
    """record(shop, *events): import events, each {field: value}, as JSON lines; all must be read."""
    return _record


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """An empty shop whose clock and currency are plain: UTC, EUR."""
    return Shop.create(tmp_path / "shop")


def own_schema() -> Iterator[str]:
    """The url of a schema that is this test's alone."""
    url = sa.make_url(POSTGRESQL)
    try:
        socket.create_connection((url.host or "localhost", url.port or 5432), timeout=1).close()
    except OSError:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not running, and CI may not skip")
        pytest.skip("PostgreSQL is not running")
    schema = f"test_{secrets.token_hex(8)}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    yield url.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of either database: "" for SQLite, a schema of its own in PostgreSQL."""
    if request.param == "sqlite":
        yield ""
    else:
        yield from own_schema()


@pytest.fixture
def state(tmp_path: Path, url: str) -> Iterator[State]:
    """A shop's state in either database."""
    state = State.open(tmp_path, url)
    yield state
    state.close()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[State]:
    """In SQLite alone, for what does not depend on the database."""
    state = State.open(tmp_path)
    yield state
    state.close()


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text("date,customer,product,price\n2024-05-01,ada,tea,4.50\n2024-05-03,bob,pot,30.00\n")
    return path


@pytest.fixture
def with_orders(shop: Shop, orders: Path) -> Path:
    shop.import_(orders)
    return shop.folder


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """cli(*words): the command line in this process: exit code, what it printed, what it complained of."""

    def run(*words: object) -> Exit:
        monkeypatch.setattr(sys, "argv", ["regulars", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    return run


@pytest.fixture
def shared_file() -> Callable[[str], Path]:
    """shared_file(name): a data set beside the checkout; without it the test is skipped, but never in CI."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.is_file():
            if os.environ.get("CI") == "true":
                pytest.fail(f"{path} is missing, and CI may not skip")
            pytest.skip(f"{path} is missing")
        return path

    return find


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """once(name, make): a folder that is made once in a run, whatever the number of worker processes."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    root = Path(os.environ.get(MADE, root))

    def find(name: str, make: Callable[[Path], object]) -> Path:
        home = storage.make_folder(root / f"once-{name}")
        with storage.lock(home / "lock", f"making of {name}", wait_seconds=1000):
            if not (home / "made").exists():
                make(home / name)
                (home / "made").touch()
        return home / name

    return find


@pytest.fixture(scope="session")
def intents(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """The folder of what the starter set teaches of questions, for a shop's cache/intents: to learn it takes long."""
    from regulars.support.intent.kept import starter_kept

    return once("intents", starter_kept)


TEA_AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
"""As of then the tea shop has learned; its log goes on for thirty days more."""


@pytest.fixture(scope="session")
def tea_as_of() -> datetime:
    """The moment until which the tea shop has learned."""
    return TEA_AS_OF


def _tea_events() -> Iterator[Event]:
    """Half of the customers come every twelve days, the others now and then until they stay away.

    One week after an order nobody looks different by recency alone, so profiles have something to add.
    """
    rng = random.Random(0)
    first = TEA_AS_OF - timedelta(days=150)
    last = TEA_AS_OF + timedelta(days=30)
    teas = [(f"tea{k}", f"Tea {k}", ("black", "green", "herbal")[k % 3], ("Nord", "Ost")[k % 2]) for k in range(9)]
    for number in range(260):
        customer = f"c{number:03d}"
        is_loyal = number % 2 == 0
        moment = first + timedelta(days=rng.uniform(0, 12 if is_loyal else 165))
        count = 0
        while moment < last:
            order = f"{customer}-{count}"
            session = {"session_id": f"s-{order}", "channel": rng.choice(["web", "app"]), "device_id": f"d{number % 7}"}
            for product, title, category, brand in rng.sample(teas, rng.choice([1, 1, 2])):
                about = {"product_id": product, "title": title, "category": category, "brand": brand}
                yield {"type": "product_viewed", "customer_id": customer, "time": _iso(moment), **about, **session}
                line = {"quantity": rng.choice([1, 2]), "unit_price": rng.choice([4.0, 5.0, 6.0])}
                added = moment + timedelta(minutes=1)
                yield {
                    **{"type": "product_added", "customer_id": customer, "time": _iso(added)},
                    **about, **line, **session,
                }  # fmt: skip
                paid = moment + timedelta(minutes=5)
                yield {
                    **{"type": "order_completed", "customer_id": customer, "time": _iso(paid), "order_id": order},
                    **about, **line, **session,
                }  # fmt: skip
            count += 1
            if not is_loyal and rng.random() < 0.7:
                break
            moment += timedelta(days=rng.uniform(11, 13) if is_loyal else rng.uniform(2, 40))
    others = [
        "order_refunded", "order_cancelled", "checkout_started", "products_searched", "product_added_to_wishlist",
        "product_reviewed", "coupon_applied", "message_sent", "message_opened", "message_clicked", "support_asked",
        "sign_in", "ad_clicked", "payment_disputed", "product_removed",
    ]  # fmt: skip
    for number in range(400):
        kind = others[number % len(others)]
        moment = first + timedelta(hours=2 + number * 10)
        event = {"type": kind, "customer_id": f"c{number % 260:03d}", "time": _iso(moment)}
        if kind in ("order_refunded", "product_added_to_wishlist", "product_removed"):
            event |= {"product_id": "tea1", "quantity": 1, "unit_price": 4.0}
        yield event


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _make_tea_shop(folder: Path) -> None:
    shop = Shop.create(folder, ShopSettings(name="Tea", currency="GBP", timezone="Europe/London"))
    settings = folder / "shop.toml"
    text = settings.read_text()
    settings_of_tests = [
        ("horizon_days", 90, 30),
        ("cut_offs", 6, 3),
        ("cut_offs", 3, 2),
        ("size", '"small"', '"tiny"'),
        ("epochs", 20, 1),
    ]
    for key, default, value in settings_of_tests:
        assert f"# {key} = {default}\n" in text
        text = text.replace(f"# {key} = {default}\n", f"{key} = {value}\n")
    settings.write_text(text)
    shop = Shop.open(folder)
    _record(shop, *_tea_events(), folder=folder.parent)
    for name in ("profile", "churn"):
        shop.learn(name, TEA_AS_OF)


@pytest.fixture(scope="session")
def tea_shop(once: Callable[[str, Callable[[Path], object]], Path]) -> Shop:
    """260 customers, all kinds of events; all is learned as of `tea_as_of`. Shared: not to be written to."""
    return Shop.open(once("tea_shop", _make_tea_shop))


@pytest.fixture
def own_tea_shop(tea_shop: Shop, tmp_path: Path) -> Shop:
    """A copy of the tea shop that a test may write to."""
    return Shop.open(shutil.copytree(tea_shop.folder, tmp_path / "tea_shop"))


def _make_demo(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "regulars", "demo", "--dir", str(folder), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    (folder.parent / "stdout.json").write_text(done.stdout)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def gift_shop(once: Callable[[str, Callable[[Path], object]], Path]) -> Shop:
    """The demo's shop, made by `regulars demo --json`, learned as of 10 September 2011. Not to be written to."""
    return Shop.open(once("gift_shop", _make_demo))


@pytest.fixture
def redis_url() -> str:
    """A Redis for tests, each of which takes keys of its own."""
    url = os.environ.get("REGULARS_TEST_REDIS", "redis://127.0.0.1:6379/9")
    at = urlsplit(url)
    try:
        socket.create_connection((at.hostname, at.port or 6379), timeout=1).close()
    except OSError:
        if os.environ.get("CI") == "true":
            pytest.fail("Redis is not running, and CI may not skip")
        pytest.skip("Redis is not running")
    return url


@pytest.fixture(scope="session")
def chromium() -> str:
    """A Chromium: one that is there, else Debian's, installed where that may be done; else the test is skipped, but
    never in CI."""
    found = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False, capture_output=True)
        wanted = ["chromium", "fonts-noto-cjk"]
        subprocess.run(["apt-get", "install", "-y", "-qq", *wanted], check=False, capture_output=True)
        found = shutil.which("chromium")
    if found is None:
        why = "there is no Chromium, and it cannot be installed here: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return found


@pytest.fixture(scope="module")
def engine(chromium: str) -> Iterator[Any]:
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        # The sandbox of Chromium does not start for root.
        made = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield made
        made.close()


AXE = Path(__file__).parent / "console" / "vendor" / "axe.min.js"


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which judges how accessible a page is."""
    return AXE.read_text("utf-8")


@pytest.fixture(scope="session")
def keep_behavior_model() -> Callable[..., None]:
    """keep_behavior_model(shop, until, seed=0): put one to use that was not trained.

    Its vectors are functions of the past all the same, and each seed has its own.
    """
    from regulars.behavior.dataset import vocabulary_and_content
    from regulars.behavior.model import BehaviorModel
    from regulars.behavior.sizes import Settings, size_named
    from regulars.clock import micros

    def keep(shop: Shop, until: datetime, seed: int = 0) -> None:
        vocabulary, content = vocabulary_and_content(shop, until)
        settings = Settings(size_named("tiny"), seed=seed)
        model = BehaviorModel.new(vocabulary, content, settings, micros(until))
        about = {"until": model.until, "earlier_until": None, "size": settings.size.__dict__}
        kept = shop.models.save(
            "behavior", model.to_files(), {"until": until.isoformat(), "about": about, "report": {}}
        )
        shop.models.use("behavior", kept.version)

    return keep
