"""What may know of what: imports point one way, one module writes, one tells the time."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import regulars

ROOT = Path(regulars.__file__).parent

LAYERS: list[set[str]] = [
    {"errors", "clock", "storage", "spreadsheet"},
    {"events", "engine"},
    {"config", "capability", "models", "tables", "decisions", "shop"},
    {"evaluation", "logistic"},
    {"profile", "churn"},
    {"demo"},
    {"cli", "__main__"},
]
"""From low to high: a module may import from its own layer and from those before it."""
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
CAPABILITIES = LAYERS[4]

WRITING = {
    "write_text", "write_bytes", "mkdir", "makedirs", "unlink", "rename", "renames", "rmtree", "rmdir", "remove",
    "symlink_to", "hardlink_to", "touch", "copyfile", "copytree", "move", "write_table", "write_dataset",
}  # fmt: skip
OWNERS_OF_WRITING = {"os", "shutil", "Path", "path", "pq"}


def files() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def part_of(name: str) -> str:
    """ "regulars.events.log" belongs to "events"; "regulars" itself to "shop", which it exports."""
    return (name.split(".") + ["shop"])[1]


def imports(source: str) -> Iterator[str]:
    """The modules that a source imports when it runs; those under `if TYPE_CHECKING` are for readers only."""

    def walk(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield from walk(other)
            return
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports say the whole name"
            # `from regulars import storage` imports a module; of other packages the names do not matter.
            own = node.module == "regulars"
            yield from (f"{node.module}.{alias.name}" if own else str(node.module) for alias in node.names)
        for child in ast.iter_child_nodes(node):
            yield from walk(child)

    yield from walk(ast.parse(source))


def breaches(place: str, source: str) -> list[str]:
    """The rules that a source breaks, if it stood at a place such as "churn/model.py"."""
    part = Path(place).parts[0].removesuffix(".py")
    found = []
    for name in imports(source):
        if name.split(".")[0] == "duckdb" and part != "engine":
            found.append(f"{place} names an engine: {name}")
        if name.split(".")[0] != "regulars" or name in ("regulars.RegularsError", "regulars.Shop") and part == "cli":
            continue
        other = part_of(name)
        if LEVEL[other] > LEVEL[part]:
            found.append(f"{place} imports {name}, which is above it")
        if {part, other} <= CAPABILITIES and part != other:
            found.append(f"{place} imports another capability: {name}")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            found += _forbidden_attribute(place, part, ast.unparse(node))
        if isinstance(node, ast.Call):
            found += _forbidden_call(place, part, node)
        if isinstance(node, ast.Import | ast.ImportFrom):
            words = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
            found += [f"{place} pickles: {word}" for word in words & {"pickle", "joblib", "cloudpickle", "dill"}]
    return found


def _forbidden_attribute(place: str, part: str, text: str) -> list[str]:
    if text == "ibis.duckdb" and part != "engine":
        return [f"{place} names an engine: {text}"]
    if text in ("datetime.now", "datetime.utcnow", "time.time", "time.time_ns", "date.today") and part != "clock":
        return [f"{place} tells the time: {text}"]
    if text in ("torch.load", "torch.save", "np.load", "numpy.load"):
        return [f"{place} pickles: {text}"]
    return []


def _forbidden_call(place: str, part: str, call: ast.Call) -> list[str]:
    if part == "storage":
        return []
    text = ast.unparse(call.func)
    owner, _, verb = text.rpartition(".")
    if verb == "open":
        modes = [arg.value for arg in [*call.args, *(k.value for k in call.keywords)] if isinstance(arg, ast.Constant)]
        if any(isinstance(mode, str) and set(mode) <= set("rwxabt+") and set(mode) & set("wxa+") for mode in modes):
            return [f"{place} writes: {ast.unparse(call)}"]
    if verb in ("replace", "link") and owner == "os":
        return [f"{place} writes: {text}"]
    # `remove`, `move` and `touch` are also words of other things: only on what is a path or a module of files.
    is_of_files = owner.split(".")[-1] in OWNERS_OF_WRITING or verb in ("write_text", "write_bytes", "mkdir", "unlink")
    if verb in WRITING and is_of_files:
        return [f"{place} writes: {text}"]
    return []


def test_every_module_has_its_layer() -> None:
    there = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in files()} - {"__init__"}
    assert there == set(LEVEL)


def test_imports_point_one_way_and_writing_time_and_engine_have_one_home() -> None:
    found = []
    for path in files():
        place = str(path.relative_to(ROOT))
        if place != "__init__.py":
            found += breaches(place, path.read_text(encoding="utf-8"))
    assert found == []


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("events/log.py", "from regulars.shop import Shop"),
        ("shop.py", "from regulars import profile"),
        ("shop.py", "def late():\n    import regulars.evaluation.report"),
        ("churn/model.py", "from regulars.profile.stage import stages"),
        ("churn/model.py", "import duckdb"),
        ("churn/model.py", "import ibis\nibis.duckdb.connect()"),
        ("churn/model.py", "import pickle"),
        ("churn/model.py", "import torch\ntorch.load('x')"),
        ("shop.py", "open('x', 'w')"),
        ("shop.py", "path.open(mode='ab')"),
        ("shop.py", "(folder / 'x').write_text('y')"),
        ("shop.py", "import os\nos.replace('a', 'b')"),
        ("shop.py", "folder.mkdir()"),
        ("shop.py", "datetime.now(UTC)"),
        ("cli.py", "import time\ntime.time()"),
    ],
)
def test_a_breach_is_found(place: str, source: str) -> None:
    assert len(breaches(place, source)) == 1


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("shop.py", "if TYPE_CHECKING:\n    from regulars.evaluation import Report"),
        ("churn/model.py", "from regulars.churn.dataset import dataset"),
        ("cli.py", "from regulars.demo import run"),
        ("shop.py", "open('x')"),
        ("shop.py", "text.replace('a', 'b')"),
        ("storage.py", "open('x', 'w')"),
        ("clock.py", "datetime.now(UTC)"),
    ],
)
def test_what_is_allowed_is_no_breach(place: str, source: str) -> None:
    assert breaches(place, source) == []


def modules() -> list[ModuleType]:
    names = [found.name for found in pkgutil.walk_packages(regulars.__path__, "regulars.")]
    return [regulars, *(importlib.import_module(name) for name in names if not name.endswith("__main__"))]


PACKAGES = [module for module in modules() if hasattr(module, "__all__")]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_all_names_what_is_there_once_and_in_order(package: ModuleType) -> None:
    assert package.__all__ == sorted(package.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    for name in package.__all__:
        assert hasattr(package, name), f"{package.__name__} exports {name}, which it does not have"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_all_is_what_the_package_offers(package: ModuleType) -> None:
    """What `__init__` imports or makes by a public name is exported, and nothing beside it."""
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    offered = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package.__name__):
            offered |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            offered.add(node.name)
    is_module = {name for name in offered if inspect.ismodule(getattr(package, name))}
    public = {name for name in offered - is_module if not name.startswith("_")}
    assert public <= set(package.__all__)


@pytest.mark.parametrize("name", ["profile", "churn"])
def test_a_capability_exports_the_contract(name: str) -> None:
    package = importlib.import_module(f"regulars.{name}")
    assert {"learn", "evaluate"} <= set(package.__all__)
    assert "?" in (package.__doc__ or "").splitlines()[0], "its docstring says what question it answers"


def _undocumented() -> Iterator[str]:
    for path in files():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        place = str(path.relative_to(ROOT))
        if path.stat().st_size and path.name != "__main__.py" and not ast.get_docstring(tree):
            yield place
        for node in tree.body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                yield f"{place}: {node.name}"
            for inner in node.body if isinstance(node, ast.ClassDef) else []:
                is_public = isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_")
                if is_public and not ast.get_docstring(inner):
                    yield f"{place}: {node.name}.{inner.name}"


def test_everything_public_says_what_it_does() -> None:
    assert sorted(_undocumented()) == []
