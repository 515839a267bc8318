"""Do the tests notice when the code is wrong? Small mistakes are made in modules whose tests must catch each of them.

One process imports the libraries; each mutant runs in a fork of it, with the module's mutated source in place of its
own: `python -m benchmarks.mutation [CASE] [--most N]`, 0 for all mutants. Survivors are printed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.report import Row, save

ROOT = Path(__file__).parents[1]
SECONDS = 60
"""So long the tests of a mutant may take: one that never ends is noticed, too."""
LIBRARIES = ("duckdb", "hypothesis", "ibis", "numpy", "pyarrow.parquet", "pydantic", "pytest", "sqlalchemy", "typer")
CASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "pricing guardrails": (
        ("regulars.pricing.guard.bounds", "regulars.pricing.guard.checker", "regulars.pricing.guard.rules"),
        ("tests/pricing/guard/test_guard.py", "tests/pricing/guard/test_exact.py"),
    ),
    "caps and pacing of ads": (
        ("regulars.ads.delivery.caps", "regulars.ads.pacing.curve", "regulars.ads.pacing.pacer"),
        ("tests/ads/delivery/test_delivery.py", "tests/ads/pacing/test_pacer.py"),
    ),
    "contact policy": (
        ("regulars.campaign.sending.permission", "regulars.campaign.sending.hours"),
        ("tests/campaign/sending/test_hours.py", "tests/campaign/sending/test_permission.py"),
    ),
    "commit protocol": (
        ("regulars.events.commit", "regulars.seal"),
        ("tests/events/test_commit.py", "tests/events/test_log.py", "tests/test_seal.py"),
    ),
    "storage": (("regulars.storage",), ("tests/test_storage.py", "tests/events/test_commit.py")),
    "fold": (("regulars.events.inbox.folding",), ("tests/events/inbox/test_fold.py",)),
}
"""Modules, and their tests. Doctests are not among these: pytest reads their modules itself, without the mistake."""
SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[str, ast.Module]]:
    """Each a description and a tree that differs in one place; what only words or types say is left as it is."""
    tree = ast.parse(source)
    decorating = [each for node in ast.walk(tree) for each in getattr(node, "decorator_list", ())]
    passed = {inner for each in decorating for inner in ast.walk(each)}
    for place, node in enumerate(ast.walk(tree)):
        if node in passed:
            continue
        for said, change in _changes(node):
            mutated = copy.deepcopy(tree)
            change(next(other for at, other in enumerate(ast.walk(mutated)) if at == place))
            yield f"line {getattr(node, 'lineno', 0)}: {said}", ast.fix_missing_locations(mutated)


def _changes(node: ast.AST) -> Iterator[tuple[str, Any]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield ast.unparse(node), lambda other: other.ops.__setitem__(0, SWAPS[type(other.ops[0])]())
    elif isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS and not _is_of_types(node):
        yield ast.unparse(node), lambda other: setattr(other, "op", SWAPS[type(other.op)]())
    elif isinstance(node, ast.Constant) and type(node.value) in (int, bool):
        wrong = (lambda value: not value) if isinstance(node.value, bool) else (lambda value: value + 1)
        yield repr(node.value), lambda other: setattr(other, "value", wrong(other.value))
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield f"not {ast.unparse(node.test)}", lambda other: setattr(other, "test", ast.UnaryOp(ast.Not(), other.test))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield f"without {ast.unparse(node)}", lambda other: setattr(other, "value", ast.Constant(None))
    elif isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield f"None for {ast.unparse(node)}", lambda other: setattr(other, "value", ast.Constant(None))


def _is_of_types(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and "None" in ast.unparse(node)


def source_of(name: str) -> Path:
    """Where a module stands."""
    return ROOT / (name.replace(".", "/") + ".py")


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module's mutated source to whoever imports it."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name, self.tree = name, tree
        self.origin = str(source_of(name))  # not by `find_spec`, which imports the package around it

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Of the one module."""
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.origin, loader=self)

    def exec_module(self, module: Any) -> None:
        """Run the mutated source."""
        exec(compile(self.tree, self.origin, "exec"), module.__dict__)  # noqa: S102


def survives(name: str, tree: ast.Module, tests: tuple[str, ...]) -> bool:
    """Whether all tests pass though the module is wrong."""
    child = os.fork()
    if child == 0:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of the processor: a busy machine notices no mistakes
        signal.alarm(20 * SECONDS)  # and for one that waits for ever
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        code = 1
        try:
            import pytest

            sys.meta_path.insert(0, Mutated(name, tree))
            words = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:randomly", *tests]
            code = int(pytest.main(words))
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def main() -> None:
    """The share of mutants that are noticed, case by case."""
    asked = argparse.ArgumentParser()
    asked.add_argument("case", nargs="*", default=list(CASES))
    asked.add_argument("--most", type=int, default=60)
    said = asked.parse_args()
    for library in LIBRARIES:
        importlib.import_module(library)
    os.chdir(ROOT)
    rows = []
    for case in said.case:
        modules, tests = CASES[case]
        found = [(name, where, tree) for name in modules for where, tree in mutants(source_of(name).read_text())]
        if said.most and len(found) > said.most:
            found = random.Random(0).sample(found, said.most)
        assert survives(modules[0], ast.parse(source_of(modules[0]).read_text()), tests)
        broken = [name for name in modules if survives(name, ast.parse("raise RuntimeError"), tests)]
        assert not broken, f"the tests of {case} do not read {broken}"
        began, left = time.monotonic(), []
        for name, where, tree in found:
            if survives(name, tree, tests):
                left.append(f"{name}, {where}")
                print("survives:", left[-1], flush=True)
        rows.append(Row(case, f"share of {len(found)} mutants noticed", "higher", 1 - len(left) / len(found)))
        print(case, len(found), "mutants", len(left), "survive", f"{time.monotonic() - began:.0f} s", flush=True)
    save("mutation", rows)


if __name__ == "__main__":
    main()
