"""The bytes of a file as they were before they were packed: counted, so that no small file becomes a huge one."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from regulars.errors import InputError
from regulars.events.readers import archive
from regulars.events.readers.bombs import refuse_bomb
from regulars.events.readers.rows import damaged

PACKINGS = {".gz": "gzip", ".zst": "zstd"}
"""What packs a text file, by the end of its name."""

LARGEST_IN_MEMORY = 256 << 20
"""In bytes: of a Parquet file or a workbook inside an archive. It is read at any place, so all of it is unpacked."""


class Unpacked:
    """A file's bytes from its beginning on: plain, gzip or zstd by the end of its name, or inside a zip archive.

    Raises
    ------
    InputError
        If it is cut off or damaged, or unpacks to more than `refuse_bomb` allows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._unpacked = 0
        self._raw: Any
        packing = PACKINGS.get(path.suffix.lower())
        folder, member = archive.split(path)
        if member:
            self._raw, info = archive.open_member(folder, member)
            self.size, self._packed = info.file_size, info.compress_size
        else:
            try:
                self._raw = pa.OSFile(str(path))
            except OSError as error:
                raise damaged(path, error) from None
            self.size = self._packed = self._raw.size()
        self._is_packed = bool(member or packing)
        self._stream = self._raw
        if packing:
            raw = pa.PythonFile(self._raw, "r") if member else self._raw
            self._stream = pa.CompressedInputStream(raw, packing)

    def read(self, size: int) -> bytes:
        """The next so many bytes; fewer only at the end."""
        try:
            block: bytes = self._stream.read(size)
        except MemoryError:
            raise
        except Exception as error:  # each packing has its own
            raise damaged(self.path, error) from None
        self._unpacked += len(block)
        if self._is_packed:
            refuse_bomb(self.path, self._packed, self._unpacked)
        return block

    @property
    def share_read(self) -> float:
        """Of the file as it lies on the disk, 0 to 1."""
        share: float = self._raw.tell() / max(self.size, 1)
        return min(share, 1.0)

    def close(self) -> None:
        """Give the file back."""
        self._stream.close()
        self._raw.close()

    def __enter__(self) -> Unpacked:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def whole_file(path: Path) -> Path | io.BytesIO:
    """A file to be read at any place: itself, or what an archive holds, in memory; InputError if that is too large."""
    if not archive.split(path)[1]:
        return path
    with closing(Unpacked(path)) as stream:
        data = stream.read(LARGEST_IN_MEMORY + 1)
    if len(data) > LARGEST_IN_MEMORY:
        raise InputError(
            f"{path}: more than {LARGEST_IN_MEMORY >> 20} MiB inside of an archive. Unpack it, and import "
            "the file itself."
        )
    return io.BytesIO(data)
