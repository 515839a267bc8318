"""What is asked of figures (`targets.toml`), and which of them fall short."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).parent / "targets.toml"

Rows = Mapping[tuple[str, str], Mapping[str, Any]]
"""(case, metric) -> a row of a results file."""


class Target(NamedTuple):
    """Bounds of one figure.

    Attributes
    ----------
    least, most : of the figure, or of its ratio to the peer `of`; None for no bound.
    beats : peers that the figure is to be better than; "all" for each of its row.
    """

    results: str
    case: str
    metric: str
    least: float | None = None
    most: float | None = None
    of: str = ""
    beats: tuple[str, ...] | str = ()

    def missed(self, row: Mapping[str, Any]) -> str:
        """What was asked and is not met, in words; empty where all is. A peer that was not run is asked for.

        >>> row = {"ours": 3.0, "better": "higher", "peers": {"duckdb": 8.0, "polars": 2.0}}
        >>> Target("log", "import", "rows/s", least=0.5, of="duckdb").missed(row)
        'at least 0.5 of duckdb (4)'
        >>> Target("log", "import", "rows/s", beats="all").missed(row)
        'above duckdb (8)'
        >>> Target("log", "import", "rows/s", beats=("spark",)).missed(row)
        'beside spark'
        """
        ours, peers = row["ours"], row["peers"]
        named = {self.of} - {""} | (set() if self.beats == "all" else set(self.beats))
        if absent := sorted(named - set(peers)):
            return f"beside {', '.join(absent)}"
        unit, of = (peers[self.of], f" of {self.of}") if self.of else (1.0, "")
        said = []
        for word, bound, is_out in (
            ("at least", self.least, lambda bound: ours < bound),
            ("at most", self.most, lambda bound: ours > bound),
        ):
            if bound is not None and is_out(bound * unit):
                said.append(f"{word} {bound:g}{of}" + (f" ({bound * unit:.4g})" if of else ""))
        above = row["better"] == "higher"
        for name in peers if self.beats == "all" else self.beats:
            if not (ours > peers[name] if above else ours < peers[name]):
                said.append(f"{'above' if above else 'below'} {name} ({peers[name]:.4g})")
        return "; ".join(said)


def targets(file: Path = FILE) -> list[Target]:
    """All of them, in the order of the file."""
    found = []
    for results, cases in tomllib.loads(file.read_text(encoding="utf-8")).items():
        for case, metrics in cases.items():
            for metric, asked in metrics.items():
                found += [
                    Target(results, case, metric, **one) for one in (asked if isinstance(asked, list) else [asked])
                ]
    return found


def short(results: Mapping[str, Rows]) -> list[tuple[Target, str, str]]:
    """(target, what was asked, our figure) of those that are missed, or that nothing was measured for.

    Parameters
    ----------
    results : name of a results file -> its rows.
    """
    found = []
    for target in targets():
        row = results.get(target.results, {}).get((target.case, target.metric))
        said = "a figure" if row is None else target.missed(row)
        if said:
            found.append((target, said, "not measured" if row is None else f"{row['ours']:.4g}"))
    return found
