"""What several processes have counted, as one page for Prometheus: each figure says of which process it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

LABEL = "process"


def together(pages: Mapping[str, bytes]) -> bytes:
    """One page of those of each process.

    A process that was started again counts from 0, as Prometheus expects of one; what all did is a sum over processes.

    Examples
    --------
    >>> page = b"# HELP calls_total Calls.\\n# TYPE calls_total counter\\ncalls_total 2.0\\n"
    >>> print(together({"1": page, "writer": page}).decode())
    # HELP calls_total Calls.
    # TYPE calls_total counter
    calls_total{process="1"} 2.0
    calls_total{process="writer"} 2.0
    <BLANKLINE>
    """
    found: dict[str, Metric] = {}
    for process, page in pages.items():
        for family in text_string_to_metric_families(page.decode()):
            into = found.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            into.samples += [each._replace(labels={**each.labels, LABEL: process}) for each in family.samples]
    return generate_latest(cast(CollectorRegistry, _Found(found.values())))


class _Found:
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
