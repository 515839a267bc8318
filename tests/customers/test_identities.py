"""Who is who as of a moment, and what follows for whoever reads events."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars import Shop
from regulars.customers import Identities, ordered_within
from regulars.customers.identities import JOINS, is_identity
from regulars.engine import Engine
from regulars.evaluation import leak_check
from regulars.events.schema import EVENTS, TIME
from regulars.profile import dataset, page
from regulars.profile.dataset import features_as_of

Record = Callable[..., Any]


def pairs_of(*pairs: tuple[str, datetime]) -> pa.Table:
    return pa.table({"customer_id": [who for who, _ in pairs], "as_of": pa.array([at for _, at in pairs], TIME)})


@pytest.fixture
def joined(shop: Shop, record: Record, tell: Any) -> Shop:
    """Ada ordered as a visitor on day 0, as herself on day 2; who the visitor is was known from day 1 on.

    On day 3 bob came to the same device; on day 4 his old account was joined with a new one.
    """
    record(
        shop,
        tell.bought(0, None, "v1"),
        tell.identified(1, "ada", "v1"),
        tell.bought(2, "ada"),
        tell.identified(3, "bob", "v1"),
        tell.bought(3.5, "bob"),
        tell.said("customer_aliased", 4, "robert", "bob"),
        tell.bought(5, None, "v2"),
        tell.bought(6, "zoe"),
    )
    return shop


def test_ids_belong_to_a_customer_from_the_join_on(joined: Shop, tell: Any) -> None:
    day = tell.day
    asked = pairs_of(
        ("v1", day(1)), ("v1", day(1.1)), ("ada", day(9)), ("bob", day(4)), ("bob", day(4.1)), ("nobody", day(9))
    )
    assert joined.identities.customers(asked).to_pylist() == ["v1", "ada", "ada", "bob", "robert", "nobody"]
    members = joined.identities.members(asked)
    by_place = sorted(zip(members["place"].to_pylist(), members["customer_id"].to_pylist(), strict=True))
    assert by_place == [
        (0, "v1"), (1, "ada"), (1, "v1"), (2, "ada"), (2, "v1"), (3, "bob"), (4, "bob"), (4, "robert"), (5, "nobody"),
    ]  # fmt: skip


def test_a_shared_device_does_not_join_two_customers_and_that_is_said(joined: Shop) -> None:
    assert joined.identities.refusals.select(["id", "other_id", "reason"]).to_pylist() == [
        {"id": "v1", "other_id": "bob", "reason": "another customer had it first"}
    ]


def test_customers_of_the_shop_are_those_who_ordered_visitors_among_them(joined: Shop, tell: Any) -> None:
    def customers(at: float) -> list[str]:
        found: list[str] = joined.customers(tell.day(at))["customer_id"].to_pylist()
        return found

    assert customers(1) == ["v1"]
    assert customers(1.1) == ["ada"]
    assert customers(4) == ["ada", "bob"]
    assert customers(9) == ["ada", "robert", "v2", "zoe"]


@pytest.mark.parametrize("many", [1, 50_000], ids=["grouped", "joined to pairs"])
def test_a_profile_sees_the_events_of_all_ids(
    joined: Shop, tell: Any, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "MANY", many)

    def orders(at: float, *who: str) -> list[float]:
        found: list[float] = features_as_of(joined, pairs_of(*((each, tell.day(at)) for each in who)))[
            "orders"
        ].to_pylist()
        return found

    assert orders(1, "v1", "ada") == [1, 0]
    assert orders(9, "v1", "ada", "robert", "bob", "v2", "zoe") == [2, 2, 1, 1, 1, 1]


def test_pairs_of_several_moments_see_what_was_known_at_each(joined: Shop, tell: Any) -> None:
    asked = pairs_of(*(("ada", tell.day(at)) for at in (1, 1.1, 2.1)))
    assert features_as_of(joined, asked)["orders"].to_pylist() == [0, 1, 2]


def test_the_page_is_of_the_customer_whichever_id_is_asked(joined: Shop, tell: Any) -> None:
    found = page(joined, "v1", tell.day(9))
    assert (found.customer_id, found.features["orders"]) == ("ada", 2)
    assert page(joined, "v2", tell.day(9)).customer_id == "v2"


def test_who_comes_back_on_another_device_has_come_back(shop: Shop, record: Record, tell: Any) -> None:
    record(
        shop,
        tell.bought(0, "ada"),
        tell.bought(0, "bob"),
        tell.bought(5, None, "v1"),
        tell.identified(8, "ada", "v1"),
        tell.bought(10, "bob"),
    )
    asked = pairs_of(("ada", tell.day(1)), ("bob", tell.day(1)))
    assert ordered_within(shop, asked, 8).tolist() == [True, False]
    # Not yet known to be hers when seven days are over; an order at the end itself is after it.
    assert ordered_within(shop, asked, 7).tolist() == [False, False]
    assert ordered_within(shop, asked, 9).tolist() == [True, False]
    assert ordered_within(shop, asked, 10).tolist() == [True, True]


def test_a_person_parts_and_joins_again(shop: Shop, record: Record, tell: Any) -> None:
    record(
        shop,
        tell.bought(0, "ada"),
        tell.identified(1, "ada", "v1"),
        tell.said("customers_unmerged", 2, "ada", "v1"),
        tell.identified(3, "ada", "v1"),
        tell.said("customers_merged", 4, "ada", "v1"),
    )
    asked = pairs_of(*(("v1", tell.day(at)) for at in (1, 1.5, 2.5, 3.5, 4.5)))
    assert shop.identities.customers(asked).to_pylist() == ["v1", "ada", "v1", "v1", "ada"]
    rows = shop.identities.intervals.to_pylist()
    assert [(row["id"], row["valid_from"], row["valid_to"]) for row in rows] == [
        ("v1", tell.day(1), tell.day(2)),
        ("v1", tell.day(4), None),
    ]


@pytest.mark.parametrize("many", [1, 50_000], ids=["grouped", "joined to pairs"])
def test_nothing_joined_later_is_known_before(
    joined: Shop, tell: Any, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The future is changed, its joins as well: each moment lies just before another join."""
    monkeypatch.setattr(dataset, "MANY", many)
    for at in (1, 2, 3, 4, 5):
        moment = tell.day(at)

        def seen(events: ibis.Table, moment: datetime = moment) -> pa.Table:
            other = joined.with_events(events)
            return features_as_of(other, other.customers(moment))

        check = leak_check(seen, joined.events, moment)
        assert check.passed, check.detail


def test_a_join_seen_too_early_is_found_out(joined: Shop, tell: Any) -> None:
    """The check of the test above can fail: here who is who is read as of a day later."""
    moment = tell.day(1)

    def seen(events: ibis.Table) -> pa.Table:
        other = joined.with_events(events)
        known = other.identities.named(events, moment + timedelta(days=1))
        return other.engine.to_arrow(known.filter(known.time < ibis.literal(moment)).select("customer_id"))

    assert not leak_check(seen, joined.events, moment).passed


def test_a_log_without_other_ids_loads_no_compiler(shop: Shop, record: Record, tell: Any) -> None:
    record(shop, tell.bought(0, "ada"))
    assert shop.identities.is_plain
    code = (
        f"import sys; from regulars import Shop; shop = Shop.open({str(shop.folder)!r}); "
        "assert shop.customers(shop.now).num_rows == 1; assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_new_version_of_the_log_is_read_anew(joined: Shop, record: Record, tell: Any) -> None:
    assert joined.identities is joined.identities
    record(joined, tell.identified(9, "zoe", "v2"))
    assert joined.customers(tell.day(10))["customer_id"].to_pylist() == ["ada", "robert", "zoe"]


@pytest.mark.parametrize(
    "value",
    ["", "0", "000", "0-0", "-1", "null", "NULL", " Anonymous", "void", "undefined", "None", "n/a", "ABC123",
     "test@example.com", "XXXX", "1111", "-"],
)  # fmt: skip
def test_what_programs_write_for_nobody_is_no_identity(value: str) -> None:
    assert not is_identity(pa.array([value]))[0]


@pytest.mark.parametrize("value", ["a", "7", "11", "222", "1112", "ada@test.example", "nullable", "anonymous-7", "茶"])
def test_other_values_are_identities(value: str) -> None:
    assert is_identity(pa.array([value]))[0]


def test_nobody_is_joined_with_nobody(shop: Shop, record: Record, tell: Any) -> None:
    record(shop, tell.identified(0, "ada", "undefined"), tell.identified(1, "-1", "v1"), tell.bought(2, "ada"))
    assert shop.identities.intervals.num_rows == 0
    assert set(shop.identities.refusals["reason"].to_pylist()) == {"no identity"}


NAMES = st.sampled_from(["a", "b", "c", "d", "undefined"])
KIND = st.sampled_from([*JOINS, "product_viewed", "product_viewed"])
EVENT = st.tuples(KIND, st.integers(0, 5), st.none() | NAMES, st.none() | NAMES)


def table_of(events: list[tuple[int, tuple[str, int, str | None, str | None]]]) -> pa.Table:
    start = datetime(2024, 5, 1, tzinfo=UTC)
    rows = [
        {"event_id": f"e{number}", "line": 0, "time": start + timedelta(days=at), "received_at": start, "type": kind,
         "customer_id": customer, "anonymous_id": visitor}
        for number, (kind, at, customer, visitor) in events
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=EVENTS)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(threads=1)


@settings(max_examples=60, deadline=None)
@given(events=st.lists(EVENT, min_size=1, max_size=15), data=st.data())
def test_the_order_of_arrival_does_not_matter(engine: Engine, events: list[Any], data: Any) -> None:
    numbered = list(enumerate(events))
    shuffled = data.draw(st.permutations(numbered))
    one = Identities.of(engine, engine.table(table_of(numbered)))
    other = Identities.of(engine, engine.table(table_of(shuffled)))
    keys = [(name, "ascending") for name in ("id", "valid_from")]
    assert one.intervals.sort_by(keys).equals(other.intervals.sort_by(keys))
    assert one.refusals.equals(other.refusals)


@settings(max_examples=60, deadline=None)
@given(events=st.lists(EVENT, min_size=1, max_size=15), at=st.integers(0, 6))
def test_no_event_is_lost_and_none_counts_twice(engine: Engine, events: list[Any], at: int) -> None:
    """Each event with an id is of one customer, whether events are named or customers are asked for their ids."""
    moment = datetime(2024, 5, 1, tzinfo=UTC) + timedelta(days=at)
    log = engine.table(table_of(list(enumerate(events))))
    with_id = sum(customer is not None or visitor is not None for _, _, customer, visitor in events)
    who = Identities.of(engine, log)
    named = engine.to_arrow(who.named(log, moment).group_by("customer_id").agg(events=ibis._.count()))
    named = named.filter(named["customer_id"].is_valid())
    assert sum(named["events"].to_pylist()) == with_id
    pairs = named.select(["customer_id"]).append_column("as_of", pa.array([moment] * named.num_rows, TIME))
    assert who.customers(pairs).to_pylist() == pairs["customer_id"].to_pylist()
    members = engine.table(who.members(pairs))
    met = members.join(who.raw(log).select("customer_id"), "customer_id")
    counts = engine.to_arrow(met.group_by("place").agg(events=ibis._.count()).order_by("place"))
    assert counts["events"].to_pylist() == named["events"].to_pylist()


@settings(max_examples=60, deadline=None)
@given(events=st.lists(EVENT, min_size=1, max_size=15), at=st.integers(0, 6))
def test_as_of_a_moment_only_joins_before_it_count(engine: Engine, events: list[Any], at: int) -> None:
    moment = datetime(2024, 5, 1, tzinfo=UTC) + timedelta(days=at)
    numbered = list(enumerate(events))
    past = [each for each in numbered if each[1][1] < at] or [(99, ("product_viewed", 0, "a", None))]
    asked = pairs_of(*((name, moment) for name in ("a", "b", "c", "d", "undefined")))
    whole = Identities.of(engine, engine.table(table_of(numbered)))
    before = Identities.of(engine, engine.table(table_of(past)))
    assert whole.customers(asked).to_pylist() == before.customers(asked).to_pylist()
