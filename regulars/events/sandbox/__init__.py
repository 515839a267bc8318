"""Files from outside, read in a process of their own: what a hostile file breaks is that process and nothing else.

`open_source` is that of `regulars.events.formats`, and what it gives behaves as theirs does. The
process has limits on memory, on time for each piece, and can write no file. It is no wall against
who takes it over: it runs with the rights of its user.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from regulars.events.readers import Chunk, RawRows, Source
from regulars.events.readers.rows import damaged
from regulars.events.sandbox import wire
from regulars.events.sandbox.process import borrowed, prepare

__all__ = ["members", "open_source", "prepare"]


def open_source(path: Path, form: str = "") -> Source:
    """Open a file from outside, as `formats.open_source` does, in another process.

    Parameters
    ----------
    form : name of the ready-made format to read it by (see `formats.unfolded`); "" for the file as it stands.

    Raises
    ------
    InputError
        As there; and if reading it takes more memory or time than an honest file, or ends that
        process. Reading on may raise it too.
    """
    return _Source(path, form)


def members(path: Path) -> list[str]:
    """The names of the files in a zip archive, in sorted order; InputError as `readers.archive.members`."""
    found: list[str] = _ask(path, "members")["members"]
    return found


def _ask(path: Path, what: str, **about: Any) -> dict[str, Any]:
    with borrowed() as reader:
        (answer,) = reader.ask(path, what, **about)
        return answer.head


class _Source:
    """A file that another process has open. It keeps none: each question finds one that waits."""

    def __init__(self, path: Path, form: str) -> None:
        self.path, self._form = path, form
        self.share_read = 0.0
        found = _ask(path, "open", form=form)
        self.headers = tuple(found["headers"])
        self.encoding: str = found["encoding"]
        self.gives_whole: bool = found["gives_whole"]

    def sample(self, rows: int) -> list[list[str | None]]:
        found: list[list[str | None]] = _ask(self.path, "sample", form=self._form, rows=rows)["sample"]
        return found

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        asked = {"form": self._form, "columns": list(columns)}
        with borrowed() as reader, closing(reader.ask(self.path, "chunks", **asked)) as answers:
            for head, body in answers:
                if "rows" in head:
                    self.share_read = head["share"]
                    yield partial(self._rows, head, body)

    def _rows(self, head: dict[str, Any], body: pa.Buffer) -> RawRows:
        try:
            return wire.unpack(head, body)
        except (pa.ArrowException, OSError) as error:
            raise damaged(self.path, error) from None
