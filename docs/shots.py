"""Pictures of every screen of the console for the documentation: both languages, light and dark, a phone.

    python docs/shots.py demo simulated

Of the shop in the folder demo, as `regulars demo` makes it, and of one that `regulars simulate` and `regulars learn`
made: it has what a real shop's invoices lack, such as frauds, ads and questions. The browser packs the pictures itself,
as WebP.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from playwright.sync_api import Error, sync_playwright
from pyarrow import csv

from regulars import Shop, clock, storage
from regulars.console.index import Index
from regulars.console.people import People
from regulars.console.tables import prepare
from regulars.customers.by_hand import present
from regulars.errors import NotFoundError
from regulars.events.mapping import Mapping
from regulars.experiment import Design, Experiments
from regulars.fraud import review
from regulars.pricing.suggesting import suggestions
from regulars.segment.rule import Segments, Words
from regulars.support import assistant, handover

FOLDER = Path(__file__).parent / "images" / "console"
PASSWORD = "tea for two at five"  # noqa: S105 - of a copy of a demo's shop
EMAIL = "ada@shop.example"
WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 780}
QUALITY = 0.72
WAIT_SECONDS = 600


WRITTEN = (
    ("Where is my order {order}? It should be here by now.", "I want to talk to a person."),
    ("Hello, where is my order {order}?", "It was promised for Monday. I want to speak to a person, please."),
    ("This is the second broken mug! You are a scam, I want my money back now.",),
    ("我的订单{order}什么时候发货？", "请转人工客服。"),
    ("Can I change the address of {order}?", "Let me talk to somebody."),
)
"""What customers write, one line of each at a time."""
ANSWERED, TAKEN = 1, 2
"""Of them: whom a person has answered, and who is being answered."""
ANSWER = "I am sorry for the wait: your parcel left us, and is due on Wednesday. If it is not there, we send another."
TEXT = """# Delivery

Parcels leave within one working day and take three to five. A parcel that is ten days late counts as lost: we send
another, or pay back.
"""


class Shot(NamedTuple):
    """A picture: its name, the page, how it is looked at besides wide and light, and whether of the simulated shop."""

    name: str
    path: str
    looks: tuple[str, ...] = ()
    is_simulated: bool = False


SHOTS = (
    Shot("home", "/", ("dark", "phone")),
    Shot("customers", "/customers"),
    Shot("customer", "/customer?id={customer}", ("dark",)),
    Shot("segments", "/segments/edit?rule=orders%20%3E%3D%202%20and%20last_order%20%3E%2060%20days"),
    Shot("clusters", "/segments/learned"),
    Shot("migration", "/segments/migration"),
    Shot("recommendations", "/recommendations?id={customer}"),
    Shot("lifecycle", "/lifecycle", (), True),
    Shot("campaigns", "/campaigns/journey?name=welcome"),
    Shot("audience", "/campaigns/audience", (), True),
    Shot("experiments", "/experiments/new"),
    Shot("pricing", "/pricing"),
    Shot("product", "/pricing/product?id={product}"),
    Shot("ads", "/ads", (), True),
    Shot("fraud", "/fraud", ("dark", "phone"), True),
    Shot("case", "/fraud/case/1", ("phone",), True),
    Shot("ring", "/fraud/ring?number=1", (), True),
    Shot("costs", "/fraud/costs", (), True),
    Shot("support", "/support", ("phone",), True),
    Shot("talk", f"/support/talk/{TAKEN}", ("phone",), True),
    Shot("models", "/models"),
    Shot("model", "/models/churn", ("dark",)),
    Shot("data", "/data"),
    Shot("settings", "/settings/law"),
)


def main() -> None:
    """Take them all, of copies of the shops: looking changes nothing of the shops themselves."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    asked.add_argument("shop", type=Path)
    asked.add_argument("simulated", type=Path)
    asked.add_argument("--only", default="", help="names, with commas between")
    given = asked.parse_args()
    wanted = given.only.split(",") if given.only else [shot.name for shot in SHOTS]
    for source, is_simulated in ((given.shop, False), (given.simulated, True)):
        shots = [shot for shot in SHOTS if shot.name in wanted and shot.is_simulated == is_simulated]
        if shots:
            _of_shop(source, shots)


def _of_shop(source: Path, shots: list[Shot]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "shop"
        shutil.copytree(source, folder)
        shop = Shop.open(folder)
        people = People(prepare(shop.state))
        people.join(people.invite("admin", by="shots"), EMAIL, "Ada", PASSWORD, "en")
        _work_in(shop, {shot.name for shot in shots}, is_simulated=shots[0].is_simulated)
        names = _names(shop)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        command = [sys.executable, "-m", "regulars", "console", "--shop", str(folder), "--no-open", "--port", str(port)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(port)
            _take(f"http://127.0.0.1:{port}/console", names, shots)
        finally:
            server.terminate()
            server.wait(WAIT_SECONDS)


def _work_in(shop: Shop, names: set[str], *, is_simulated: bool) -> None:
    """What people would have done: the list of customers, cases, prices, segments, an experiment.

    Parameters
    ----------
    names : of the pictures: what takes long is done for those alone that show it.
    """
    review.fill(shop)
    moment = present(shop)
    if names & {"pricing", "product"}:
        _cost_what_is_sold(shop, moment)
        # Kept out of use or not: the screen is to be seen.
        shop.models.use("pricing", shop.models.versions("pricing")[-1])
        shop.tables.write("pricing", "suggestions", suggestions(shop, moment), moment)
    words = Words.of(shop, shop.now).vocabulary
    Segments(shop).save("regulars at risk", "orders >= 4 and last_order > 90 days", words, "for the spring letter")
    Segments(shop).save("new this quarter", "first_order < 90 days", words, "")
    design = Design(
        {"as now": 1.0, "free delivery": 1.0}, "Free delivery from 30 GBP brings more orders.", planned_days=28
    )
    Experiments(shop.state, who=EMAIL).create("free delivery", design)
    if "audience" in names:
        shop.models.use("campaign", shop.models.versions("campaign")[-1])
    if names & {"support", "talk"}:
        with clock.held_at(moment):  # what is said today would make a log of years ago seem one of today
            _write_in(shop)
    if not is_simulated:
        Index(shop).make(shop, lambda done, total: None)


def _cost_what_is_sold(shop: Shop, moment: datetime) -> None:
    """Unit costs, of which the demo's invoices tell nothing: made up, half of the usual price."""
    log = shop.events
    sold = log.filter(log.type == "order_completed", log.product_id.notnull(), log.unit_price > 0)
    half = sold.group_by("product_id").agg(unit_cost=(sold.unit_price.cast("float64").median() / 2).round(2))
    rows = shop.engine.to_arrow(half)
    about = {"time": (moment - timedelta(days=200)).isoformat(), "type": "product_listed"}
    for name, value in about.items():
        rows = rows.append_column(name, pa.repeat(value, len(rows)))
    path = shop.folder / "costs.csv"
    csv.write_csv(rows, path)
    shop.import_(path, mapping=Mapping("costs", {name: name for name in rows.column_names}), strict=True)


def _write_in(shop: Shop) -> None:
    """Customers who wrote: one has an answer, one is being answered, others wait for a person."""
    storage.replace(storage.make_folder(shop.folder / "knowledge") / "delivery.md", TEXT.encode())
    bought = shop.events.filter(shop.events.type == "order_completed", shop.events.customer_id.notnull())
    last = bought.group_by("customer_id").agg(order_id=bought.order_id.max())
    rows = shop.engine.to_arrow(last.order_by("customer_id").limit(len(WRITTEN)))
    chat = assistant(shop)
    for row, said in zip(rows.to_pylist(), WRITTEN, strict=True):
        conversation = chat.open()
        for text in said:
            chat.say(conversation, text.format(order=row["order_id"]))
    handover.take(shop.state, EMAIL, ANSWERED)
    handover.send(shop.state, EMAIL, ANSWERED, ANSWER)
    handover.close(shop.state, EMAIL, ANSWERED)
    handover.take(shop.state, EMAIL, TAKEN)


def _names(shop: Shop) -> dict[str, str]:
    """A customer and a product that pictures are of, where there are any: of the demo's shop."""
    names = {}
    for name, table, key in (("customer", "churn", "decisions"), ("product", "pricing", "suggestions")):
        with suppress(NotFoundError):
            names[name] = str(shop.tables.read(table, key)[f"{name}_id"][0].as_py())
    return names


def _wait_for(port: int) -> None:
    for _ in range(WAIT_SECONDS * 10):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"the console does not listen at port {port}")


def _take(base: str, names: dict[str, str], shots: list[Shot]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as started:
        # The sandbox of Chromium does not start for root.
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        page = browser.new_context(viewport=WIDE).new_page()
        packing = browser.new_page()
        page.set_default_timeout(WAIT_SECONDS * 1000)
        page.goto(f"{base}/sign-in")
        page.fill("input[name=email]", EMAIL)
        page.fill("input[name=password]", PASSWORD)
        page.click("form button.primary")
        page.wait_for_selector(".bar-person")
        for language in ("en", "zh"):
            _speak(page, base, language)
            for shot in shots:
                for look in ("", *shot.looks):
                    page.set_viewport_size(PHONE if look == "phone" else WIDE)
                    page.emulate_media(color_scheme="dark" if look == "dark" else "light")
                    page.goto(base + shot.path.format(**names))
                    _settled(page)
                    name = "-".join(part for part in (shot.name, look, language) if part)
                    (FOLDER / f"{name}.webp").write_bytes(_packed(packing, page.screenshot()))
                    print(name, flush=True)
        browser.close()


def _speak(page: Any, base: str, language: str) -> None:
    """Choose the language, as a person does."""
    page.set_viewport_size(WIDE)
    page.goto(f"{base}/styleguide")
    if page.locator(f".bar-person button[lang={language}]").count():
        page.click(f".bar-person button[lang={language}]")
        page.wait_for_selector(f"html[lang^={language}]")


def _settled(page: Any) -> None:
    """Wait until every part is there and every chart is drawn."""
    for _ in range(WAIT_SECONDS * 5):
        try:
            if page.evaluate(SETTLED):
                break
        except Error as error:
            if "context was destroyed" not in error.message:  # a page that said that it comes is fetched once more
                raise
        page.wait_for_timeout(200)
    page.wait_for_timeout(200)


SETTLED = """() => !document.querySelector(".loading:not([data-hx-trigger=revealed])")
    && !document.querySelector(".job:not(.done):not(.failed) progress")
    && [...document.querySelectorAll(".chart-place")].every(place => place.querySelector("canvas, svg"))"""
PACK = """async ([png, quality]) => {
    const picture = new Image();
    picture.src = "data:image/png;base64," + png;
    await picture.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.getContext("2d").drawImage(picture, 0, 0);
    return canvas.toDataURL("image/webp", quality).split(",")[1];
}"""


def _packed(page: Any, taken: bytes) -> bytes:
    """A picture as WebP."""
    return base64.b64decode(page.evaluate(PACK, [base64.b64encode(taken).decode(), QUALITY]))


if __name__ == "__main__":
    main()
