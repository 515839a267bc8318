"""Which customers hang together: connected components of the graph of links that few share by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from regulars.fraud.graph.links import STRONG, Flags, Links, customers_of
from regulars.fraud.stream import UNKNOWN, Ints, Stream

NEAR = 3600 * 1_000_000
"""Microseconds: accounts opened from one IP so soon after each other hang together."""


@dataclass(frozen=True)
class Groups:
    """Each customer and each shared entity in exactly one group; most customers are a group of their own.

    Attributes
    ----------
    of_customer : (customers,) number of the group.
    of_entity : (entities,) number of the group; of an IP, and of what is nobody's by a link that joins, a group of its
        own without customers.
    customers : (groups,) how many of each.
    joins : (links,) whether a link joins its customer to the group: it is strong, and the account was not taken over.
    """

    of_customer: Ints
    of_entity: Ints
    customers: Ints
    joins: Flags

    def of_rows(self, stream: Stream, links: Links) -> Ints:
        """(n,) the group behind each row of the stream, -1 where it names no customer.

        It is that of the device: what is done with an account that was taken over is a deed of the group, and no deed
        of the victim's household. Where the row names none, or a hub, it is the group of the customer.
        """
        customer = customers_of(stream)
        found = np.full(len(stream), UNKNOWN, np.int64)
        found[customer >= 0] = self.of_customer[customer[customer >= 0]]
        if "device" in links.kinds:
            start = int(links.starts[links.kinds.index("device")])
            device = stream.codes["device"]
            behind = self.of_entity[start + np.maximum(device, 0)]
            found = np.where((device >= 0) & (self.customers[behind] > 0) & (customer >= 0), behind, found)
        return found


def groups(links: Links) -> Groups:
    """Join customers who share a device, a card, an address or a phone, or opened accounts from one IP within an hour.

    An IP by itself joins nobody: neighbours, offices and mobile networks share one.

    Examples
    --------
    Ada and Bo share a device; Cy has only their IP, a day later:

    >>> from regulars.fraud.graph.links import links
    >>> codes = {"customer": np.array([0, 1, 2]), "device": np.array([0, 0, 1]), "ip": np.array([0, 0, 0])}
    >>> time = np.array([0, 1, 86_400_000_000])
    >>> three = Stream(time, np.zeros(3, np.int8), np.ones(3), np.arange(3), codes, {})
    >>> groups(links(three)).of_customer.tolist()
    [0, 0, 1]
    """
    customers, entities = links.rows.shape
    joins = links.is_of(STRONG) & ~links.is_taken
    one, other = links.customer[joins], customers + links.entity[joins]
    near = _opened_near(links)
    one, other = np.concatenate([one, near[0]]), np.concatenate([other, near[1]])
    count = customers + entities
    graph = sparse.coo_array((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
    _, label = csgraph.connected_components(graph.tocsr(), directed=False)
    label = label.astype(np.int64)
    return Groups(
        label[:customers],
        label[customers:],
        np.bincount(label[:customers], minlength=int(label.max(initial=-1)) + 1),
        joins,
    )


def _opened_near(links: Links) -> tuple[Ints, Ints]:
    """Pairs of customers who opened accounts on one IP within NEAR of each other."""
    opened = np.flatnonzero(links.is_of(("ip",)) & (links.first == links.opened[links.customer]))
    customer, ip, first = links.customer[opened], links.entity[opened], links.first[opened]
    order = np.lexsort((first, ip))
    customer, ip, first = customer[order], ip[order], first[order]
    is_near: npt.NDArray[np.bool_] = (np.diff(ip) == 0) & (np.diff(first) <= NEAR)
    at = np.flatnonzero(is_near)
    return customer[at], customer[at + 1]
