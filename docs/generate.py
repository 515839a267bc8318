"""Make the parts of the documentation that the code knows: `python docs/generate.py`.

docs/cli.md comes from the commands, the table of settings in docs/configuration.md from `regulars.config`,
the tables in docs/profile.md from `regulars.profile.features` and `regulars.profile.needs`, that of parameters in
docs/simulate.md from `regulars.simulate.params`, those in docs/methods.md from the sources that docstrings name. The
tables stand between marker comments; the rest is written by hand.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from regulars import cli, storage
from regulars.config import SECTIONS
from regulars.profile.evidence import EVIDENCE
from regulars.profile.features import FEATURES
from regulars.profile.needs import MEASURES, NEEDS
from regulars.simulate import load, params
from regulars.simulate.params import PRESETS

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "regulars"


def pages() -> dict[Path, str]:
    """Every page with a generated part, as it should be."""
    return {
        DOCS / "cli.md": cli_page(),
        DOCS / "methods.md": _filled(DOCS / "methods.md", "sources", sources_tables()),
        DOCS / "configuration.md": _filled(DOCS / "configuration.md", "settings", settings_table()),
        DOCS / "profile.md": profile_page(),
        DOCS / "simulate.md": _filled(DOCS / "simulate.md", "parameters", parameters_table()),
    }


def cli_page() -> str:
    """The page of all commands."""
    root: Any = typer.main.get_command(cli.app)
    parts = [
        "# The command line",
        "<!-- Made by docs/generate.py from regulars/cli/. Change it there. -->",
        "```console\n$ regulars --help\n```",
        "`--json` prints the result as JSON and nothing else, errors too. `--shop` can be given once for all commands "
        "in the environment variable `REGULARS_SHOP`. What each exit code means: [errors](errors.md).",
        " · ".join(f"[{name}](#regulars-{name.replace(' ', '-')})" for name, _ in commands(root)),
    ]
    for name, command in commands(root):
        parts += _command(name, command)
    return "\n\n".join(parts) + "\n"


def commands(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its full name; those of a group stand under the group's."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def _command(name: str, command: Any) -> Iterator[str]:
    yield f"## regulars {name}"
    yield inspect.cleandoc(command.help or "")
    rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
    yield table(("Argument or option", "Default", "What it does"), rows)
    if command.epilog:
        yield f"```sh\n{command.epilog.removeprefix('Example: ')}\n```"


def _parameter(parameter: Any) -> tuple[str, str, str]:
    if parameter.param_type_name == "argument":
        shown = f"`{parameter.metavar or parameter.name.upper()}`"
    else:
        metavar = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
        shown = ", ".join(f"`{spelling}{metavar}`" for spelling in parameter.opts)
    if parameter.required:
        default = "required"
    elif parameter.default in (None, False, [], ()):
        default = ""
    else:
        default = f"`{parameter.default}`"
    return shown, default, parameter.help or ""


def settings_table() -> str:
    """Every setting of shop.toml."""
    rows = [
        (f"`[{section}]`", f"`{key}`", f"`{_toml(field.default)}`", field.description or "")
        for section, model in SECTIONS.items()
        for key, field in model.model_fields.items()
    ]
    return table(("Section", "Setting", "Default", "What it does"), rows)


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def features_table() -> str:
    """Every feature of a profile."""
    rows = [
        (f"`{f.name}`", f.meaning, f.unit, f"{f.window_days} days" if f.window_days else "all", EVIDENCE[f.needs][0])
        for f in FEATURES
    ]
    return table(("Feature", "Meaning", "Unit", "Window", "Needs"), rows)


def parameters_table() -> str:
    """Every parameter of a simulated shop, with the presets' values where they are one number or word."""
    presets = [load(name) for name in PRESETS]
    rows = []
    for section, model in params.SECTIONS.items():
        for key, field in model.model_fields.items():
            values = [getattr(getattr(preset, section), key) for preset in presets]
            shown = ("…" if isinstance(value, dict | tuple) else f"`{value}`" for value in values)
            rows.append((f"`[{section}]`", f"`{key}`", *shown, field.description or ""))
    return table(("Section", "Parameter", *PRESETS, "What it is"), rows)


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").strip() for cell in row) + " |" for row in lines)


SOURCE = re.compile(r"^Sources?\n-+\n(.*?)(?=\n\n\w+\n---|\Z)", re.MULTILINE | re.DOTALL)


def sources_tables() -> str:
    """What each docstring says it stands on, a table a package."""
    parts = []
    for package in sorted(path.parent for path in PACKAGE.glob("*/__init__.py")):
        rows = [row for path in sorted(package.rglob("*.py")) for row in _sources(path)]
        if rows:
            said = inspect.cleandoc(importlib.import_module(f"regulars.{package.name}").__doc__ or "")
            about = said.partition("\n")[0]
            parts += [f"### {package.name}", about, table(("What", "Where", "Source"), rows)]
    return "\n\n".join(parts)


def _sources(path: Path) -> Iterator[tuple[str, str, str]]:
    where = str(path.relative_to(PACKAGE))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            said = ast.get_docstring(node) or ""
            if found := SOURCE.search(said):
                name = f"{where}, {node.name}" if not isinstance(node, ast.Module) else where
                what = said.partition("\n\n")[0]
                yield _line(what), f"`{name}`", _line(found[1].partition("\n\n")[0])


def _line(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


def profile_page() -> str:
    """The page of profiles: what predictions need, and the features."""
    page = DOCS / "profile.md"
    with_needs = _filled(page, "needs", needs_table())
    return _filled(page, "features", features_table(), with_needs)


def needs_table() -> str:
    """What each prediction of a profile needs."""
    rows = []
    for prediction, needs in NEEDS.items():
        said: dict[bool, list[str]] = {False: [], True: []}
        for name, least in needs.items():
            measure = MEASURES[name]
            said[measure.is_of_shop].append(f"{least} {measure.english}")
        rows.append((f"`{prediction}`", ", ".join(said[False]), ", ".join(said[True])))
    return table(("Prediction", "Of the customer", "Of the shop"), rows)


def _filled(path: Path, name: str, content: str, text: str | None = None) -> str:
    opening, closing = f"<!-- {name}: made by docs/generate.py -->", f"<!-- {name}: end -->"
    before, _, rest = (text or path.read_text(encoding="utf-8")).partition(opening)
    _, found, after = rest.partition(closing)
    if not found:
        raise ValueError(f"{path} lacks the markers {opening} and {closing}")
    return f"{before}{opening}\n\n{content}\n\n{closing}{after}"


if __name__ == "__main__":
    for page, text in pages().items():
        storage.replace(page, text)
