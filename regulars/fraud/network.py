"""Addresses of the network: which are the same, which are near, which are none."""

from __future__ import annotations

import ipaddress

import pyarrow as pa
import pyarrow.compute as pc

_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
PLAIN = rf"\A{_BYTE}(?:\.{_BYTE}){{3}}\z"
"""An address of IPv4 in four numbers, without zeros before them."""


def address(text: str) -> tuple[str, str | None]:
    """An address as everybody writes it, and its neighbourhood: /24 of IPv4, /64 of IPv6; None if it is none.

    An IPv4 address inside an IPv6 one is the IPv4 address. Some tables write it as a number.

    >>> address("::ffff:192.0.2.7"), address("2001:db8::1")
    (('192.0.2.7', '192.0.2.0/24'), ('2001:db8::1', '2001:db8::/64'))
    >>> address("732758368.79972"), address("nowhere")
    (('43.173.1.96', '43.173.1.0/24'), ('nowhere', None))
    """
    word = text.strip()
    try:
        found = ipaddress.ip_address(word.partition("%")[0].strip("[]"))
    except ValueError:
        try:
            found = ipaddress.IPv4Address(int(float(word)))
        except (ValueError, OverflowError):
            return word, None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    bits = 24 if found.version == 4 else 64
    return str(found), str(ipaddress.ip_network((found, bits), strict=False))


def addresses(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """(n,) each: addresses and neighbourhoods of texts, as `address` has them; null where there is none.

    >>> addresses(pa.array(["192.0.2.7", "::ffff:192.0.2.7", None]))[1].to_pylist()
    ['192.0.2.0/24', '192.0.2.0/24', None]
    """
    encoded = texts.dictionary_encode()
    known = encoded.dictionary
    # Nearly all are written as everybody does: only the others are read one by one.
    is_plain = pc.match_substring_regex(known, PLAIN)
    others = [address(text) for text in known.filter(pc.invert(is_plain)).to_pylist()]
    whole = pc.replace_with_mask(known, pc.invert(is_plain), pa.array([one for one, _ in others], pa.string()))
    near = pc.replace_substring_regex(known, "[0-9]+$", "0/24")
    near = pc.replace_with_mask(near, pc.invert(is_plain), pa.array([near for _, near in others], pa.string()))
    return whole.take(encoded.indices), near.take(encoded.indices)


def domains(emails: pa.Array) -> pa.Array:
    """(n,) what stands behind the @ of each; of a text without one, the text itself: some tables have no more.

    >>> domains(pa.array(["Ada@Tea.example", "mail.example", None])).to_pylist()
    ['tea.example', 'mail.example', None]
    """
    return pc.utf8_lower(pc.replace_substring_regex(emails, r"^.*@", ""))
