"""The documentation is whole, fresh, and true: what exists is documented, what is shown works."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest
import typer
from typer.testing import CliRunner

from regulars import Shop, cli, errors
from regulars.config import SECTIONS
from regulars.events.mapping import FIELDS, Mapping
from regulars.events.readers import KINDS
from regulars.events.schema import CATALOGUE, EVENTS, TYPES
from regulars.profile.evidence import EVIDENCE
from regulars.profile.features import FEATURES
from regulars.profile.stage import STAGES
from regulars.recent import Recent

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
NEEDS_DEMO = "<!-- needs: demo -->"
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / name for name in ("README.md", "README.zh.md", "CHANGELOG.md"))])
PAGES += [ROOT / "CONTRIBUTING.md", ROOT / "examples" / "README.md"]
WITH_DEMO = [page for page in PAGES if NEEDS_DEMO in page.read_text("utf-8")]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(page: str) -> str:
    return (DOCS / page).read_text("utf-8")


@pytest.fixture(scope="session")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_fresh(generator: ModuleType) -> None:
    stale = [page.name for page, text in generator.pages().items() if page.read_text("utf-8") != text]
    assert not stale, f"run: python docs/generate.py (stale: {stale})"


def undocumented(page: str, names: Iterator[str] | list[str]) -> list[str]:
    text = text_of(page)
    return [name for name in names if f"`{name}`" not in text]


def test_every_command_and_option_is_documented(generator: ModuleType) -> None:
    root: Any = typer.main.get_command(cli.app)
    text = text_of("cli.md")
    for name, command in generator.commands(root):
        assert command.help, f"{name} has no help"
        assert command.epilog, f"{name} has no example"
        _, found, rest = text.partition(f"## regulars {name}\n")
        assert found, name
        section = rest.partition("\n## ")[0]
        for parameter in command.params:
            if parameter.name == "help":
                continue
            assert parameter.help, f"{name}: {parameter.name} has no help"
            spelling = parameter.opts[0] if parameter.param_type_name == "option" else parameter.name.upper()
            assert re.search(rf"`\[?{re.escape(spelling)}\b", section), f"{name}: {spelling}"


def test_every_setting_is_documented() -> None:
    settings = [f"`[{section}]` | `{key}`" for section, model in SECTIONS.items() for key in model.model_fields]
    assert [setting for setting in settings if setting not in text_of("configuration.md")] == []


def test_every_feature_evidence_and_stage_is_documented() -> None:
    assert undocumented("profile.md", [feature.name for feature in FEATURES]) == []
    text = text_of("profile.md")
    assert [
        f"| `{need}` | {words} |" for need, (words, _) in EVIDENCE.items() if f"| `{need}` | {words} |" not in text
    ] == []
    assert [stage for stage in STAGES if f"| {stage} |" not in text] == []


def test_every_column_and_event_type_is_documented() -> None:
    assert undocumented("log.md", [*EVENTS.names, *CATALOGUE.names]) == []
    text = text_of("log.md")
    assert [name for name, words in TYPES.items() if f"| `{name}` | {words} |" not in text] == []


def test_every_field_and_setting_of_a_mapping_is_documented() -> None:
    assert undocumented("importing.md", [*FIELDS, *KINDS]) == []
    settings = [name for name in Mapping.__dataclass_fields__ if name != "name"]
    assert undocumented("importing.md", settings) == []


def test_every_exit_code_is_documented() -> None:
    text = text_of("errors.md")
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    missing = [kind.__name__ for kind in found if f"| {kind.exit_code} | `{kind.__name__}` |" not in text]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_images_are_whole(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_is_found_from_the_index() -> None:
    linked = re.findall(r"\]\((\w+\.md)\)", text_of("index.md"))
    assert sorted({*linked, "index.md"}) == sorted(page.name for page in DOCS.glob("*.md"))


def test_the_design_names_every_part_of_the_package() -> None:
    parts = {path.name for path in (ROOT / "regulars").iterdir() if not path.name.startswith("__")} - {"py.typed"}
    layout = text_of("design.md").partition("## Layout")[2].partition("## Imports")[0]
    assert [name for name in parts if not re.search(rf"(?:^|\s){re.escape(name)}/?\s", layout)] == []


def test_every_page_stands_in_the_navigation_of_the_site() -> None:
    listed = re.findall(r"[\w/]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2])
    elsewhere = {"results.md", "contributing.md", "changes.md"}  # see docs/site.py
    assert sorted(listed) == sorted({*(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")), *elsewhere})


def test_every_picture_is_small_and_says_in_words_what_it_shows() -> None:
    shown = [found for page in PAGES for found in re.findall(r"!\[(.*?)\]\((.+?)\)", page.read_text("utf-8"))]
    assert shown
    assert [target for words, target in shown if len(words) < 10] == []
    assert [path.name for path in (DOCS / "images").iterdir() if path.stat().st_size > 250_000] == []


@pytest.mark.parametrize("page", [ROOT / "README.zh.md", *sorted((DOCS / "zh").iterdir())], ids=lambda page: page.name)
def test_chinese_text_has_chinese_punctuation(page: Path) -> None:
    # Outside code and link targets; the point in "订单.csv" is no full stop.
    text = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", page.read_text("utf-8"), flags=re.DOTALL)
    assert re.findall(r"[\u4e00-\u9fff](?:[,;:!?()]|\.(?!\w))|[,;:!?()][\u4e00-\u9fff]", text) == []


def anchors(page: Path) -> set[str]:
    """Of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the example files, and wide lines."""
    for example in (DOCS / "examples").iterdir():
        shutil.copy(example, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("REGULARS_SHOP", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in WITH_DEMO], ids=lambda page: str(page.relative_to(ROOT))
)
def test_examples_work(page: Path, workplace: Path) -> None:
    run(page)


def test_examples_on_the_demo_shop_work(workplace: Path, gift_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    # One test, so that one process makes the shop. The pages run by name in it: models.md shows what churn.md learned.
    from regulars import demo

    # Each command opens the shop anew: what one has computed of its customers is at hand for the next, as it is in a
    # server. Other shops of these pages have too few customers for anything to be kept.
    recent, opened = Recent(), Shop.open

    def at_hand(folder: str | Path) -> Shop:
        shop = opened(folder)
        shop.recent = recent
        return shop

    monkeypatch.setattr(Shop, "open", at_hand)
    shop = demo.make(Path("demo"))
    with as_file(files(demo) / demo.SOURCE) as source:
        shop.import_(source)
    # Of the same log: to learn them a second time would take a minute more.
    for name in ("behavior", "campaign", "recommend"):
        shutil.copytree(gift_shop.folder / "models" / name, shop.folder / "models" / name)
    for page in WITH_DEMO:
        run(page)


def run(page: Path) -> None:
    """Run the blocks of a page in order: Python in one namespace, `$ regulars` as typed."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for language, block in BLOCK.findall(page.read_text("utf-8")):
        if language == "python":
            exec(compile(block, str(page), "exec"), names)  # noqa: S102
        elif language == "console":
            for typed, shown in commands(block):
                run_command(page, typed, shown)


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block, with the lines shown after it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        typed, *shown = part.splitlines()
        yield typed, [line for line in shown if line.strip()]


def run_command(page: Path, typed: str, shown: list[str]) -> None:
    program, *arguments = shlex.split(typed)
    assert program == "regulars", f"{page.name}: a console block runs regulars alone, not {typed}"
    result = CliRunner().invoke(cli.app, arguments)
    printed = result.output
    if isinstance(result.exception, errors.RegularsError):
        printed += f"Error: {result.exception}"
    must_fail = bool(shown) and shown[0].startswith("Error:")
    assert (result.exit_code != 0) == must_fail, f"{page.name}: {typed}\n{printed}\n{result.exception!r}"
    flat = squeezed(printed)
    for line in shown:
        for piece in line.split("…"):
            assert squeezed(piece) in flat, f"{page.name}: {typed} does not print: {piece}\n{printed}"


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
