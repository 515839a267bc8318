"""The behaviour model beside its peers: the next product, a step of the state, vectors of a million, whole profiles.

    python -m benchmarks.behavior                          all cases (about an hour on two quiet cores)
    python -m benchmarks.behavior beauty                   some of: beauty, state, universal, vectors, gpu
    python -m benchmarks.behavior --data FILE.parquet [--attributes FILE.json] --out FILE.json
                                                           strict and refit on any data of the same kind

A file has the columns user_id, item_id and position. Beauty is read from ../shared/data.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks import next_item_behavior, next_item_peers
from benchmarks.next_item import Figure, read
from benchmarks.next_item_data import beauty
from benchmarks.report import Row, save, shown

PUBLISHED = {"best of twelve models (eSASRec's benchmark)": {"recall@10 warm": 0.0928, "ndcg@10 warm": 0.0531}}
"""Strict, on targets that were met in training, as published."""
METRICS = ("recall@10", "ndcg@10", "recall@10 warm", "ndcg@10 warm")
PEERS = ("popularity", "item-knn", "covisitation", "sasrec", "ials", "ease")


def _line(figures: dict[str, Figure]) -> str:
    return "/".join(shown(figures[metric].value) for metric in ("recall@10", "ndcg@10"))


def rows_of(
    name: str, ours: next_item_behavior.Result, peers: dict[str, next_item_peers.Result], published: bool = False
) -> list[Row]:
    """Strict and refit, each metric with all peers."""
    found = []
    for protocol in ("strict", "refit"):
        for metric in METRICS:
            figures: dict[str, Figure] = getattr(ours, protocol)
            beside = {peer: getattr(result, protocol)[metric].value for peer, result in peers.items()}
            known = {by: said[metric] for by, said in PUBLISHED.items() if published and metric in said}
            said = known if protocol == "strict" else {}
            found.append(Row(f"{name} {protocol}", metric, "higher", figures[metric].value, beside, said))
            found.append(Row(f"{name} {protocol}", f"{metric}, standard error", "lower", figures[metric].error))
    return found


def bench_beauty(folder: Path) -> Iterator[list[Row]]:
    """Amazon Beauty: the table to beat; products hardly met in training; what an epoch takes."""
    histories = beauty()
    ours = next_item_behavior.run(histories)
    peers: dict[str, next_item_peers.Result] = {}
    yield _beauty_rows(ours, peers)
    for name, found in next_item_peers.compare(histories, list(PEERS), minutes=5):
        peers[name] = found
        print(f"{name}: {_line(found.strict)} strict, {_line(found.refit)} refit", flush=True)
        yield _beauty_rows(ours, peers)
    dropouts = (float(str(ours.settings["dropout"])),)
    plain = next_item_behavior.run(histories, with_content=False, with_refit=False, dropouts=dropouts)
    yield _unseen_rows(ours, plain, peers)


def _beauty_rows(ours: next_item_behavior.Result, peers: dict[str, next_item_peers.Result]) -> list[Row]:
    rows = rows_of("beauty", ours, peers, published=True)
    theirs = {name: found.settings for name, found in peers.items() if name.startswith(next_item_peers.SASREC)}
    pace = {name.partition(",")[0]: settings["epoch_seconds"] for name, settings in theirs.items()}
    total = {name: settings["best_seconds"] for name, settings in theirs.items()}
    rows.append(Row("beauty", "seconds an epoch on 2 cores", "lower", ours.epoch_seconds, pace))
    rows.append(Row("beauty", "seconds in total to the best", "lower", ours.best_seconds, total))
    return rows


def _unseen_rows(
    ours: next_item_behavior.Result, plain: next_item_behavior.Result, peers: dict[str, next_item_peers.Result]
) -> list[Row]:
    rare = {name: found.strict["recall@10 rare"].value for name, found in peers.items()}
    rare["ours without content"] = plain.strict["recall@10 rare"].value
    metric = "recall@10 on targets with fewer than 3 training events"
    rows = [Row("beauty, unseen items", metric, "higher", ours.strict["recall@10 rare"].value, rare)]
    for metric in ("recall@10", "ndcg@10"):
        rows.append(Row("beauty strict, without content", metric, "higher", plain.strict[metric].value))
    return rows


def bench_state(folder: Path) -> Iterator[list[Row]]:
    """One event into the state of one customer."""
    from benchmarks import behavior_state

    yield behavior_state.bench()


def bench_universal(folder: Path) -> Iterator[list[Row]]:
    """Churn, categories and products of the next fourteen days from the vector alone."""
    from benchmarks import behavior_universal

    yield behavior_universal.bench()


def bench_vectors(folder: Path) -> Iterator[list[Row]]:
    """Vectors of up to a million customers with fifty events each, each number in a process of its own."""
    for customers in (100_000, 300_000, 1_000_000):
        command = [sys.executable, "-m", "benchmarks.behavior_vectors", str(folder / str(customers)), str(customers)]
        subprocess.run([*command, "make"], check=True)
        done = subprocess.run([*command, "read"], check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        case = "vectors, 1 m customers x 50 events" if customers == 1_000_000 else f"vectors, {customers:,} x 50 events"
        yield [
            Row(case, "events/s, tiny", "higher", found["events"] / found["seconds"]),
            Row(case, "peak memory mib", "lower", found["peak_mib"]),
        ]


def bench_gpu(folder: Path) -> Iterator[list[Row]]:
    """Training on a GPU, where there is one."""
    import torch

    from benchmarks import behavior_gpu

    if torch.cuda.is_available():
        yield from behavior_gpu.bench()
    else:
        print("There is no GPU here.")


CASES: dict[str, Callable[[Path], Iterator[list[Row]]]] = {
    "beauty": bench_beauty,
    "state": bench_state,
    "universal": bench_universal,
    "vectors": bench_vectors,
    "gpu": bench_gpu,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], help="default: all")
    parser.add_argument("--data", type=Path, help="a Parquet of user_id, item_id, position")
    parser.add_argument("--attributes", type=Path, help="JSON: {item_id: [attributes]}")
    parser.add_argument("--out", type=Path, help="where to write the figures of --data as JSON")
    parser.add_argument("--peers", action="store_true", help="run the peers on --data too")
    arguments = parser.parse_args()
    if arguments.data:
        one_file(arguments.data, arguments.attributes, arguments.out, with_peers=arguments.peers)
        return
    for name in arguments.cases or list(CASES):
        with tempfile.TemporaryDirectory(prefix="behavior-") as folder:
            # Kept as they come: a run of an hour that is cut short keeps what it has measured.
            for rows in CASES[name](Path(folder)):
                save("behavior", rows)


def one_file(data: Path, attributes: Path | None, out: Path | None, *, with_peers: bool) -> None:
    """Ours, and the peers if asked for, on a file; the figures go to `out`, else to the screen."""
    started = time.perf_counter()
    histories = read(data, attributes)
    ours = next_item_behavior.run(histories)
    peers = dict(next_item_peers.compare(histories, list(PEERS), 10)) if with_peers else {}
    found = {
        "data": data.name,
        "rows": [asdict(row) for row in rows_of(data.stem, ours, peers)],
        "settings": ours.settings,
        "epoch_seconds": ours.epoch_seconds,
        "seconds": time.perf_counter() - started,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    text = json.dumps(found, indent=1, default=str) + "\n"
    if out:
        out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
