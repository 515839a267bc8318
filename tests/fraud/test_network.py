"""Addresses read many at once are those read one by one."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from regulars.fraud.network import address, addresses

number = st.integers(0, 300).map(str) | st.sampled_from(["", "00", "01", "007", " 7", "1e3"])
written = (
    st.lists(number, min_size=1, max_size=5).map(".".join)
    | st.ip_addresses().map(str)
    | st.sampled_from(
        ["::ffff:192.0.2.7", "[2001:db8::1%eth0]", "nowhere", "732758368.79972", "192.0.2.7\n", " 10.0.0.1"]
    )
    | st.text(max_size=8)
)


@given(st.lists(written | st.none(), max_size=12))
@example(["192.0.2.7", "192.0.2.7\n", "192.0.2.07", "0.0.0.7", "255.255.255.255", "256.1.1.1"])
def test_many_are_read_as_each_is(texts: list[str | None]) -> None:
    whole, near = addresses(pa.array(texts, pa.string()))
    expected = [(None, None) if text is None else address(text) for text in texts]
    assert list(zip(whole.to_pylist(), near.to_pylist(), strict=True)) == expected
