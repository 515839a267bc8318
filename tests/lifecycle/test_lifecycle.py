"""The program on a shop: what is decided and proved, planned, written to the owner, and done each day once."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars import Shop, capability, clock
from regulars.campaign.sending import suppress
from regulars.decisions import TYPE
from regulars.errors import NotEnoughError
from regulars.events import inbox
from regulars.lifecycle import turn as turns
from regulars.lifecycle.actions import RULES
from regulars.lifecycle.actions.facts import control_group
from regulars.lifecycle.decide import Situation, situation
from regulars.lifecycle.letter import letter, write
from regulars.lifecycle.plan import plan
from regulars.lifecycle.proof import compared, without
from regulars.lifecycle.turn import turn
from regulars.profile.stage import STAGES

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=280)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, record: Callable[..., object]) -> Path:
    """A shop of 200 customers over 40 weeks, of whom some leave, two give something back at the end, one objects, and
    one never agreed to be written to."""
    shop = Shop.create(tmp_path_factory.mktemp("life") / "shop")
    rng = random.Random(1)
    rows: list[dict[str, object]] = []
    for k in range(200):
        pause, at, last = rng.uniform(5, 40), rng.uniform(0, 60), rng.uniform(80, 400)
        while at < min(last, 279):
            rows.append(
                {"type": "order_completed", "time": (BEGIN + timedelta(days=at)).isoformat(), "customer_id": f"c{k:03d}",
                 "product_id": "tea", "quantity": 1, "unit_price": 900.0 + k % 7, "order_id": f"o{len(rows)}"}
            )  # fmt: skip
            at += rng.expovariate(1 / pause)
    agree = {"type": "consent_given", "time": BEGIN.isoformat(), "text": "marketing"}
    record(shop, *rows, *({**agree, "customer_id": f"c{k:03d}"} for k in range(200) if k != 4))
    late = (END - timedelta(days=3)).isoformat()
    back = [row for row in rows if row["customer_id"] in ("c001", "c002")]
    record(shop, *({**row, "type": "order_refunded", "time": late} for row in back[-2:]))
    record(shop, {"type": "objection_made", "time": late, "customer_id": "c003"})
    shop.learn("lifecycle", END)
    shop.models.use("lifecycle", 1)
    return shop.folder


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Shop:
    shutil.copytree(made, tmp_path / "shop")
    return Shop.open(tmp_path / "shop")


@pytest.fixture(scope="module")
def now(made: Path) -> Situation:
    return situation(Shop.open(made), END)


def test_nothing_is_done_for_who_objected_or_is_held_out(shop: Shop) -> None:
    table = shop.decide("lifecycle", END).table
    acted = {row["customer_id"] for row in table.to_pylist() if row["action"] not in ("none", "service recovery")}
    ids = pa.array([f"c{k:03d}" for k in range(200)])
    held = set(ids.filter(pa.array(control_group(ids, shop.config.lifecycle.control))).to_pylist())
    assert "c003" not in acted
    assert not acted & held
    told = {row["customer_id"] for row in table.to_pylist() if row["policy"].startswith("control")}
    assert told <= held


def test_who_never_agreed_or_is_to_be_sent_nothing_is_not_called(shop: Shop) -> None:
    called = {row["customer_id"] for row in shop.decide("lifecycle", END).table.to_pylist() if row["action"] == "call"}
    suppress(shop.state, min(called), "")
    later = situation(shop, END)
    numbers = {rule.en: number for number, rule in enumerate(RULES)}
    call = [action.name for action in later.offered.actions].index("call")
    rules = dict(zip(later.known.ids.to_pylist(), later.forbidden[:, call].tolist(), strict=True))
    assert rules["c004"] == numbers["gave no consent to marketing"] == rules[min(called)]
    acting = later.known.ids.take(pa.array(later.open[(later.solved.taken == call).any(1)])).to_pylist()
    assert not {"c004", min(called)} & set(acting)


def test_what_is_out_of_sight_is_done_once(shop: Shop) -> None:
    ids = [f"c{k:03d}" for k in range(100, 150)]
    table = pa.table({"customer_id": ids, "share": [0.1] * 50, "expected_gain": [50.0] * 50})
    shop.tables.write("pricing", "decisions", table, END - timedelta(days=1))
    found = situation(shop, END)
    discount = [action.name for action in found.offered.actions].index("discount")
    days = (found.solved.taken == discount).sum(0)
    assert days[0] > 0
    assert (days[1:] == 0).all()


def test_a_turn_is_of_the_day_on_which_it_runs_and_decides_as_of_the_newest_event(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capability, "names", lambda: ("lifecycle",))
    today = shop.now + timedelta(hours=9)
    settings = shop.config.lifecycle.model_copy(update={"rest": (f"{today:%Y-%m-%d}",)})
    shop.config = shop.config.model_copy(update={"lifecycle": settings})
    monkeypatch.setattr(clock, "now", lambda: today)
    assert f"{today:%d}" != f"{shop.now:%d}"
    found = turn(shop, nullcontext)
    assert found.day == f"{today:%Y-%m-%d}"
    assert "rest" in found.done
    monkeypatch.setattr(clock, "now", lambda: today + timedelta(days=1))
    later = turn(shop, nullcontext)
    assert later.as_of == shop.now
    assert "decide lifecycle" in later.done


def test_service_comes_first_where_something_went_wrong(now: Situation) -> None:
    wrong = np.flatnonzero(now.facts.trouble)
    assert len(wrong) >= 1
    names = [action.name for action in now.offered.actions]
    assert (now.forbidden[wrong, names.index("call")] >= 0).all()
    assert (now.forbidden[wrong, names.index("service recovery")] == -1).all() or now.facts.held_out[wrong].any()


def test_deciding_again_adds_nothing_and_a_later_day_heeds_what_the_week_has_had(shop: Shop) -> None:
    one, again = shop.decide("lifecycle", END), shop.decide("lifecycle", END)
    assert again.table.equals(one.table)
    assert again.log_version == one.log_version
    called = {row["customer_id"] for row in one.table.to_pylist() if row["action"] == "call"}
    later = shop.decide("lifecycle", END + timedelta(days=2)).table.to_pylist()
    assert not called & {row["customer_id"] for row in later if row["action"] == "call"}
    minutes = sum(one.table["minutes"].to_pylist()) + sum(row["minutes"] for row in later)
    assert minutes <= shop.config.lifecycle.minutes_week


def test_a_group_with_a_floor_is_not_passed_over(shop: Shop, now: Situation) -> None:
    is_lapsed = now.standing.stage == STAGES.index("lapsed")
    of_shop = shop.tables.of

    def tables(name: str, pairs: pa.Table) -> pa.Table:
        stages = pa.array([STAGES[k] for k in now.standing.stage.tolist()])
        return pairs.append_column("stage", stages) if name == "segment" else of_shop(name, pairs)

    def called(found: Situation) -> int:
        names = [action.name for action in found.offered.actions]
        return int(is_lapsed[found.open[(found.solved.taken == names.index("call")).any(1)]].sum())

    owed = 0.1 * is_lapsed.sum()
    assert called(now) < 0.8 * owed  # who is gone is worth no call
    config = shop.folder / "shop.toml"
    text = config.read_text("utf-8").replace("# floors = []", 'floors = ["stage is lapsed: 0.1"]')
    config.write_text(text.replace("# minutes_week = 300.0", "minutes_week = 900.0"))
    shop = Shop.open(shop.folder)
    shop.tables.of = tables  # type: ignore[method-assign]
    found = situation(shop, END)
    assert called(found) >= 0.8 * owed  # some of them are held out, or must not be called
    assert "floor of stage is lapsed" in found.solved.binding


def test_a_decision_has_its_receipt(shop: Shop) -> None:
    rows = [row for row in shop.decide("lifecycle", END).table.to_pylist() if row["receipt"]]
    paper = json.loads(rows[0]["receipt"])
    assert set(paper) == {"alternatives", "scarce"}
    assert rows[0]["expected_gain"] > rows[0]["cost"]
    assert rows[0]["gain_low"] <= rows[0]["expected_gain"] <= rows[0]["gain_high"]


def test_what_was_not_decided_yet_is_not_used_and_said_so(now: Situation) -> None:
    assert any("pricing" in note and "regulars decide pricing" in note for note in now.offered.notes)
    assert any(note.startswith("campaign:") for note in now.offered.notes)


def test_a_stale_table_is_not_used(shop: Shop) -> None:
    old = pa.table({"customer_id": ["c010"], "share": [0.1], "expected_gain": [50.0]})
    shop.tables.write("pricing", "decisions", old, END - timedelta(days=30))
    assert any("30 days old" in note for note in situation(shop, END).offered.notes)
    shop.tables.write("pricing", "decisions", old, END - timedelta(days=1))
    assert "discount" in [action.name for action in situation(shop, END).offered.actions]


def test_the_plan_holds_the_limits_and_says_what_other_ones_would_bring(now: Situation) -> None:
    found = plan(now)
    assert found.low <= found.gain <= found.bound + 1e-6
    assert found.spent <= 100 + 1e-6
    for name, amounts in found.what_if.items():
        gains = list(amounts.values())
        assert gains == sorted(gains), name  # more of what is scarce never brings less
    contacts = [count for count, _ in found.least_net.values()]
    assert contacts == sorted(contacts, reverse=True)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_letter_is_a_page_and_a_mail_and_each_number_has_its_query(
    shop: Shop, now: Situation, language: str
) -> None:
    found = letter(shop, now, language)  # type: ignore[arg-type]
    page = found.to_html()
    assert all(f'id="q{k + 1}"' in page for k in range(len(found.queries)))
    assert "http" not in page.replace("http-equiv", "")
    assert ("What happened" in page) == (language == "en")
    paths = write(shop, found, END, "owner@tea.example")
    assert paths[1].read_bytes().count(b"Content-Type: text/") == 2


def test_a_turn_that_was_killed_goes_on_and_a_second_one_does_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capability, "names", lambda: ("lifecycle",))
    killed = turns.prove

    def dies(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(turns, "prove", dies)
    with pytest.raises(KeyboardInterrupt):
        turn(shop, nullcontext, END)
    monkeypatch.setattr(turns, "prove", killed)
    found = turn(shop, nullcontext, END)
    assert found.skipped == ["decide lifecycle", "send"]
    assert list(found.done) == ["fold", "prove", "letter"]  # END is a Monday
    count = shop.engine.to_arrow(shop.events.filter(shop.events.type == TYPE).count()).as_py()
    again = turn(shop, nullcontext, END + timedelta(hours=3))
    assert list(again.done) == ["fold"]
    assert shop.engine.to_arrow(shop.events.filter(shop.events.type == TYPE).count()).as_py() == count


def test_the_control_group_tells_what_was_brought() -> None:
    rng = np.random.default_rng(0)
    before = rng.gamma(2, 10, 4000)
    out = rng.random(4000) < 0.1
    found = compared("the program", before + rng.normal(0, 5, 4000) + np.where(out, 0, 3.0), before, out)
    assert found.low < 3 < found.high
    assert not found.has_failed
    assert compared("x", before - np.where(out, 0, 3.0), before, out).has_failed


def test_a_control_group_that_is_too_small_is_refused() -> None:
    with pytest.raises(NotEnoughError, match="10 customers were left out"):
        compared("x", np.zeros(100), np.zeros(100), np.arange(100) < 10)


def test_each_capability_is_left_out_for_others() -> None:
    ids = pa.array([f"c{k}" for k in range(20_000)])
    one, other = without(ids, "campaign", 0.1), without(ids, "pricing", 0.1)
    assert one.mean() == pytest.approx(0.1, abs=0.01)
    assert (one & other).mean() == pytest.approx(0.01, abs=0.005)


def test_a_turn_takes_in_what_waits_and_says_what_became_of_messages(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capability, "names", lambda: ("lifecycle",))
    opened = inbox.Inbox(inbox.open_store(shop.folder / inbox.FOLDER))
    call = {"type": "track", "event": "Product Viewed", "userId": "c010", "properties": {"product_id": "tea"}}
    late = (END - timedelta(hours=1)).isoformat()
    opened.put([json.dumps({**call, "messageId": "m1", "timestamp": late, "receivedAt": late}).encode()]).result()
    opened.close()
    found = turn(shop, nullcontext, END)
    assert found.done["fold"] == "1 events."
    assert found.done["send"] == "No message was decided."
    assert "product_viewed" in shop.log.read("events")["type"].to_pylist()
    arms = pa.table({"customer_id": ["c010"], "action": ["spring by email"], "channel": ["email"]})
    shop.tables.write("lifecycle", "decisions", arms, END + timedelta(hours=1))
    assert "spring by email is not sent" in turns._queued(shop, END + timedelta(hours=1))


def test_a_day_that_was_missed_is_said_and_not_made_up_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capability, "names", lambda: ("lifecycle",))
    assert turn(shop, nullcontext, END).missed == []
    later = turn(shop, nullcontext, END + timedelta(days=3))
    assert later.missed == [f"{END + timedelta(days=k):%Y-%m-%d}" for k in (1, 2)]
    made = shop.log.read("events")
    made = made.filter(pc.equal(made["type"], TYPE))["time"].to_pylist()
    assert {at.date() for at in made} == {END.date(), (END + timedelta(days=3)).date()}


def test_on_a_day_of_rest_nothing_is_decided_and_on_its_day_the_letter_is_written(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capability, "names", lambda: ("lifecycle",))
    settings = shop.config.lifecycle.model_copy(update={"rest": (f"{END:%Y-%m-%d}",), "letter_on": f"{END:%a}".lower()})
    shop.config = shop.config.model_copy(update={"lifecycle": settings})
    found = turn(shop, nullcontext, END)
    assert list(found.done) == ["fold", "rest", "prove", "letter"]
    assert Path(found.done["letter"]).read_text("utf-8").startswith("<!doctype html>")
    assert TYPE not in shop.log.read("events")["type"].to_pylist()
    later = turn(shop, nullcontext, END + timedelta(days=1))
    assert "decide lifecycle" in later.done
    assert "letter" not in later.done
