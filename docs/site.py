"""What the site has beside docs/: pages that lie elsewhere in the repository, names of files in place of links, and
nothing that asks another host.

MkDocs calls these functions while it builds (`make docs`): mkdocs.yml names this file under `hooks`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"benchmarks/RESULTS.md": "results.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md"}
"""{page of the repository: its name in the site}"""

LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie elsewhere."""
    for path, name in ELSEWHERE.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Lead links to where their pages are in the site; of a file that is not in it, show the name."""
    names = {name: ROOT / path for path, name in ELSEWHERE.items()}
    source = names.get(page.file.src_uri, Path(config.docs_dir) / page.file.src_uri)

    def lead(found: re.Match[str]) -> str:
        words, target = found[1], found[2]
        link, hash_, anchor = target.partition("#")
        if "://" in target or not link:
            return found[0]
        path = (source.parent / unquote(link)).resolve()
        if not path.exists():  # no link: code that looks like one
            return found[0]
        inside = path.relative_to(ROOT).as_posix()
        name = ELSEWHERE.get(inside, inside.removeprefix("docs/"))
        if name == inside or files.get_file_from_path(name) is None:
            return words if inside in words else f"{words} (`{inside}`)"
        relative = os.path.relpath(name, Path(page.file.src_uri).parent)
        return f"[{words}]({relative}{hash_}{anchor})"

    return LINK.sub(lead, markdown)


SHIM = "https://unpkg.com/iframe-worker/shim"
"""By which the theme searches in files opened without a server; ours is a copy, for there may be no network."""


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Take the theme's one script of another host from here."""
    return output.replace(SHIM, os.path.relpath("vendor/iframe-worker.js", Path(page.file.src_uri).parent))


def on_post_template(output: str, template_name: str, config: Any) -> str:
    """The same on the page of what is not found."""
    return output.replace(SHIM, "vendor/iframe-worker.js")
