"""Starting the process that reads files, asking it, and telling what it died of."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, cast

import pyarrow as pa

from regulars import errors
from regulars.errors import InputError, RegularsError
from regulars.events.sandbox import limits, wire

START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from regulars.events.sandbox import child
child.main(*map(int, sys.argv[2:]))
"""

PIPE_BYTES = 1 << 20
"""What Linux lets a user have; the usual 64 KiB would wake both processes sixteen times as often."""

MOST_IDLE = 2


class Answer(NamedTuple):
    """A frame: what it says, and the rows that it brings."""

    head: dict[str, Any]
    body: pa.Buffer


class Reader:
    """A process that reads files, as who started it sees it."""

    def __init__(self) -> None:
        # With the paths of this process, in their order: `-m` would put the folder it is called in
        # before them, where the files of others lie.
        paths = json.dumps([path or str(Path.cwd()) for path in sys.path])
        command = [sys.executable, "-P", "-c", START, paths, str(limits.MEMORY_BYTES), str(limits.SECONDS)]
        self._process = subprocess.Popen(  # noqa: S603  (nothing in it comes from outside)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # The other pools of Arrow take a gigabyte ahead of need, which the limit on memory counts.
            env=os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system"},
            bufsize=0,
            process_group=0,  # Ctrl-C is for who asked: that one ends this
        )
        # Both are there, and unbuffered, for so they were asked for.
        self._requests = cast(FileIO, self._process.stdin)
        self._answers = cast(FileIO, self._process.stdout)
        with suppress(AttributeError, OSError):
            fcntl.fcntl(self._answers, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.is_idle = True

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def ask(self, path: Path, what: str, **about: Any) -> Generator[Answer, None, None]:
        """Ask something of a file: the answers, as they come.

        Raises
        ------
        InputError
            If the file cannot be read, or the process met a limit or died of it.
        """
        self.is_idle = False
        folder = None if path.is_absolute() else str(Path.cwd())
        request = {"ask": what, "path": str(path), "folder": folder, **about}
        with suppress(BrokenPipeError):  # it is dead, and reading the answer tells of what
            self._requests.write(json.dumps(request).encode("ascii") + b"\n")
        while True:
            answer = self._answer(path)
            head = answer.head
            if "limit" in head:
                raise _over_memory(path)
            is_last = self.is_idle = "rows" not in head
            if "error" in head:
                kind: type[RegularsError] = getattr(errors, head["error"])
                raise kind(head["message"])
            if "failed" in head:
                raise InputError(
                    f"{path}: cannot be read ({head['failed']}). It may be damaged: export it again. If other "
                    "programs open it, tell us: this sentence should say more."
                )
            yield answer
            if is_last:
                return

    def _answer(self, path: Path) -> Answer:
        lengths = memoryview(bytearray(wire.LENGTHS.size))
        self._fill(path, lengths)
        head_size, body_size = wire.LENGTHS.unpack(lengths)
        if head_size > limits.BYTES_AT_ONCE or body_size > limits.BYTES_AT_ONCE:
            raise _over_memory(path)
        head = memoryview(bytearray(head_size))
        self._fill(path, head)
        body = pa.allocate_buffer(body_size)
        if body_size:
            self._fill(path, memoryview(body))
        return Answer(json.loads(bytes(head)), body)

    def _fill(self, path: Path, view: memoryview) -> None:
        """Read as many bytes as there is room for."""
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        patience = limits.SECONDS * 2  # beyond its own: a machine may be busy
        while view:
            if not poll.poll(patience * 1000):
                raise _over_time(path)
            count = self._answers.readinto(view)
            if not count:
                raise self._died(path)
            view = view[count:]

    def _died(self, path: Path) -> InputError:
        code = self._process.wait()
        if code == -signal.SIGXCPU:
            return _over_time(path)
        with suppress(ValueError):
            how = signal.Signals(-code).name
            return InputError(
                f"{path}: the process that read it ended ({how}); nothing else did. The file is damaged, made to do "
                f"harm, or takes more than {limits.MEMORY_BYTES >> 20:,} MiB of memory. Export it again, as CSV, or in "
                "parts."
            )
        return InputError(f"{path}: the process that reads files ended by itself (exit code {code}). Try it again.")

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._requests.close()
        self._answers.close()


def _over_memory(path: Path) -> InputError:
    return InputError(
        f"{path}: takes more than {limits.MEMORY_BYTES >> 20:,} MiB of memory to read. Honest files of any size take "
        "less, unless they are workbooks or hold texts of many MiB. Save it as CSV, or in parts."
    )


def _over_time(path: Path) -> InputError:
    return InputError(
        f"{path}: a piece of it takes more than {limits.SECONDS} seconds to read; honest ones take less than one. "
        "Export it again, as CSV, or in parts."
    )


_idle: list[Reader] = []
_guard = Lock()


@contextmanager
def borrowed() -> Iterator[Reader]:
    """A process that reads files: one that waits already, else a new one. It is kept for the next, if it can be."""
    with _guard:
        reader = _idle.pop() if _idle else None
    if reader is not None and not reader.is_alive:
        reader.end()
        reader = None
    reader = reader or Reader()
    try:
        yield reader
    finally:
        with _guard:
            is_kept = reader.is_idle and len(_idle) < MOST_IDLE
            if is_kept:
                _idle.append(reader)
        if not is_kept:
            reader.end()


def prepare() -> None:
    """Start a process that reads files, if none waits: it gets ready while something else is done."""
    with borrowed():
        pass


def end_all() -> None:
    """End those that wait."""
    with _guard:
        readers = list(_idle)
        _idle.clear()
    for reader in readers:
        reader.end()


def _forget() -> None:
    # After a fork two processes would ask one reader, and get each other's answers.
    _idle.clear()
    if _guard.locked():  # by a thread that is not here
        _guard.release()


atexit.register(end_all)
os.register_at_fork(after_in_child=_forget)
