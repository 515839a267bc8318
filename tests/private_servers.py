"""Redis and PostgreSQL of a test's own, on ports of their own: to be stopped, started again, and emptied."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

POSTGRESQL = Path("/usr/lib/postgresql")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Private:
    """A server that a test may do anything to. `url` names it; `start`, `stop` and `empty` do what they say."""

    def __init__(
        self,
        command: Callable[[Path, int], list[str]],
        folder: Path,
        url: str,
        make: Callable[[Path], None],
        stop: signal.Signals = signal.SIGTERM,
        answers: Callable[[str], bool] = lambda url: True,
    ) -> None:
        self.port = free_port()
        self.url = url.format(port=self.port)
        self._command, self._folder, self._make, self._stop, self._answers = command, folder, make, stop, answers
        self._process: subprocess.Popen[bytes] | None = None
        make(folder)

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command(self._folder, self.port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0 and self._answers(self.url):
                    return
            time.sleep(0.02)
        raise TimeoutError(f"it does not listen at {self.port}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(self._stop)
            self._process.wait(20)
            self._process = None

    def empty(self) -> None:
        """Forget all that it held; it must be stopped."""
        shutil.rmtree(self._folder)
        self._make(self._folder)


def _missing(name: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed, and CI may not skip")
    pytest.skip(f"{name} is not installed")


@pytest.fixture
def private_redis(tmp_path: Path) -> Iterator[Private]:
    """A Redis that syncs each command; it runs."""
    program = shutil.which("redis-server") or ""
    if not program:
        _missing("redis-server")

    def command(folder: Path, port: int) -> list[str]:
        settings = ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--dir", str(folder)]
        return [program, "--port", str(port), "--bind", "127.0.0.1", *settings]

    server = Private(command, tmp_path / "redis", "redis://127.0.0.1:{port}/0", Path.mkdir)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty cluster of PostgreSQL, to be copied: making one takes seconds."""
    found = sorted(POSTGRESQL.glob("*/bin/initdb")) or [Path(path) for path in [shutil.which("initdb")] if path]
    if not found:
        _missing("initdb of PostgreSQL")
    folder = Path(f"/tmp/regulars-cluster-{os.getpid()}")  # noqa: S108  (its own user must be let in)
    words = [str(found[-1].resolve()), "-D", str(folder), "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8"]
    subprocess.run([*as_postgres(), *words, "--locale=C"], check=True, capture_output=True)
    yield folder
    shutil.rmtree(folder)


def as_postgres() -> list[str]:
    """PostgreSQL does not run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


def _answers(url: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(url.replace("+psycopg", "")):
        return True
    return False


@pytest.fixture
def private_postgresql(cluster: Path) -> Iterator[Private]:
    """A PostgreSQL; it runs."""
    programs = sorted(POSTGRESQL.glob("*/bin/postgres"))
    program = str(programs[-1]) if programs else shutil.which("postgres") or ""

    def command(folder: Path, port: int) -> list[str]:
        settings = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "shared_buffers=8MB"]
        return [*as_postgres(), program, "-D", str(folder), *(word for each in settings for word in ("-c", each))]

    def make(folder: Path) -> None:
        shutil.copytree(cluster, folder)
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "postgres", str(folder)], check=True)
            folder.chmod(0o700)

    folder = cluster.with_name(f"{cluster.name}-{free_port()}")
    server = Private(
        command, folder, "postgresql+psycopg://postgres@127.0.0.1:{port}/postgres", make, signal.SIGINT, _answers
    )
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)
