"""Events go when their type is kept no longer, and what stood in them alone goes from everywhere."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import tomlkit

from regulars import Shop, clock
from regulars.customers import withheld
from regulars.privacy.erase import retain
from tests.privacy.conftest import IDS, ORDER, QUESTION, REVIEW, bytes_with

JUNE = datetime(2024, 6, 1, tzinfo=UTC)


def keeping(shop: Shop, **days: int) -> Shop:
    path = shop.folder / "shop.toml"
    document = tomlkit.parse(path.read_text())
    document.setdefault("log", tomlkit.table())["keep_events"] = days
    path.write_text(tomlkit.dumps(document))
    return Shop.open(shop.folder)


def types_of(shop: Shop) -> list[str]:
    return sorted(Shop.open(shop.folder).log.read("events")["type"].to_pylist())


def test_events_that_are_too_old_go_by_type_and_their_words_from_everywhere(planted):
    before = types_of(planted)
    with clock.held_at(JUNE):
        done = retain(keeping(planted, support_asked=20, product_reviewed=40))
    assert done is not None
    assert done.rows == 1
    before.remove("support_asked")
    assert types_of(planted) == before
    assert bytes_with(planted.folder, (QUESTION,)) == []
    assert bytes_with(planted.folder, (REVIEW,))  # 40 days are not over
    assert bytes_with(planted.folder, (IDS[0],))  # the customer is one still


def test_a_customer_of_whom_nothing_is_left_is_nowhere(planted):
    with clock.held_at(datetime(2024, 5, 4, 1, tzinfo=UTC)):
        retain(keeping(planted, **{"*": 1, "product_shared": 9_999}))
    assert types_of(planted) == ["order_completed", "order_completed", "order_refunded", "product_shared"]
    assert bytes_with(planted.folder, (IDS[1], IDS[2], QUESTION, REVIEW)) == []
    assert bytes_with(planted.folder, (ORDER,)), "the refund is kept"


def test_an_objection_outlives_what_is_kept_of_all_others(planted, record):
    record(planted, *(
        {"type": kind, "customer_id": "bob", "time": "2024-05-01T08:00:00Z", "properties.purpose": purpose}
        for kind, purpose in (("objection_made", "profiling"), ("consent_withdrawn", "email"))
    ))  # fmt: skip
    with clock.held_at(JUNE):
        retain(keeping(planted, **{"*": 1}))
    assert types_of(planted) == ["consent_withdrawn", "objection_made"]
    shop = Shop.open(planted.folder)
    with clock.held_at(JUNE):
        assert withheld(shop, "profiling", JUNE).to_pylist() == ["bob"]
        retain(keeping(planted, **{"*": 1, "consent_withdrawn": 5}))
    assert types_of(planted) == ["objection_made"]


def test_an_objection_under_a_visitors_id_outlives_the_rest_with_what_says_whose_it_is(planted, record):
    objected = {"type": "objection_made", "anonymous_id": IDS[1], "time": "2024-05-01T09:10:00Z", "text": "profiling"}
    traits = {"type": "customer_identified", "customer_id": IDS[0], "properties.name": "Ada", "time": objected["time"]}
    other = {"type": "customer_identified", "customer_id": "bob", "anonymous_id": "v-bob", "time": objected["time"]}
    record(planted, objected, traits, other)
    with clock.held_at(JUNE):
        retain(keeping(planted, **{"*": 1}))
        assert types_of(planted) == ["customer_aliased", "customer_identified", "objection_made"]
        assert withheld(Shop.open(planted.folder), "profiling", JUNE).to_pylist() == [IDS[0]]
        assert retain(Shop.open(planted.folder)) is None
        retain(keeping(planted, **{"*": 1, "customer_aliased": 5}))
    assert types_of(planted) == ["customer_identified", "objection_made"]


def test_without_limits_and_without_anything_too_old_nothing_is_done(planted, cli):
    version = planted.log.version
    assert retain(planted) is None
    with clock.held_at(JUNE):
        assert retain(keeping(planted, support_asked=999)) is None
        code, said, _ = cli("retain", "--shop", planted.folder, "--json")
    assert code == 0
    assert json.loads(said) == {"rows": 0, "log_version": version}
