"""The rules that keep the package simple, read off its source: each checker is shown to be able to fail."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from pathlib import Path

import pytest

import regulars

PACKAGE = Path(regulars.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "clock", "mounts", "storage", "object_store", "seal", "spreadsheet", "units", "webhook"),
    ("events", "engine", "client"),
    ("customers",),
    (
        "config",
        "capability",
        "models",
        "tables",
        "decisions",
        "state",
        "outbox",
        "recent",
        "shop",
        "undated",
        "drift",
        "doctor",
    ),
    ("simulate",),
    ("evaluation", "experiment", "language", "logistic", "rules", "trees"),
    ("behavior",),
    ("behaving",),
    ("profile", "churn", "recommend", "realtime", "segment", "fraud", "campaign", "pricing", "ads", "support"),
    ("lifecycle",),
    ("privacy",),
    ("backup",),
    ("demo", "serve"),
    ("console",),
    ("cli",),
    ("__main__",),
)
"""From low to high: what stands lower never imports what stands higher."""
APART = {"profile", "churn", "recommend", "realtime", "segment", "fraud", "campaign", "pricing", "ads", "support"}
"""Capabilities read each other through the shop's tables alone."""
HEIGHT = {name: height for height, names in enumerate(LAYERS) for name in names}

WRITING_CALLS = {
    "os": {"rename", "replace", "unlink", "remove", "mkdir", "makedirs", "rmdir", "link", "symlink", "truncate"},
    "shutil": {"move", "rmtree", "copy", "copyfile", "copytree"},
    "Path": {
        "write_text", "write_bytes", "unlink", "mkdir", "rename", "rmdir", "touch", "symlink_to", "hardlink_to",
    },
}  # fmt: skip
TELLING_TIME = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time"),
}  # fmt: skip
TRUTH = {f"regulars.simulate.{name}" for name in ("truth", "record", "oracle", "lists")}
RUNNING_SQL = {"execute", "executemany", "exec_driver_sql", "sql", "raw_sql", "text"}
SECRETS = {"secret", "password", "token", "signature", "hmac"}
UNSAFE = {"pickle", "cPickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}


def name_of(path: Path) -> str:
    return ".".join(["regulars", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


@lru_cache(maxsize=1)  # one source is read by all checkers, then the next
def nodes(source: str) -> list[ast.AST]:
    """All nodes that run: not those that only a type checker reads."""
    found: list[ast.AST] = [ast.parse(source)]
    for node in found:
        found += [child for child in ast.iter_child_nodes(node) if not is_type_checking(child)]
    return found


def imported(source: str) -> Iterator[tuple[int, str]]:
    """Line and full name of each thing imported."""
    for node in nodes(source):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def part_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "regulars" and len(parts) > 1 else None


def wrong_way(source: str, module: str) -> Iterator[str]:
    own = part_of(module)
    for line, name in imported(source):
        other = part_of(name)
        if own is None or other is None or other == own:
            continue
        if other not in HEIGHT:
            # Of the package itself: `from regulars import Shop` is the front door, for whoever is above it.
            other = "shop" if other == "Shop" else "errors"
        if HEIGHT[other] > HEIGHT[own] or (other in APART and own in APART):
            yield f"{module}, line {line}: {name} is above it"


def reads_truth(source: str, module: str) -> Iterator[str]:
    """Only who judges may know the truth of a simulated shop: evaluation, and the `evaluate` of a capability."""
    if part_of(module) in ("simulate", "evaluation") or module.rsplit(".", maxsplit=1)[-1] == "evaluate":
        return
    for line, name in imported(source):
        if any(name == known or name.startswith(f"{known}.") for known in TRUTH):
            yield f"{module}, line {line}: {name}"
    for node in nodes(source):
        if isinstance(node, ast.Attribute) and node.attr == "hidden":
            yield f"{module}, line {node.lineno}: {ast.unparse(node)}"


def names_engine(source: str, module: str) -> Iterator[str]:
    if part_of(module) == "engine":
        return
    for line, name in imported(source):
        if name.split(".")[0] == "duckdb" or "duckdb" in name.split("."):
            yield f"{module}, line {line}: {name}"
    for node in nodes(source):
        if isinstance(node, ast.Attribute) and node.attr == "duckdb":
            yield f"{module}, line {node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.Constant) and node.value == "duckdb":
            yield f"{module}, line {node.lineno}: the name of an engine"


def writes(source: str, module: str) -> Iterator[str]:
    if module == "regulars.storage":
        return
    for call in calls(source):
        if not isinstance(call.func, ast.Attribute | ast.Name):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
        owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        opened = name == "open" and _writes_by_mode(call)
        of_path = isinstance(call.func, ast.Attribute) and name in WRITING_CALLS["Path"]
        if opened or (owner != "storage" and (of_path or name in WRITING_CALLS.get(owner, set()))):
            yield f"{module}, line {call.lineno}: {ast.unparse(call)}"


def _writes_by_mode(call: ast.Call) -> bool:
    said = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
    modes = [arg.value for arg in said if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return any(set(mode) <= set("rwaxbt+") and set(mode) & set("wax+") for mode in modes)


def calls(source: str) -> Iterator[ast.Call]:
    return (node for node in nodes(source) if isinstance(node, ast.Call))


def tells_time(source: str, module: str) -> Iterator[str]:
    if module == "regulars.clock":
        return
    for call in calls(source):
        if isinstance(call.func, ast.Attribute):
            owner = ast.unparse(call.func.value).split(".")[-1]
            if (owner, call.func.attr) in TELLING_TIME:
                yield f"{module}, line {call.lineno}: {ast.unparse(call)}"
    yield from (
        f"{module}, line {line}: {name}" for line, name in imported(source) if name in ("time.time", "time.time_ns")
    )


def unsafe(source: str, module: str) -> Iterator[str]:
    for line, name in imported(source):
        if name.split(".")[0] in UNSAFE:
            yield f"{module}, line {line}: {name}"
    for call in calls(source):
        if ast.unparse(call.func) in ("torch.load", "torch.save", "eval", "exec") or any(
            word.arg == "allow_pickle" for word in call.keywords
        ):
            yield f"{module}, line {call.lineno}: {ast.unparse(call)}"


def formats_sql(source: str, module: str) -> Iterator[str]:
    """A statement that is put together from texts could be made to say something else; settings of our own may be."""
    for call in calls(source):
        asked = call.args[0] if call.args else None
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name in RUNNING_SQL and isinstance(asked, ast.JoinedStr):
            start = asked.values[0].value if isinstance(asked.values[0], ast.Constant) else ""
            if not str(start).startswith(("PRAGMA ", "SET ")):
                yield f"{module}, line {call.lineno}: {ast.unparse(call)}"


def compares_secret(source: str, module: str) -> Iterator[str]:
    """How long == takes tells how much of a guess is right; hmac.compare_digest tells nothing."""
    for node in nodes(source):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            for side in (node.left, *node.comparators):
                name = side.attr if isinstance(side, ast.Attribute) else side.id if isinstance(side, ast.Name) else ""
                if name.rpartition("_")[2] in SECRETS:
                    yield f"{module}, line {node.lineno}: {ast.unparse(node)}"


def undocumented(source: str, module: str) -> Iterator[str]:
    tree = nodes(source)[0]
    assert isinstance(tree, ast.Module)
    if not ast.get_docstring(tree) and tree.body:
        yield f"{module}: the module"
    yield from _undocumented(tree, module)


def _undocumented(tree: ast.Module | ast.ClassDef, module: str) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                yield f"{module}, line {node.lineno}: {node.name}"
            if isinstance(node, ast.ClassDef):
                yield from _undocumented(node, module)


Checker = Callable[[str, str], Iterator[str]]

CHECKERS: tuple[Checker, ...] = (
    wrong_way, reads_truth, names_engine, writes, tells_time, unsafe, formats_sql, compares_secret, undocumented,
)  # fmt: skip


@cache
def faults() -> dict[Checker, list[str]]:
    """What each checker finds in the package."""
    found: dict[Checker, list[str]] = {checker: [] for checker in CHECKERS}
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        for checker in CHECKERS:
            found[checker] += checker(source, name_of(path))
    return found


def found_by(checker: Checker) -> list[str]:
    return faults()[checker]


def test_imports_go_one_way() -> None:
    assert found_by(wrong_way) == []


def test_only_who_judges_reads_the_truth() -> None:
    assert found_by(reads_truth) == []


def test_every_module_has_its_layer() -> None:
    parts = {part for path in SOURCES if (part := part_of(name_of(path)))}
    assert parts == set(HEIGHT)


def test_only_the_engine_module_names_an_engine() -> None:
    assert found_by(names_engine) == []


def test_only_storage_writes() -> None:
    assert found_by(writes) == []


def test_only_the_clock_tells_the_time() -> None:
    assert found_by(tells_time) == []


def test_nothing_is_loaded_that_could_run_code() -> None:
    assert found_by(unsafe) == []


def test_no_statement_is_put_together_from_texts() -> None:
    assert found_by(formats_sql) == []


def test_no_secret_is_compared_in_a_time_that_tells() -> None:
    assert found_by(compares_secret) == []


def test_everything_public_is_documented() -> None:
    assert found_by(undocumented) == []


@pytest.mark.parametrize(
    ("checker", "module", "source"),
    [
        (wrong_way, "regulars.events.log", "from regulars.shop import Shop"),
        (wrong_way, "regulars.storage", "import regulars.engine"),
        (wrong_way, "regulars.churn.decide", "from regulars.profile.dataset import KEYS"),
        (wrong_way, "regulars.profile", "def late():\n    from regulars.churn import decide"),
        (wrong_way, "regulars.config", "from regulars import evaluation"),
        (wrong_way, "regulars.events.log", "from regulars import Shop"),
        (reads_truth, "regulars.churn.decide", "from regulars.simulate.truth import Truth"),
        (reads_truth, "regulars.cli.simulate", "from regulars.simulate import truth"),
        (reads_truth, "regulars.shop", "import regulars.simulate.truth"),
        (reads_truth, "regulars.campaign.model", "from regulars.simulate.oracle import values"),
        (reads_truth, "regulars.demo", "world.hidden.customers"),
        (names_engine, "regulars.shop", "import duckdb"),
        (names_engine, "regulars.shop", "from ibis.backends.duckdb import Backend"),
        (names_engine, "regulars.shop", "backend = ibis.duckdb.connect()"),
        (names_engine, "regulars.shop", 'ibis.to_sql(query, dialect="duckdb")'),
        (writes, "regulars.shop", 'open("a", "w")'),
        (writes, "regulars.shop", 'path.open("ab")'),
        (writes, "regulars.shop", 'path.open(mode="x")'),
        (writes, "regulars.shop", 'Path("a").write_text("b")'),
        (writes, "regulars.shop", "path.unlink()"),
        (writes, "regulars.shop", "(folder / name).mkdir()"),
        (writes, "regulars.shop", "os.replace(a, b)"),
        (writes, "regulars.shop", "shutil.rmtree(folder)"),
        (tells_time, "regulars.shop", "moment = datetime.now(UTC)"),
        (tells_time, "regulars.shop", "moment = datetime.datetime.utcnow()"),
        (tells_time, "regulars.shop", "start = time.time()"),
        (tells_time, "regulars.shop", "from time import time"),
        (unsafe, "regulars.churn", "import pickle"),
        (unsafe, "regulars.churn", "from joblib import load"),
        (unsafe, "regulars.churn", "torch.load(path)"),
        (unsafe, "regulars.churn", "np.load(path, allow_pickle=True)"),
        (formats_sql, "regulars.state", 'change.execute(f"DELETE FROM {table}")'),
        (formats_sql, "regulars.state", 'sa.text(f"{statement} WHERE id = 1")'),
        (compares_secret, "regulars.serve.keys", "given == self.secret"),
        (compares_secret, "regulars.serve.keys", "if api_token != token: pass"),
        (undocumented, "regulars.shop", '"""Said."""\ndef open(): pass'),
        (undocumented, "regulars.shop", '"""Said."""\nclass Shop:\n    """Said."""\n    def learn(self): pass'),
        (undocumented, "regulars.shop", "def _own(): pass"),
    ],
)
def test_each_checker_can_fail(checker: Checker, module: str, source: str) -> None:
    assert list(checker(source, module))


@pytest.mark.parametrize(
    ("checker", "module", "source"),
    [
        (wrong_way, "regulars.shop", "from regulars.events.log import EventLog"),
        (wrong_way, "regulars.models", "if TYPE_CHECKING:\n    from regulars.churn import decide"),
        (wrong_way, "regulars.cli", "from regulars.demo import run"),
        (reads_truth, "regulars.evaluation.regret", "from regulars.simulate.truth import Truth"),
        (reads_truth, "regulars.campaign.evaluate", "from regulars.simulate.truth import Truth"),
        (reads_truth, "regulars.demo", "from regulars.simulate import World"),
        (names_engine, "regulars.engine", "ibis.duckdb.connect()"),
        (writes, "regulars.storage", 'open("a", "w")'),
        (writes, "regulars.shop", 'path.open("rb")'),
        (writes, "regulars.shop", "storage.replace(path, data)"),
        (writes, "regulars.shop", 'text.replace("a", "b")'),
        (tells_time, "regulars.clock", "datetime.now(UTC)"),
        (tells_time, "regulars.storage", "time.monotonic()"),
        (formats_sql, "regulars.state", 'connection.execute(f"PRAGMA {setting}")'),
        (compares_secret, "regulars.serve.keys", "hmac.compare_digest(given, secret)"),
        (undocumented, "regulars.shop", '"""Said."""\ndef _own(): pass'),
    ],
)
def test_no_checker_refuses_what_is_allowed(checker: Checker, module: str, source: str) -> None:
    assert list(checker(source, module)) == []
