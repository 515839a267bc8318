"""A shop's texts; what a library parses in a process of its own, limited in memory and time, which alone may break."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from regulars.errors import InputError
from regulars.events.sandbox.limits import MEMORY_BYTES
from regulars.support.knowledge.files import APART, read
from regulars.support.knowledge.text import Section

SECONDS = 20
"""For one file: honest ones take less than one."""

START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from regulars.support.knowledge import child
child.main(*map(int, sys.argv[2:]))
"""


def read_all(paths: Iterable[Path]) -> Iterator[tuple[Path, list[Section] | InputError]]:
    """Files one after the other: the sections of each, or what is wrong with it."""
    process: subprocess.Popen[bytes] | None = None
    try:
        for path in paths:
            if path.suffix.lower() not in APART:
                yield path, _read(path)
                continue
            process = process or _started()
            found = _asked(process, path.absolute())
            if found is None:
                _end(process)
                process = None
                found = InputError(
                    f"{path}: takes more than {SECONDS} seconds or {MEMORY_BYTES >> 20:,} MiB to read, or breaks its "
                    "reader. Export it again, or in parts."
                )
            yield path, found
    finally:
        if process is not None:
            _end(process)


def _read(path: Path) -> list[Section] | InputError:
    try:
        return read(path)
    except (InputError, OSError) as error:
        return InputError(str(error))


def _started() -> subprocess.Popen[bytes]:
    paths = json.dumps([path or str(Path.cwd()) for path in sys.path])
    command = [sys.executable, "-P", "-c", START, paths, str(MEMORY_BYTES), str(SECONDS)]
    return subprocess.Popen(  # noqa: S603  (nothing in it comes from outside)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0
    )


def _asked(process: subprocess.Popen[bytes], path: Path) -> list[Section] | InputError | None:
    """What it says of a file; None if it died of it or takes too long."""
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both pipes were asked for")
    try:
        process.stdin.write(json.dumps(str(path)).encode() + b"\n")
        process.stdin.flush()
        # Beyond its own limit: a machine may be busy.
        is_there, _, _ = select.select([process.stdout], [], [], 3 * SECONDS)
        line = process.stdout.readline() if is_there else b""
        said = json.loads(line) if line else None
    except (BrokenPipeError, ValueError):
        said = None
    if said is None:
        return None
    if "error" in said:
        return InputError(said["error"])
    return [Section(tuple(up), text, about, tuple(asked)) for up, text, about, asked in said["sections"]]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
