"""Lists of customers, devices, addresses of the network: what stands on them, from when until when."""

from __future__ import annotations

import ipaddress
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from regulars import Shop
from regulars.clock import held_at
from regulars.errors import CorruptLogError, InputError, NotFoundError
from regulars.fraud.rule import Asked, Entry, Index, Lists
from regulars.fraud.rule.entries import LISTED, LISTS, listable, normal
from regulars.fraud.stream import Stream
from regulars.seal import sealed, unsealed
from regulars.spreadsheet import to_csv

MAY = datetime(2024, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def stream_of(rows: list[dict[str, str | None]], times: list[datetime]) -> Stream:
    codes, names = {}, {}
    for entity in LISTED:
        values = pa.array(
            [None if (value := row.get(entity)) is None else normal(entity, value) for row in rows], pa.string()
        )
        encoded = values.dictionary_encode()
        codes[entity] = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
        names[entity] = encoded.dictionary
    time = pa.array(times, pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    return Stream(time, np.zeros(len(rows), np.int8), np.ones(len(rows)), np.arange(len(rows)), codes, names)


def asked(index: Index, rows: list[dict[str, str | None]], times: list[datetime]) -> list[dict[str, bool | str | None]]:
    """What is said of each: by the way for many, which must be what the way for one says."""
    found = index.of_stream(stream_of(rows, times), np.arange(len(rows)))
    many = [
        {f"listed_{name}": bool(found.on[name][place]) for name in LISTS}
        | {"listed_reason": found.reason[place].as_py()}
        for place in range(len(rows))
    ]
    assert many == [index.of_row(row, time) for row, time in zip(rows, times, strict=True)]
    return many


def blocked(index: Index, entity: str, value: str, time: datetime = MAY) -> bool:
    return bool(asked(index, [{entity: value}], [time])[0]["listed_block"])


def one(entity: str, value: str, **more: datetime) -> Index:
    return Index(
        (Entry(1, "block", entity, listable(entity, value), "", "", MAY, more.pop("since", MAY - HOUR), **more),)
    )


@pytest.mark.parametrize(
    ("entity", "listed", "met", "not_met"),
    [
        ("customer", "ada", "ada", "Ada"),
        ("device", "设备1", "设备1", "设备2"),
        ("email", "Ada@Tea.example", "ada@tea.example", "ada@tea.example.org"),
        ("email_domain", "@Tea.example", "TEA.example", "green.tea.example"),
        ("phone", "+44 (20) 7946-0000", "+44 20 7946 0000", "+44 20 7946 0001"),
        ("phone", "+44 (20) 7946-0000", "+442079460000", "442079460000"),
        ("address", "1, High St.", "1 high st ", "2 High St"),
        ("address", "1, High St.", "1 High St", "1 High Stx"),
        ("address", "长安街1号", "长安街1号", "长安街2号"),
        ("ip", "192.0.2.7", "::ffff:192.0.2.7", "192.0.2.8"),
        ("ip", "192.0.2.0/30", "192.0.2.3", "192.0.2.4"),
        ("ip", "::ffff:192.0.2.0/126", "192.0.2.3", "192.0.2.4"),
        ("ip", "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
        ("ip", "2001:0DB8:0::1", "2001:db8::1", "2001:db8::2"),
        ("ip", "192.0.2.7/32", "192.0.2.7", "not an address"),
    ],
)
def test_a_value_is_met_however_it_is_written(entity: str, listed: str, met: str, not_met: str) -> None:
    index = one(entity, listed)
    assert blocked(index, entity, met)
    assert not blocked(index, entity, not_met)


@pytest.mark.parametrize(
    ("entity", "value", "said"),
    [
        ("ip", "300.1.2.3", "no IP address and no range"),
        ("ip", "10.0.0.0/33", "no IP address and no range"),
        ("ip", "1234", "no IP address and no range"),
        ("ip", "2001:db8::g", "no IP address and no range"),
        ("ip", "192.0.2.7/24", r"Write 192\.0\.2\.0/24 for the range, 192\.0\.2\.7 for the address"),
        ("ip", "0.0.0.0/0", "4,294,967,296 addresses. It has 8 bits at least"),
        ("ip", "::/16", "does not hold all IPv4 addresses"),
        ("ip", "2000::/8", "16 bits at least"),
        ("email", "tea.example", "To list all of a domain: email_domain tea.example"),
        ("device", "  ", "A value of device is expected"),
        ("phone", "( - )", "nothing is left of it"),
        ("device", "a\nb", "without control characters"),
        ("colour", "red", 'There is no list of "colour". There are: address, customer'),
    ],
)
def test_what_cannot_be_listed_is_refused(entity: str, value: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        listable(entity, value)


def test_what_an_earlier_version_listed_is_met_and_can_be_taken_off(shop: Shop) -> None:
    lists = Lists(shop)
    lists.add(Asked("block", "phone", "+44 20 7946 0000", since=MAY - HOUR))
    now = unsealed(lists.path.read_bytes())["entries"]
    lists.path.write_bytes(sealed(json.dumps({"entries": [{**now[0], "value": "+44 20 7946 0000"}]})))
    assert blocked(lists.index(), "phone", "+44 20 7946-0000")
    assert lists.remove("block", "phone", "+442079460000").removed is not None


def test_an_entry_counts_after_it_began_and_before_it_ended() -> None:
    index = one("device", "d1", since=MAY, expires=MAY + HOUR)
    moments = [MAY - HOUR, MAY, MAY + timedelta(microseconds=1), MAY + HOUR - timedelta(microseconds=1), MAY + HOUR]
    assert [blocked(index, "device", "d1", moment) for moment in moments] == [False, False, True, True, False]


def test_what_is_taken_off_counted_before(shop: Shop) -> None:
    lists = Lists(shop)
    with held_at(MAY):
        lists.add(Asked("block", "device", "d1", "chargeback", "ada"))
    with held_at(MAY + HOUR):
        lists.remove("block", "device", "d1")
    with held_at(MAY + 2 * HOUR):
        lists.add(Asked("watch", "device", "d1"))
    index = Lists(Shop.open(shop.folder)).index()
    times = [MAY, MAY + HOUR / 2, MAY + HOUR, MAY + HOUR * 1.5, MAY + HOUR * 3]
    reasons = [found["listed_reason"] for found in asked(index, [{"device": "d1"}] * 5, times)]
    was_blocked = "block list: device d1 (chargeback)"
    assert reasons == [None, was_blocked, was_blocked, None, "watch list: device d1"]


def test_several_entries_are_all_said_in_their_order() -> None:
    since = MAY - HOUR
    entries = [
        ("watch", "ip", "10.0.0.0/8"),
        ("block", "ip", "10.1.0.0/16"),
        ("allow", "customer", "ada"),
        ("block", "ip", "10.1.0.0/16"),
    ]
    index = Index(tuple(Entry(n + 1, *entry, f"n{n}", "", MAY, since) for n, entry in enumerate(entries)))
    (found,) = asked(index, [{"ip": "10.1.2.3", "customer": "ada"}], [MAY])
    assert found["listed_reason"] == (
        "watch list: ip 10.0.0.0/8 (n0); block list: ip 10.1.0.0/16 (n1); allow list: customer ada (n2); "
        "block list: ip 10.1.0.0/16 (n3)"
    )
    assert found["listed_allow"]
    assert found["listed_block"]


def test_empty_lists_say_nothing(shop: Shop) -> None:
    (found,) = asked(Lists(shop).index(), [{"device": "d1", "ip": None}], [MAY])
    assert found == {"listed_allow": False, "listed_block": False, "listed_watch": False, "listed_reason": None}
    nothing = Lists(shop).index().of_stream(stream_of([], []), np.arange(0))
    assert len(nothing.reason) == 0


ADDRESSES = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address) | st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)


@st.composite
def networks(draw: st.DrawFn) -> str:
    found = draw(ADDRESSES)
    bits = draw(st.integers(8, 32) if found.version == 4 else st.integers(16, 128))
    network = ipaddress.ip_network(f"{found}/{bits}", strict=False)
    assume(network.version == 4 or ipaddress.IPv6Address("::ffff:0:0") not in network)
    return str(network)


@settings(max_examples=60, deadline=None)
@given(st.lists(networks(), min_size=1, max_size=6), st.lists(ADDRESSES.map(str), max_size=6), st.data())
def test_ranges_hold_what_the_standard_library_says_they_hold(
    ranges: list[str], others: list[str], data: st.DataObject
) -> None:
    inside = []
    for one_range in ranges:
        network = ipaddress.ip_network(one_range)
        inside.append(str(network[data.draw(st.integers(0, network.num_addresses - 1))]))
    index = Index(
        tuple(
            Entry(n + 1, "block", "ip", listable("ip", each), str(n), "", MAY, MAY - HOUR)
            for n, each in enumerate(ranges)
        )
    )
    addresses = [*inside, *others]
    found = asked(index, [{"ip": address} for address in addresses], [MAY] * len(addresses))
    for address, said in zip(addresses, found, strict=True):
        plain = ipaddress.ip_address(normal("ip", address))
        wanted = []
        for n, each in enumerate(ranges):
            kept = ipaddress.ip_network(listable("ip", each))
            if plain.version == kept.version and plain in kept:
                wanted.append(f"block list: ip {listable('ip', each)} ({n})")
        assert said["listed_reason"] == ("; ".join(wanted) or None)


def test_what_is_added_again_is_the_same_entry_unless_it_says_otherwise(shop: Shop) -> None:
    lists = Lists(shop)
    first = lists.add(Asked("block", "device", "d1", "one"))
    assert lists.add(Asked("block", "device", " d1 ", "one")) == first
    second = lists.add(Asked("block", "device", "d1", "two"))
    assert second.number == 2
    assert lists.in_force(second.added + HOUR) == [second]
    assert len(lists.entries()) == 2


def test_what_cannot_be_is_refused_and_changes_nothing(shop: Shop) -> None:
    lists = Lists(shop)
    with pytest.raises(InputError, match=r'There is no list "blok". Did you mean "block"'):
        lists.add(Asked("blok", "device", "d1"))
    with pytest.raises(InputError, match="would never count"):
        lists.add(Asked("block", "device", "d1", expires=MAY))
    with pytest.raises(InputError, match="300 characters at most"):
        lists.add(Asked("block", "device", "d1", "x" * 301))
    with pytest.raises(NotFoundError, match="device d1 is not on the block list"):
        lists.remove("block", "device", "d1")
    assert lists.entries() == []


def test_who_adds_at_the_same_time_loses_nothing(shop: Shop) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: Lists(shop).add(Asked("block", "device", f"d{n}")), range(12)))
    entries = Lists(shop).entries()
    assert {entry.value for entry in entries} == {f"d{n}" for n in range(12)}
    assert [entry.number for entry in entries] == list(range(1, 13))


def test_a_file_goes_out_and_comes_in_again(shop: Shop, tmp_path: Path) -> None:
    lists = Lists(shop)
    end = datetime(2100, 1, 1, tzinfo=UTC)
    with held_at(MAY):
        lists.add(Asked("block", "ip", "192.0.2.0/24", "机房", "ada", expires=end))
        lists.add(Asked("allow", "email", "ada@tea.example"))
    path = tmp_path / "lists.csv"
    path.write_bytes(to_csv(lists.table(MAY + HOUR)))
    other = Lists(Shop.create(tmp_path / "other"))
    assert other.import_(path) == (2, 0, ())
    assert other.import_(path) == (0, 2, ())
    assert [entry.said for entry in other.entries()] == [entry.said for entry in lists.entries()]
    assert other.entries()[0].expires == end


def test_lines_that_cannot_be_read_are_said_and_the_others_added(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "list,entity,value,expires\nblock,ip,10.0.0.300,\nblock,device,d1,2100-01-01\nblock,device,d2,soon\n"
    )
    found = Lists(shop).import_(path)
    assert (found.added, found.known, len(found.refused)) == (1, 0, 2)
    assert f'{path}, line 2: "10.0.0.300" is no IP address' in found.refused[0]
    assert f'{path}, line 4: "soon" is no time' in found.refused[1]
    path.write_text("device,why\nd1,x\n")
    with pytest.raises(InputError, match=r"no column list, entity, value. Found: device, why"):
        Lists(shop).import_(path)


def test_a_file_that_was_changed_by_hand_is_not_trusted(shop: Shop) -> None:
    lists = Lists(shop)
    lists.add(Asked("allow", "device", "d1"))
    lists.path.write_bytes(lists.path.read_bytes().replace(b"d1", b"d2"))
    with pytest.raises(CorruptLogError, match="is damaged"):
        lists.index()
