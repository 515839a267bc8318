"""What was decided is sent: to those who were chosen, once, at their hour; those left alone get nothing."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
import sqlalchemy as sa

from regulars import Shop
from regulars.campaign.journey import run
from regulars.campaign.sending import DECIDED, queue_decided, turn
from regulars.campaign.sending.tables import outbox
from regulars.errors import ConfigError, InputError, NotFoundError
from tests.campaign.conftest import NOON, Everyone, Mailbox, Settings


def decide(shop: Shop, *rows: tuple[str, str, str | None, int | None], by: str = "campaign") -> None:
    columns = zip(*rows, strict=True)
    names = ("customer_id", "action", "channel", "hour")
    table = pa.table(dict(zip(names, map(list, columns), strict=True)))
    types = [pa.string(), pa.string(), pa.string(), pa.int64()]
    table = table.cast(pa.schema(zip(names, types, strict=True)))
    shop.tables.write(by, "decisions", table if by == "campaign" else table.drop_columns("hour"), NOON)


def test_contacts_leave_once_at_their_hour_and_who_was_left_alone_gets_nothing(
    by_mail: Shop, set_up: Settings, mailbox: Mailbox
) -> None:
    decide(
        by_mail,
        ("ada", "spring by email", "email", NOON.astimezone(ZoneInfo("Europe/London")).hour),
        ("bob", "spring by email", "email", NOON.astimezone(ZoneInfo("America/New_York")).hour + 3),
        ("mei", "none", None, None), ("eve", "leaflet by sms", "sms", 12),
    )  # fmt: skip
    queued = queue_decided(by_mail, "welcome", NOON, ["spring by email"])
    assert queued.contacts == {"spring by email": 2}
    queue_decided(by_mail, "welcome", NOON, ["spring by email"])
    with by_mail.state.read() as view:
        assert dict(view.execute(sa.select(outbox.c.customer_id, outbox.c.not_before)).all()) == {
            "ada": NOON, "bob": NOON + timedelta(hours=3)
        }  # fmt: skip
    set_up(by_mail, stale_hours=2000)
    shop, everyone = Shop.open(by_mail.folder), Everyone()
    assert run(shop, everyone, NOON).tally.counts["sent"] == 1
    turn(shop.state, DECIDED, off=True, who="mei")
    assert run(shop, everyone, NOON + timedelta(hours=3)).tally.counts["sent"] == 0
    turn(shop.state, DECIDED, off=False, who="mei")
    assert run(shop, everyone, NOON + timedelta(hours=3)).tally.counts["sent"] == 1
    assert len(mailbox.letters) == 2
    # By what the log says of them, answers to them are learned from.
    told = [row for row in shop.log.read("events").to_pylist() if row["type"] == "message_sent"]
    assert [row["campaign_id"] for row in told] == ["spring", "spring"]


def test_what_cannot_be_sent_is_refused_with_what_to_do(by_mail: Shop) -> None:
    with pytest.raises(NotFoundError, match="regulars decide campaign"):
        queue_decided(by_mail, "welcome", NOON)
    decide(by_mail, ("ada", "spring by email", "email", 12), ("bob", "spring by sms", "sms", 12))
    with pytest.raises(ConfigError, match="sms_webhook"):
        queue_decided(by_mail, "welcome", NOON)
    with pytest.raises(InputError, match="There are: spring by email, spring by sms"):
        queue_decided(by_mail, "welcome", NOON, ["winter by email"])
    with pytest.raises(InputError, match="Decide again"):
        queue_decided(by_mail, "welcome", NOON + timedelta(days=8))


def test_decisions_of_others_have_no_hour_and_leave_at_the_customers_best(by_mail: Shop) -> None:
    decide(by_mail, ("ada", "spring by email", "email", None), by="lifecycle")
    assert queue_decided(by_mail, "welcome", NOON, by="lifecycle").contacts == {"spring by email": 1}
    with by_mail.state.read() as view:
        (at,) = view.execute(sa.select(outbox.c.not_before)).scalars()
    assert NOON <= at <= NOON + timedelta(days=1)
