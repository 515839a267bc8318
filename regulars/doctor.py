"""What of a machine or of a shop's set-up is unsafe, and how to mend it: `regulars doctor`."""

from __future__ import annotations

import math
import os
import re
import resource
import shutil
import socket
import sqlite3
import stat
import sys
import zoneinfo
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, requires
from importlib.metadata import version as installed
from pathlib import Path
from typing import Literal, NamedTuple

from regulars import clock, config, mounts
from regulars.drift import Change, told, watch
from regulars.errors import RegularsError
from regulars.events.compaction import MANY, small_files
from regulars.events.inbox import FOLDER, open_store
from regulars.events.inbox.sqlite import is_mended
from regulars.shop import Shop
from regulars.webhook import addresses_of

SECRET = re.compile(r"(?im)^\s*[\w-]*(password|secret|token|api_?key)[\w-]*\s*=\s*[\"']?[^\s\"']")
"""A setting that is a secret by its name, and is not empty."""

Level = Literal["ok", "warning", "unsafe"]


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes
    ----------
    level : "unsafe" can lose events or let others read secrets; "warning" costs time, or will be unsafe.
    subject, what : what was looked at, and what was found.
    how : to mend it; "" if all is well.
    """

    level: Level
    subject: str
    what: str
    how: str = ""


def examine(shop: Shop) -> list[Finding]:
    """Everything about a shop and the machine it is on, the unsafe first."""
    found = [
        python(sys.version_info[:2]),
        *libraries(requires("regulars") or []),
        sqlite(sqlite3.sqlite_version),
        time_zones(),
        open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        memory(shop.config.engine.memory, _memory_bytes()),
        network(shop.folder),
        *permissions(shop.folder),
        address(shop.config.serve.host, shop.config.serve.port),
        *strangers(shop.config.serve.host, shop.config.serve.proxies),
        *inbox(shop),
        *webhooks(shop.config),
    ]
    try:
        newest = shop.log.snapshot()
        size = sum(file.size for files in newest.tables.values() for file in files)
        received = shop.engine.to_arrow(shop.events.received_at.max()).as_py()
        found += [the_clock(received), small(len(small_files(newest))), *drifts(watch(shop))]
    except RegularsError as error:
        size = 0
        found.append(Finding("unsafe", "log", str(error), "See what is damaged: regulars check"))
    found.append(disk(shutil.disk_usage(shop.folder).free, size))
    return sorted(found, key=lambda finding: ("unsafe", "warning", "ok").index(finding.level))


def python(version: tuple[int, ...]) -> Finding:
    """Is Python new enough?"""
    name = ".".join(map(str, version))
    if version < (3, 11):
        return Finding("unsafe", "Python", f"{name}, below 3.11", "Install Python 3.11 or newer.")
    return Finding("ok", "Python", name)


def libraries(requirements: list[str]) -> Iterator[Finding]:
    """Which libraries are older than what Regulars asks for? `requirements` as in the package's metadata.

    >>> list(libraries(["numpy>=1.0", "no-such-library>=2.0"]))[0].what
    'no-such-library is missing'
    """
    faults = []
    for requirement in requirements:
        match = re.match(r"^([\w.-]+)(?:\[[^]]*\])?>=([\d.]+)$", requirement)
        if match is None:  # of an extra that need not be there
            continue
        name, least = match.groups()
        try:
            found = installed(name)
            if _numbers(found) < _numbers(least):
                faults.append(f"{name} {found}, below {least}")
        except PackageNotFoundError:
            faults.append(f"{name} is missing")
    for fault in faults:
        yield Finding("unsafe", "libraries", fault, "Install what is declared: pip install -U regulars")
    if not faults:
        yield Finding("ok", "libraries", "none is older than what is declared")


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version, those of "3.0" and "3.0.0" alike."""
    parts = [int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3]]
    return (*parts, 0, 0, 0)[:3]


def sqlite(version: str) -> Finding:
    """Has SQLite the bug that can corrupt a database in WAL mode (fixed in 3.51.3, 3.50.7 and 3.44.6)?

    >>> [sqlite(v).level for v in ("3.40.1", "3.44.6", "3.45.0", "3.50.7", "3.51.2", "3.51.3")]
    ['warning', 'ok', 'warning', 'ok', 'warning', 'ok']
    """
    if is_mended(version):
        return Finding("ok", "SQLite", version)
    what = f"{version} can corrupt a database in WAL mode when two processes write (a distribution may have mended it)"
    how = "Use a Python with SQLite 3.51.3 or newer before several processes change the state."
    return Finding("warning", "SQLite", what, how)


def time_zones() -> Finding:
    """Is there a time zone database?"""
    if len(zoneinfo.available_timezones()) < 300:
        return Finding("unsafe", "time zones", "the database of time zones is missing", "pip install -U tzdata")
    return Finding("ok", "time zones", "the database is there")


def open_files(limit: int) -> Finding:
    """May enough files be open at once?"""
    if limit != resource.RLIM_INFINITY and limit < 1024:
        return Finding("warning", "open files", f"at most {limit}", "Raise the limit: ulimit -n 4096")
    return Finding("ok", "open files", "no limit" if limit == resource.RLIM_INFINITY else f"at most {limit}")


def memory(setting: str, there: int) -> Finding:
    """Does the machine have the memory that the engine may take?

    Parameters
    ----------
    setting : [engine] memory of shop.toml, e.g. "4GB".
    there : bytes.

    Examples
    --------
    >>> memory("4GB", 8 << 30).level, memory("4GB", 4 << 30).level, memory("4GB", 2 << 30).level
    ('ok', 'warning', 'warning')
    """
    wanted = _bytes(setting)
    what = f"the engine may take {setting} of {_shown(there)}"
    if wanted > 0.8 * there:
        fit = max(int(0.6 * there / 1e9), 1)
        how = f'Set memory = "{fit}GB" under [engine] in {config.FILE}: the system ends what takes more than there is.'
        return Finding("warning", "memory", what, how)
    return Finding("ok", "memory", what)


def _bytes(setting: str) -> float:
    number, prefix, binary = re.fullmatch(r"([\d.]+) ?([KMGT])(i?)B", setting).groups()  # type: ignore[union-attr]
    return float(float(number) * (1024 if binary else 1000) ** ("KMGT".index(prefix) + 1))


def _shown(size: float) -> str:
    units = ("B", "kB", "MB", "GB", "TB")
    power = min(int(math.log10(size) / 3) if size >= 1 else 0, len(units) - 1)
    return f"{size / 1000**power:.3g} {units[power]}"


def _memory_bytes() -> int:
    """Of the machine, or of the container if that is less."""
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            there = min(there, int(path.read_text()))
        except (OSError, ValueError):  # "max", or no such file
            continue
    return there


def network(folder: Path) -> Finding:
    """Does the shop lie on a disk of this machine?"""
    kind = mounts.network_file_system(folder)
    if kind is not None:
        what = f"{folder} lies on a network file system ({kind}), where locks and syncs are not sure"
        return Finding("unsafe", "disk", what, "Move the shop to a local disk, and back it up to the network instead.")
    return Finding("ok", "disk", "local")


def disk(free: int, size: int) -> Finding:
    """Is there room for the log to be written anew, as a compaction or a large import does?

    Parameters
    ----------
    free, size : bytes that are free, and that the newest version takes.
    """
    what = f"{_shown(free)} free, the log takes {_shown(size)}"
    how = "Free some space, or remove old versions: regulars vacuum --keep-days 0"
    if free < 200e6:
        return Finding("unsafe", "free space", what, how)
    if free < size + 1e9:
        return Finding("warning", "free space", what, how)
    return Finding("ok", "free space", what)


def the_clock(received: datetime | None) -> Finding:
    """Is the clock right? An event cannot have been received later than now."""
    ahead = received - clock.now() if received is not None else timedelta(0)
    if ahead > timedelta(minutes=5):
        what = (
            f"it is {clock.now():%Y-%m-%d %H:%M} UTC here, and yet an event was received at {received:%Y-%m-%d %H:%M}"
        )
        return Finding("unsafe", "clock", what, "Set the clock, and let it be kept: timedatectl set-ntp true")
    return Finding("ok", "clock", "no event was received later than now")


def small(count: int) -> Finding:
    """Are there so many small files that reading is slow?"""
    if count > MANY:
        return Finding("warning", "files", f"{count} small files in the log", "Put them together: regulars compact")
    return Finding("ok", "files", f"{count} small files in the log")


def drifts(changes: Sequence[Change]) -> Iterator[Finding]:
    """Do events come as they used to?"""
    for change in changes:
        how = "See whether an import, a tracker or the shop itself changed: regulars events --html events.html"
        yield Finding("warning", "events", told(change), how)
    if not changes:
        yield Finding("ok", "events", "they come as they used to")


def address(host: str, port: int) -> Finding:
    """Can `regulars serve` listen where the settings say?"""
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            what = f"{host}:{port} cannot be listened at: {error.strerror}"
            return Finding("warning", "server", what, "All is well if a server runs there. Else choose another: --port")
    return Finding("ok", "server", f"{host}:{port} is free")


def strangers(host: str, proxies: Sequence[str]) -> Iterator[Finding]:
    """Can others than this machine ask the server, without a proxy before it that keeps keys secret on their way?

    >>> [[finding.level for finding in strangers(*each)] for each in (("127.0.0.1", ()), ("0.0.0.0", ()))]
    [[], ['warning']]
    """
    is_near = host == "localhost" or host.startswith("127.") or host == "::1"
    if not is_near and not proxies:
        what = f"others can reach {host}, and no proxy is named: keys and events cross the network as they are"
        yield Finding("warning", "server", what, "Put a proxy with TLS before it, and name it: [serve] proxies")


def inbox(shop: Shop) -> Iterator[Finding]:
    """Does the Redis answer that is to keep events, and what is an acknowledgement worth there?"""
    if not shop.config.serve.inbox:
        return
    try:
        store = open_store(shop.folder / FOLDER, shop.config.serve.inbox, shop.state.secret("inbox"))
        yield Finding("ok", "inbox", store.promise)
    except RegularsError as error:
        yield Finding("unsafe", "inbox", str(error), 'Start it, or keep events on this disk: [serve] inbox = ""')


def webhooks(settings: config.Config) -> Iterator[Finding]:
    """May webhooks go to where the settings say?"""
    sending = settings.sending
    urls = {
        "[realtime] webhook": settings.realtime.webhook,
        "[support] system": settings.support.system,
        **{f"[sending] {name}": getattr(sending, name) for name in ("sms_webhook", "push_webhook", "wechat_webhook")},
    }
    for name, url in urls.items():
        if url:
            try:
                addresses_of(url, settings.shop.private_networks)
            except OSError as error:
                yield Finding("warning", "webhooks", f"{name}: {error}", "What is to go there waits until it can")
            else:
                yield Finding("ok", "webhooks", f"{name} may be reached")


def permissions(folder: Path) -> Iterator[Finding]:
    """Who else may write to the shop, or read secrets in its settings?"""
    found = []
    for place in (folder, folder / "log", folder / "log" / "commits", folder / "log" / "data"):
        if place.exists() and place.stat().st_mode & stat.S_IWOTH:
            what = f"everyone on this machine may write to {place}"
            found.append(Finding("unsafe", "permissions", what, f"chmod o-w {place}"))
    settings = folder / config.FILE
    is_readable = settings.stat().st_mode & (stat.S_IROTH | stat.S_IRGRP)
    if is_readable and SECRET.search(settings.read_text(encoding="utf-8-sig")):
        what = f"{settings} holds a secret, and others on this machine may read it"
        found.append(Finding("unsafe", "permissions", what, f"chmod 600 {settings}"))
    yield from found or [Finding("ok", "permissions", "nobody else may write to the shop")]
