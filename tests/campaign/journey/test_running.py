"""Journeys live: entering, moving, leaving, versions, and runs that die or meet."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from regulars import Shop
from regulars.campaign.journey import JourneyError, resume, run, running, start, status, stop, take_back, writing
from regulars.campaign.journey.tables import entries
from regulars.campaign.sending import history
from regulars.errors import ConfigError, NotEnoughError, NotFoundError
from tests.campaign.conftest import NOON, Mailbox, Settings, at

Record = Callable[..., Any]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def shop(by_mail: Shop, set_up: Settings) -> Shop:
    return set_up(by_mail, stale_hours=24 * 365, most_per_day=0, most_per_week=0)


def own(shop: Shop, name: str, text: str) -> None:
    folder = shop.folder / "campaigns" / "journeys"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.toml").write_text(text)


CART = (
    '[trigger]\nevent = "product_added"\nagain = "7 days"\n[goal]\nevent = "order_completed"\n'
    '[[step]]\nname = "hour"\nwait = "1 hour"\n[[step]]\nname = "remind"\nsend = "abandoned_cart"\n'
)


def added(who: str, moment: datetime, product: str = "pot", **said: Any) -> dict[str, Any]:
    return {"type": "product_added", "customer_id": who, "time": at(moment), "product_id": product, **said}


def ordered(who: str, moment: datetime) -> dict[str, Any]:
    return {
        "type": "order_completed",
        "customer_id": who,
        "time": at(moment),
        "order_id": f"{who}{moment}",
        "product_id": "pot",
        "unit_price": 5,
        "quantity": 1,
    }


def outcomes(shop: Shop) -> dict[str, str | None]:
    with shop.state.read() as view:
        return {row.customer_id: row.outcome for row in view.execute(sa.select(entries).order_by(entries.c.id))}


def go(shop: Shop, everyone: Any, moment: datetime, **words: Any) -> dict[str, int]:
    return dict(run(shop, everyone(**words), moment).tally.counts)


def test_a_cart_that_was_left_is_reminded_of_once(shop: Shop, everyone: Any, record: Record, mailbox: Mailbox) -> None:
    own(shop, "cart", CART)
    start(shop, "cart", "mei", everyone(), NOON)
    record(shop, added("ada", NOON + HOUR), added("ada", NOON + HOUR * 1.1, "cup"), added("bob", NOON + HOUR))
    record(shop, added("mei", NOON - HOUR), ordered("bob", NOON + 1.5 * HOUR))
    assert go(shop, everyone, NOON + 1.5 * HOUR) == {}
    assert go(shop, everyone, NOON + 3 * HOUR) == {"sent": 1}
    assert go(shop, everyone, NOON + 3 * HOUR) == {}
    assert go(shop, everyone, NOON + DAY) == {}
    assert outcomes(shop) == {"ada": "exit", "bob": "goal"}  # Mei's cart was left before the journey began
    assert mailbox.recipients == ["ada@tea.example"]
    assert "- Pot" in mailbox.letters[0].get_content()
    assert "- cup" in mailbox.letters[0].get_content()


def test_who_left_comes_in_again_only_after_the_pause(shop: Shop, everyone: Any, record: Record) -> None:
    own(shop, "cart", CART)
    start(shop, "cart", "mei", everyone(), NOON)
    record(shop, added("ada", NOON + HOUR), added("ada", NOON + 3 * DAY), added("ada", NOON + 9 * DAY))
    sent = {day: go(shop, everyone, NOON + day * DAY).get("sent", 0) for day in (1, 4, 8, 10)}
    assert sent == {1: 1, 4: 0, 8: 0, 10: 1}


def test_a_message_that_was_held_is_overtaken_by_an_order(
    shop: Shop, everyone: Any, record: Record, set_up: Settings
) -> None:
    shop = set_up(shop, quiet_from=13, quiet_until=12)
    own(shop, "cart", CART)
    start(shop, "cart", "mei", everyone(), NOON)
    record(shop, added("ada", NOON + HOUR))
    assert go(shop, everyone, NOON + 3 * HOUR) == {"held": 1}
    record(shop, ordered("ada", NOON + 5 * HOUR))
    assert go(shop, everyone, NOON + DAY) == {"skipped": 1}
    assert history(shop.state, what="skipped")[0].reason == "overtaken: order_completed came first"


def test_who_is_inside_finishes_on_the_own_version(shop: Shop, everyone: Any, record: Record, mailbox: Mailbox) -> None:
    own(shop, "cart", CART)
    assert start(shop, "cart", "mei", everyone(), NOON).number == 1
    record(shop, added("ada", NOON + HOUR))
    go(shop, everyone, NOON + 1.5 * HOUR)
    own(shop, "cart", CART.replace('wait = "1 hour"', 'wait = "2 days"'))
    assert start(shop, "cart", "mei", everyone(), NOON + 1.5 * HOUR).number == 2
    record(shop, added("mei", NOON + 2 * HOUR))
    assert go(shop, everyone, NOON + 3 * HOUR) == {"sent": 1}
    assert mailbox.recipients == ["ada@tea.example"]
    assert go(shop, everyone, NOON + 3 * DAY) == {"sent": 1}
    assert [(each.version, each.done) for each in status(shop)] == [(2, 2)]


def test_a_stopped_journey_lets_nobody_in_and_finishes(shop: Shop, everyone: Any, record: Record) -> None:
    own(shop, "cart", CART)
    start(shop, "cart", "mei", everyone(), NOON)
    record(shop, added("ada", NOON + HOUR))
    go(shop, everyone, NOON + 1.5 * HOUR)
    stop(shop, "cart", "mei")
    record(shop, added("mei", NOON + 1.6 * HOUR))
    assert go(shop, everyone, NOON + DAY) == {"sent": 1}
    assert outcomes(shop) == {"ada": "exit"}
    with pytest.raises(NotFoundError, match="was not started"):
        stop(shop, "welcome", "mei")


def test_that_a_journey_was_started_or_stopped_is_taken_back(shop: Shop, everyone: Any) -> None:
    own(shop, "cart", CART)
    start(shop, "cart", "mei", everyone(), NOON)
    own(shop, "cart", CART.replace('wait = "1 hour"', 'wait = "2 days"'))
    start(shop, "cart", "mei", everyone(), NOON + HOUR)
    assert take_back(shop, "cart", "mei") == 1
    stop(shop, "cart", "mei")
    assert [(each.version, each.is_open) for each in status(shop)] == [(1, False)]
    resume(shop, "cart", "mei")
    assert [(each.version, each.is_open) for each in status(shop)] == [(1, True)]
    with pytest.raises(NotFoundError, match="is not stopped"):
        resume(shop, "cart", "mei")
    start(shop, "welcome", "mei", everyone(), NOON)
    assert take_back(shop, "welcome", "mei") is None
    assert {each.name for each in status(shop) if each.is_open} == {"cart"}


def test_entering_a_segment_lets_in_who_was_not_in_it(shop: Shop, everyone: Any) -> None:
    own(shop, "back", '[trigger]\nsegment = "lapsing"\n[[step]]\nname = "a"\nsend = "win_back"\n')

    class Later(everyone):  # type: ignore[misc]
        def members(self, rule: str, as_of: datetime) -> Any:
            assert rule == "orders > 1"
            return super().members("late" if as_of > NOON + DAY else "early", as_of)

    audience = Later({"early": ["ada"], "late": ["ada", "mei"]}, {"lapsing": "orders > 1"})
    start(shop, "back", "mei", audience, NOON)
    assert run(shop, audience, NOON + DAY).tally.counts == {}
    assert run(shop, audience, NOON + 2 * DAY).tally.counts == {"sent": 1}
    assert outcomes(shop) == {"mei": "exit"}


def test_birthdays_come_at_the_customers_nine_in_the_morning(shop: Shop, everyone: Any, mailbox: Mailbox) -> None:
    start(shop, "birthday", "mei", everyone(), NOON - 2 * DAY)
    midnight = NOON - 20 * HOUR  # 15 May, 00:00 in Shanghai
    assert go(shop, everyone, midnight) == {}
    assert go(shop, everyone, midnight + 8 * HOUR) == {}
    assert go(shop, everyone, midnight + 9.1 * HOUR) == {"sent": 1}
    assert mailbox.letters[0]["Subject"] == "生日快乐"


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("price_drop", {"list_price": 10, "stock": 1}, {"list_price": 8.5, "stock": 1}, "8.50 EUR now, 10 EUR before"),
        ("price_drop", {"list_price": 10, "stock": 1}, {"list_price": 9.5, "stock": 1}, ""),
        ("back_in_stock", {"stock": 0}, {"stock": 5}, "Pot can be had again"),
        ("back_in_stock", {"stock": 3}, {"stock": 5}, ""),
    ],
)  # fmt: skip
def test_who_looked_at_a_product_hears_when_it_changed(
    shop: Shop,
    everyone: Any,
    record: Record,
    mailbox: Mailbox,
    name: str,
    before: dict[str, Any],
    after: dict[str, Any],
    said: str,
) -> None:
    record(
        shop,
        {
            "type": "product_viewed",
            "customer_id": "ada",
            "time": at(NOON - 2 * DAY),
            "product_id": "pot",
            "title": "Pot",
            **before,
        },
    )
    start(shop, name, "mei", everyone(), NOON)
    record(
        shop,
        {
            "type": "product_viewed",
            "customer_id": "eve",
            "time": at(NOON + HOUR),
            "product_id": "pot",
            "title": "Pot",
            **after,
        },
    )
    assert go(shop, everyone, NOON + DAY).get("sent", 0) == (0 if not said else 2 if name == "back_in_stock" else 1)
    if said:
        assert "ada@tea.example" in mailbox.recipients  # Bob looked 40 days before: within 60, not within 30
        assert said in " ".join(mailbox.letters[0].get_content().split())


def test_runs_at_once_send_once(shop: Shop, everyone: Any, record: Record, mailbox: Mailbox) -> None:
    own(shop, "cart", CART)
    start(shop, "cart", "mei", everyone(), NOON)
    record(shop, added("ada", NOON + HOUR), added("mei", NOON + HOUR))
    with ThreadPoolExecutor(3) as pool:
        others = [Shop.open(shop.folder) for _ in range(3)]
        done = list(pool.map(lambda other: go(other, everyone, NOON + 3 * HOUR), others))
    assert sum(each.get("sent", 0) for each in done) == 2
    assert sorted(mailbox.recipients) == ["ada@tea.example", "mei@tea.example"]
    assert outcomes(shop) == {"ada": "exit", "mei": "exit"}


@pytest.mark.parametrize("where", ["enqueue", "send_due", "tell"])
def test_a_run_that_dies_is_taken_up_by_the_next(
    shop: Shop, everyone: Any, record: Record, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    class DiedError(BaseException):
        pass

    def die(*args: Any, **words: Any) -> None:
        raise DiedError

    own(shop, "cart", CART)
    start(shop, "cart", "mei", everyone(), NOON)
    record(shop, added("ada", NOON + HOUR))
    with monkeypatch.context() as patched:
        patched.setattr(writing if where == "enqueue" else running, where, die)
        with pytest.raises(DiedError):
            go(shop, everyone, NOON + 3 * HOUR)
    go(shop, everyone, NOON + 3 * HOUR)
    assert mailbox.recipients == ["ada@tea.example"]
    assert outcomes(shop) == {"ada": "exit"}


def test_a_log_that_stands_still_sends_nothing(by_mail: Shop, everyone: Any) -> None:
    with pytest.raises(NotEnoughError, match="who has ordered since is not known"):
        run(by_mail, everyone(), NOON)


def test_what_cannot_go_live_is_not_started(mailing: Shop, everyone: Any, shop: Shop) -> None:
    with pytest.raises(NotFoundError, match='Did you mean "welcome"'):
        start(shop, "welcom", "mei", everyone(), NOON)
    own(shop, "bad", '[trigger]\nevent = "signd_up"\n[[step]]\nname = "a"\nexit = true')
    with pytest.raises(JourneyError, match='bad, line 2: there is no type of event "signd_up"'):
        start(shop, "bad", "mei", everyone(), NOON)
    own(shop, "push", '[trigger]\nevent = "signed_up"\n[[step]]\nname = "a"\nsend = "welcome"\nchannel = "push"')
    with pytest.raises(ConfigError, match="push is not set up"):
        start(shop, "push", "mei", everyone(), NOON)
    path = shop.folder / "campaigns" / "messages"
    path.mkdir(parents=True)
    (path / "welcome.toml").write_text(
        '[[variant]]\nname="a"\nlanguage="en"\nsubject="x"\nbody="{{ unsubscribe_url }}"'
    )
    with pytest.raises(ConfigError, match='nobody has approved "welcome" as it is now'):
        start(shop, "welcome", "mei", everyone(), NOON)
