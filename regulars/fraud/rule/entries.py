"""Entries of lists: which values can be listed, and how each is written so that it is compared as attempts are."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from regulars.errors import InputError
from regulars.fraud.attempts import dialled, plain
from regulars.fraud.network import address, domains
from regulars.rules.vocabulary import instead

LISTS = ("allow", "block", "watch")
"""What is on the first is let through, on the second refused, on the third looked at by a person."""

LISTED = ("customer", "device", "ip", "payment", "address", "phone", "email", "email_domain")
"""Entities of `stream.ENTITIES` that can be listed; `ip` also by a range."""

LEAST_BITS = {4: 8, 6: 16}
"""A range of addresses has so many leading bits, at least: a slip of the pen must not block half of the world."""
LONGEST = 300
"""So many characters a value or a note has, at most."""

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
"""Where IPv4 addresses lie among those of IPv6."""


@dataclass(frozen=True)
class Entry:
    """One value on a list.

    Attributes
    ----------
    number : from 1, in the order in which entries were added.
    list : of `LISTS`.
    entity : of `LISTED`.
    value : as attempts are compared by; of `ip` an address or a range in CIDR notation.
    note : why, in words of whoever added it; may be empty.
    by : who added it; may be empty.
    added : when.
    since : from when on it counts: attempts after that moment meet it.
    expires : from when on it counts no more; None for never.
    removed : when it was taken off; None if it was not.
    """

    number: int
    list: str
    entity: str
    value: str
    note: str
    by: str
    added: datetime
    since: datetime
    expires: datetime | None = None
    removed: datetime | None = None

    def counts_at(self, moment: datetime) -> bool:
        """Whether an attempt at a moment meets it. At the moment `since` itself it is not yet known."""
        is_over = self.expires is not None and self.expires <= moment
        is_removed = self.removed is not None and self.removed < moment
        return self.since < moment and not is_over and not is_removed

    @property
    def said(self) -> str:
        """As reasons say it: "block list: device d1 (chargeback)"."""
        return f"{self.list} list: {self.entity} {self.value}" + (f" ({self.note})" if self.note else "")


def normal(entity: str, value: str) -> str | None:
    """A value of an attempt as it is compared; None where nothing is left of it.

    >>> normal("ip", "::ffff:192.0.2.7"), normal("email", "Ada@Tea.example"), normal("email_domain", "Tea.example")
    ('192.0.2.7', 'ada@tea example', 'tea.example')
    """
    if entity == "ip":
        return address(value)[0]
    found: str | None = normals(entity, pa.array([value], pa.string()))[0].as_py()
    return found


def normals(entity: str, values: pa.Array) -> pa.Array:
    """The same of many, which are no addresses of the network; the same as the stream of attempts makes them."""
    match entity:
        case "address" | "email":
            return plain(values)
        case "phone":
            return dialled(values)
        case "email_domain":
            return domains(values)
    return values


def listable(entity: str, value: str) -> str:
    """A value as a list keeps it.

    Raises
    ------
    InputError
        If there is no such entity; if the value is empty, too long, no address or range of addresses, or too large a
        range.

    Examples
    --------
    >>> listable("ip", "2001:DB8::/32"), listable("ip", "192.0.2.7"), listable("email_domain", "@Tea.example")
    ('2001:db8::/32', '192.0.2.7', 'tea.example')
    >>> listable("ip", "192.0.2.7/24")
    Traceback (most recent call last):
    regulars.errors.InputError: "192.0.2.7/24" is no range: behind its first 24 bits it goes on. ...
    """
    if entity not in LISTED:
        raise InputError(f'There is no list of "{entity}".{instead(entity, LISTED)}.')
    value = value.strip()
    if not value or len(value) > LONGEST or not value.isprintable():
        raise InputError(f"A value of {entity} is expected, of 1 to {LONGEST} characters, without control characters.")
    if entity == "ip":
        return _addresses(value)
    if entity == "email" and "@" not in value:
        raise InputError(f'"{value}" is no e-mail address. To list all of a domain: email_domain {value}')
    found = normal(entity, value)
    if not found:
        raise InputError(f'"{value}" is no {entity}: nothing is left of it but what parts words.')
    return found


def _addresses(value: str) -> str:
    head, slash, bits = value.partition("/")
    try:
        if not slash:
            ipaddress.ip_address(head)  # a number, which `address` also reads, is more likely a slip
            return address(head)[0]
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise InputError(
            f'"{value}" is no IP address and no range of them. Write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32.'
        ) from None
    if ipaddress.ip_address(head) != network.network_address:
        raise InputError(
            f'"{value}" is no range: behind its first {bits} bits it goes on. Write {network} for the range, '
            f"{head} for the address."
        )
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is not None and network.prefixlen >= 96:
        network = ipaddress.ip_network(f"{mapped}/{network.prefixlen - 96}")
    holds_all_of_4 = isinstance(network, ipaddress.IPv6Network) and _MAPPED.subnet_of(network)
    if holds_all_of_4 or network.prefixlen < LEAST_BITS[network.version]:
        raise InputError(
            f'"{value}" is too large a range: {network.num_addresses:,} addresses. It has '
            f"{LEAST_BITS[network.version]} bits at least, and does not hold all IPv4 addresses (::ffff:0:0/96)."
        )
    if network.num_addresses == 1:
        return str(network.network_address)
    return str(network)
