"""What a package exports is what it means to export."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

import regulars


def modules() -> list[ModuleType]:
    names = [found.name for found in pkgutil.walk_packages(regulars.__path__, "regulars.")]
    return [regulars, *(importlib.import_module(name) for name in names if not name.endswith("__main__"))]


PACKAGES = [module for module in modules() if hasattr(module, "__all__")]
every = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)


@every
def test_what_is_exported_is_there_once_and_documented(package: ModuleType) -> None:
    assert len(set(package.__all__)) == len(package.__all__)
    for name in package.__all__:
        found = getattr(package, name)
        assert not inspect.isroutine(found) or found.__doc__, f"{package.__name__}.{name} says nothing of itself"


@every
def test_what_a_package_imports_from_within_and_does_not_use_is_exported(package: ModuleType) -> None:
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    offered = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package.__name__)
        for alias in node.names
    }
    values = {name for name in offered - used if not inspect.ismodule(getattr(package, name))}
    assert values <= set(package.__all__)


@pytest.mark.parametrize("name", ["profile", "churn"])
def test_a_capability_exports_its_contract_and_says_which_question_it_answers(name: str) -> None:
    package = importlib.import_module(f"regulars.{name}")
    assert {"learn", "evaluate"} <= set(package.__all__)
    assert "?" in str(package.__doc__).splitlines()[0]
