"""The results of a benchmark: printed, kept as JSON, and rendered into RESULTS.md."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.targets import short, targets

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("regulars", "duckdb", "ibis-framework", "lightgbm", "numpy", "pyarrow", "scikit-learn", "torch")


@dataclass
class Row:
    """One figure: ours, and the peers' from the same run."""

    case: str
    metric: str
    better: str
    ours: float
    peers: dict[str, float] = field(default_factory=dict)
    published: dict[str, float] = field(default_factory=dict)


def machine() -> str:
    """What it ran on, in a line."""
    cores = len(_lines("/proc/cpuinfo", "processor"))
    model = next(iter(_lines("/proc/cpuinfo", "model name")), "").split(":")[-1].strip()
    memory = int(next(iter(_lines("/proc/meminfo", "MemTotal"))).split()[1]) >> 20
    return f"{cores} cores ({model}), {memory} GiB, {platform.system()}, Python {platform.python_version()}"


def _lines(path: str, start: str) -> list[str]:
    return [line for line in Path(path).read_text().splitlines() if line.startswith(start)]


def save(name: str, rows: list[Row]) -> None:
    """Print rows, put them into results/NAME.json in place of those of the same case and metric, render RESULTS.md."""
    path = RESULTS / f"{name}.json"
    kept: list[dict[str, Any]] = json.loads(path.read_text())["rows"] if path.exists() else []
    new = {(row.case, row.metric) for row in rows}
    today = date.today().isoformat()
    merged = [row for row in kept if (row["case"], row["metric"]) not in new]
    # Each with its own date: a run of one case leaves the others as they were found then.
    merged += [asdict(row) | {"date": today} for row in rows]
    found = {
        "date": today,
        "machine": machine(),
        "versions": {package: version(package) for package in PACKAGES},
        "rows": merged,
    }
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")
    for row in rows:
        print(_line(asdict(row)), file=sys.stderr)
    render()


def _line(row: dict[str, Any]) -> str:
    beside = [f"{name} {shown(figure)} ({_ratio(row, figure)})" for name, figure in row["peers"].items()]
    beside += [f"{name} {shown(figure)} published" for name, figure in row["published"].items()]
    return f"{row['case']}, {row['metric']} ({row['better']} is better): {shown(row['ours'])}; " + ", ".join(beside)


def _ratio(row: dict[str, Any], figure: float) -> str:
    return f"ours is {row['ours'] / figure:.2f} of it" if figure else "no ratio"


def shown(figure: float) -> str:
    """Large figures whole, small ones to four digits."""
    return f"{figure:,.0f}" if abs(figure) >= 1000 else f"{figure:.4g}"


def render(to: Path = RESULTS.parent / "RESULTS.md") -> str:
    """RESULTS.md, from all results there are; its text."""
    files = {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}
    parts = ["# Results\n\nMade by `python -m benchmarks.NAME`; peers ran in the same run on the same machine.\n"]
    parts.append(_short(files))
    for name, found in files.items():
        parts.append(f"\n## {name}\n\nLast run {found['date']}, {found['machine']}.\n")
        versions = ", ".join(f"{package} {number}" for package, number in found["versions"].items())
        parts.append(
            f"\n{versions}.\n\n| case | metric | better | ours | peers | published | run |\n|---|---|---|---|---|---|---|\n"
        )
        for row in found["rows"]:
            peers = "<br>".join(
                f"{name}: {shown(figure)} ({_ratio(row, figure)})" for name, figure in row["peers"].items()
            )
            published = "<br>".join(f"{name}: {shown(figure)}" for name, figure in row["published"].items())
            parts.append(
                f"| {row['case']} | {row['metric']} | {row['better']} | {shown(row['ours'])} | {peers} | {published} "
                f"| {row['date']} |\n"
            )
    text = "".join(parts)
    to.write_text(text)
    return text


def _short(files: dict[str, Any]) -> str:
    """What falls short of `targets.toml`, as a table."""
    rows = {name: {(row["case"], row["metric"]): row for row in found["rows"]} for name, found in files.items()}
    missed = short(rows)
    lines = [
        f"| {target.results} | {target.case} | {target.metric} | {said} | {ours} |\n" for target, said, ours in missed
    ]
    return (
        f"\n## What falls short\n\nOf {len(targets())} targets (`targets.toml`) {len(missed)} are missed.\n\n"
        "| file | case | metric | asked | ours |\n|---|---|---|---|---|\n" + "".join(lines)
    )
