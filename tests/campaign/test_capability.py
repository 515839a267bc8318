"""Campaigns as a capability, on a simulated shop that answers: from the first lot to a model that chooses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import tomlkit

from regulars import Shop
from regulars.campaign import training
from regulars.campaign.dataset import dataset
from regulars.campaign.drawn import Drawn
from regulars.campaign.permitted import permitted
from regulars.campaign.sources import drawn_before
from regulars.campaign.uplift import fit
from regulars.config import SendingSettings, ShopSettings
from regulars.errors import ConfigError, NotEnoughError, NotFoundError
from regulars.evaluation import Split
from regulars.experiment import Design, Experiments, assign_all
from regulars.simulate import World, load
from regulars.simulate.truth import Truth

CHANCE = 0.1
DAYS, PILOT_DAY = 60, 44
SETTINGS = {"email_cost": 0.1, "contacts": 60, "most_per_week": 0, "rest_days": 0}
Cli = Callable[..., tuple[int, str, str]]


def world(customers: int, seed: int = 2) -> World:
    """A shop whose customers answer to messages, some by much, some by staying away; few products, so it is fast."""
    said = load("grocery")
    moved = {"effect": 2.0, "persuadable_share": 0.4, "sleeping_dog_share": 0.2, "half_life_days": 7.0,
             "fatigue": 0.05, "spill_over": 0.0}  # fmt: skip
    said = said.model_copy(
        update={
            "catalogue": said.catalogue.model_copy(update={"products": 60}),
            "visits": said.visits.model_copy(update={"needs": 2.0}),
            "treatments": said.treatments.model_copy(update=moved),
        }
    )
    return World(said, customers=customers, seed=seed, days=DAYS)


def make(folder: Path, played: World, **settings: object) -> Shop:
    said = played.params
    Shop.create(folder, ShopSettings(name="Grocer", currency=said.currency, timezone=said.timezone))
    shop = set_(folder, **{**SETTINGS, **settings})
    with shop.log.transaction("products") as transaction:
        transaction.add("catalogue", played.catalogue())
        transaction.commit()
    return shop


def set_(folder: Path, **values: object) -> Shop:
    """The shop with these settings of [campaign]; those of [sending] by their names there."""
    path = folder / "shop.toml"
    document: Any = tomlkit.parse(path.read_text())
    for name, value in values.items():
        document["sending" if name in SendingSettings.model_fields else "campaign"][name] = value
    path.write_text(tomlkit.dumps(document))
    return Shop.open(folder)


def play(shop: Shop, played: World, days: int, decide: Callable[[World], pa.Table | None] = lambda world: None) -> None:
    shop.log.append(pa.concat_tables([played.step(decide(played)) for _ in range(days)]), f"{days} days")


def by_lot(rng: np.random.Generator) -> Callable[[World], pa.Table]:
    """Each day one in ten of those who allow it gets the newsletter; the event tells the chance."""

    def decide(played: World) -> pa.Table:
        who = np.flatnonzero(played.contactable)
        who = who[rng.random(len(who)) < CHANCE]
        count = len(who)
        return pa.table(
            {
                "customer_id": played.customer_ids.take(pa.array(who)),
                "action": pa.repeat("message", count),
                "campaign_id": pa.repeat("newsletter", count),
                "propensity": pa.repeat(CHANCE, count),
            }
        )

    return decide


def messages(decided: pa.Table, played: World) -> pa.Table:
    """What was decided, as the simulated shop carries it out."""
    sent = decided.filter(pc.not_equal(decided["action"], "none"))
    known = set(played.customer_ids.to_pylist())
    ids = [each for each in sent["customer_id"].to_pylist() if each in known]
    return pa.table({"customer_id": ids, "action": ["message"] * len(ids), "campaign_id": ["message"] * len(ids)})


@pytest.fixture(scope="module", autouse=True)
def two_learners() -> Any:
    """Two of the seven: which is chosen is tested where they are."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training, "fit", partial(fit, learners=["forest", "linear"]))
        yield


@pytest.fixture(scope="module")
def grocer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Truth]:
    """A shop that has drawn its newsletter by lot for sixty days, learned until then; and its truth. Read only."""
    played = world(500)
    shop = make(tmp_path_factory.mktemp("grocer") / "shop", played)
    play(shop, played, DAYS, by_lot(np.random.default_rng(0)))
    learned, _ = shop.learn("campaign")
    shop.models.use("campaign", learned.version)
    return shop, Truth.of(played)


@pytest.fixture
def own(grocer: tuple[Shop, Truth], tmp_path: Path) -> Shop:
    """A copy that a test may change."""
    return Shop.open(shutil.copytree(grocer[0].folder, tmp_path / "own"))


def drawn_by_the_message_lots(shop: Shop) -> Drawn:
    return drawn_before(shop, shop.now, shop.config.campaign.horizon_days)


def test_messages_that_tell_their_chance_are_a_trial_with_those_left_alone(grocer: tuple[Shop, Truth]) -> None:
    shop, _ = grocer
    drawn = drawn_by_the_message_lots(shop)
    arms = drawn.arms
    assert set(drawn.table["source"].to_pylist()) == {"messages by lot"}
    assert set(arms) == {"none", "newsletter by email"}
    assert abs((arms == "none").mean() - 0.5) < 0.05  # as many of who was left alone are kept as were written to
    assert drawn.lots[0] == {"none": 0.5, "newsletter by email": 0.5}


def test_only_windows_that_are_over_count_and_nothing_after_the_moment(grocer: tuple[Shop, Truth]) -> None:
    shop, _ = grocer
    until = shop.now - timedelta(days=20)
    early = drawn_before(shop, until, 14)
    assert len(early) > 0
    assert max(early.table["as_of"].to_pylist()) <= until - timedelta(days=14)
    late = drawn_by_the_message_lots(shop).table
    as_then = late.filter(pc.less_equal(late["as_of"], early.table["as_of"][-1])).num_rows
    assert as_then == len(early)  # those of then are the same, whatever is known today


def test_a_lot_that_cannot_have_been_among_all_who_consented_is_left_out(own: Shop) -> None:
    """The same messages with another chance: twice as many were written to as it says."""
    events = own.engine.to_arrow(own.events)
    halved = pc.if_else(pc.equal(events["type"], "message_sent"), CHANCE / 2, events["propensity"])
    events = events.set_column(events.column_names.index("propensity"), "propensity", halved)
    drawn = drawn_before(own.with_events(own.engine.table(events)), own.now, 14)
    assert len(drawn) == 0
    assert "expected" in drawn.notes[0]


def test_the_models_choice_is_truly_worth_more_than_random_contacts(grocer: tuple[Shop, Truth], own: Shop) -> None:
    _, truth = grocer
    decided = own.decide("campaign").table
    known = set(truth.customers["customer_id"].to_pylist())

    def value(rows: pa.Table) -> float:
        ids = [each for each in rows["customer_id"].to_pylist() if each in known]
        return float(truth.value(pa.table({"customer_id": ids, "action": ["message"] * len(ids)})).mean())

    by_model = decided.filter(pc.is_null(decided["lot"]))
    all_of_them = pa.table({"customer_id": dataset_customers(own)})
    assert by_model.num_rows > 20
    assert value(by_model) > 1.5 * value(all_of_them)


def dataset_customers(shop: Shop) -> list[str]:
    found = dataset(shop, shop.now)
    assert found is not None
    return sorted(set(found.drawn.table["customer_id"].to_pylist()))


def test_a_decision_says_what_it_brings_what_it_costs_and_why(own: Shop) -> None:
    rows = own.decide("campaign").table.to_pylist()
    by_model = [row for row in rows if row["lot"] is None]
    lot = [row for row in rows if row["lot"] is not None]
    for row in by_model:
        assert row["gain_low"] <= row["expected_gain"] <= row["gain_high"]
        assert row["expected_gain"] > row["cost"] == 0.1
        assert "more than being left alone" in row["reasons"][0]
        assert (row["propensity"], row["channel"], 8 <= row["hour"] < 21) == (1.0, "email", True)
    gains = [row["expected_gain"] for row in by_model]
    assert gains == sorted(gains, reverse=True)
    assert {row["action"] for row in lot} == {"none", "newsletter by email"}
    for row in lot:
        chances = json.loads(row["lot"])
        assert sum(chances.values()) == pytest.approx(1)
        assert row["propensity"] == chances[row["action"]]
        assert (row["hour"] is None) == (row["action"] == "none")


def test_reasons_are_in_the_shops_language(own: Shop) -> None:
    path = own.folder / "shop.toml"
    document: Any = tomlkit.parse(path.read_text())
    document["campaign"]["language"] = "zh"
    path.write_text(tomlkit.dumps(document))
    reasons = Shop.open(own.folder).decide("campaign").table["reasons"].to_pylist()
    assert any("预计比不联系多带来" in each[0] for each in reasons)
    assert any("随机留作对照" in each[0] for each in reasons)


@pytest.mark.parametrize("budget", [0.0, 0.35, 3.0])
def test_the_budget_holds_with_the_lot(own: Shop, budget: float) -> None:
    shop = set_(own.folder, budget=budget, explore=0.5)
    if not budget:
        with pytest.raises(NotEnoughError, match="budget"):
            shop.decide("campaign")
        return
    decided = shop.decide("campaign").table
    assert 0 < sum(decided["cost"].to_pylist()) <= budget + 1e-9


def test_who_is_held_out_objected_or_was_contacted_lately_is_not_among_them(own: Shop) -> None:
    first = own.decide("campaign", own.now).table["customer_id"].to_pylist()
    shop = set_(own.folder, rest_days=7, contacts=5000, explore=0.0)
    held = Experiments(shop.state).hold_out(0.5)
    later = shop.now + timedelta(days=1)
    ids = shop.decide("campaign", later).table["customer_id"].to_pylist()
    assert ids
    assert not set(ids) & set(first)
    assert not held.holds(pa.array(ids)).any()
    withdrawn = [row["customer_id"] for row in shop.engine.to_arrow(
        shop.events.filter(shop.events.type.isin(["consent_withdrawn", "objection_made"])).select("customer_id")
    ).to_pylist()]  # fmt: skip
    assert not set(ids) & set(withdrawn)


def test_without_consents_it_says_which_setting_decides(with_orders: Path) -> None:
    shop = Shop.open(with_orders)
    with pytest.raises(NotEnoughError, match='consent = "not refused"'):
        permitted(shop, shop.now, ("message by email",))
    shop = set_(with_orders, consent="not refused")
    assert permitted(shop, shop.now, ("message by email",)).customers.to_pylist() == ["ada", "bob"]


def test_a_floor_gives_a_group_its_share_and_an_unknown_column_is_named(own: Shop) -> None:
    shop = set_(own.folder, floors=["no_such is champions: 0.05"])
    shop.tables.of = lambda name, pairs: pairs if name == "segment" else Shop.open(own.folder).tables.of(name, pairs)  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match="no_such"):
        shop.decide("campaign")
    with pytest.raises(ConfigError, match="is no floor"):
        set_(own.folder, floors=["champions 5 %"])


def test_before_anything_is_learned_decide_says_what_to_do(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path / "shop")
    with pytest.raises(NotFoundError, match="regulars learn campaign"):
        shop.decide("campaign", datetime(2024, 1, 1, tzinfo=UTC))


def test_the_loop_from_a_pilot_to_a_model_that_learned_from_its_lot(tmp_path: Path) -> None:
    played = world(1200, seed=4)
    shop = make(tmp_path / "shop", played, contacts=400)
    play(shop, played, PILOT_DAY)
    learned, report = shop.learn("campaign")
    assert learned.card["about"]["is_pilot"] is True
    assert "pilot by lot" in " ".join(report.notes)
    shop.models.use("campaign", learned.version)

    pilot = shop.decide("campaign").table
    assert pilot["policy"].unique().to_pylist() == ["a pilot by lot, to learn from"]
    counts = dict(zip(*np.unique(pilot["action"].to_pylist(), return_counts=True), strict=True))
    assert set(counts) == {"none", "message by email"}
    assert counts["none"] / pilot.num_rows == pilot.filter(pc.equal(pilot["action"], "none"))["propensity"][0].as_py()

    play(shop, played, 1, lambda now: messages(pilot, now))
    play(shop, played, 16)
    learned, report = shop.learn("campaign")
    about = learned.card["about"]
    assert about["is_pilot"] is False
    assert about["sources"] == {"decisions by lot": pilot.num_rows}
    assert about["arms"] == {"none": counts["none"], "message by email": counts["message by email"]}
    assert any("other customers" in note for note in report.notes)  # all drawn at once: no later time to judge by

    shop.models.use("campaign", learned.version)
    decided = shop.decide("campaign").table
    assert {"most expected gain within the budget", "by lot, to measure by"} == set(decided["policy"].to_pylist())


def test_an_experiment_whose_arms_are_actions_is_a_trial(own: Shop) -> None:
    known = Experiments(own.state)
    known.create("spring", Design({"control": 1, "spring by sms": 3}))
    known.start("spring")
    moment = own.now - timedelta(days=20)
    assign_all(own, "spring", moment)
    drawn = drawn_before(Shop.open(own.folder), own.now, 14)
    mine = drawn.table.filter(pc.equal(drawn.table["source"], "experiment spring"))
    assert mine.num_rows > 100
    assert set(mine["arm"].to_pylist()) == {"none", "spring by sms"}
    assert drawn.lots[mine["lot"][0].as_py()] == {"none": 0.25, "spring by sms": 0.75}


def test_contacts_that_were_chosen_are_learned_from_only_if_asked_and_with_a_warning(own: Shop) -> None:
    events = own.engine.to_arrow(own.events)
    none = pc.if_else(pc.equal(events["type"], "message_sent"), None, events["propensity"])
    events = events.set_column(events.column_names.index("propensity"), "propensity", none.cast(pa.float64()))
    chosen = own.with_events(own.engine.table(events))
    assert dataset(chosen, own.now) is None
    asked = set_(own.folder, observational=True).with_events(chosen.events)
    found = dataset(asked, own.now)
    assert found is not None
    assert found.overlap is not None
    assert found.trial(asked.config.campaign).is_estimated


def test_the_report_of_campaigns_measures_against_those_left_alone(grocer: tuple[Shop, Truth], cli: Cli) -> None:
    """Its messages move visits much; attribution says far more."""
    folder = grocer[0].folder
    page = folder.parent / "campaigns.html"
    code, out, err = cli("campaign", "report", "--shop", folder, "--json", "--out", page)
    assert code == 0, err
    (one,) = json.loads(out)["campaigns"]
    assert (one["campaign"], one["is_sound"]) == ("newsletter by email", True)
    assert one["net"]["low"] <= one["net"]["value"] == pytest.approx(one["margin"]["value"] - one["cost"])
    assert one["cost"] == pytest.approx(0.1 * one["contacted"])
    assert one["net"]["value"] > 0
    assert one["margin"]["value"] < one["attributed"]
    text = page.read_text()
    assert "Content-Security-Policy" in text
    assert "newsletter by email" in text


def test_it_is_judged_by_lots_that_were_drawn_later(grocer: tuple[Shop, Truth]) -> None:
    shop, _ = grocer
    split = Split(shop.now - timedelta(days=28), 28)
    report = shop.evaluate("campaign", split)
    assert report.as_of == report.trained_until == split.as_of
    assert not report.failed_checks
    names = [metric.name for metric in report.metrics]
    assert names[0] == report.primary == "money per customer"
    assert len(names) == 4  # nobody, everybody, most likely to buy, random
    assert report.in_use == (min(metric.difference_low for metric in report.metrics[:1]) > 0)
