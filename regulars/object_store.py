"""Files in S3 and what speaks like it: brought here to be read, and Parquet files of a shop laid there for others.

Who may is said as for Amazon's own tools (`AWS_ACCESS_KEY_ID`, a profile, a role of the machine), and
`AWS_ENDPOINT_URL` names another server than theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from regulars import storage
from regulars.errors import InputError, RegularsError

__all__ = ["SCHEME", "brought", "laid"]

SCHEME = "s3://"
AT_ONCE = 8 << 20
"""Bytes of a file in memory at once."""


@contextmanager
def brought(sources: Sequence[str], folder: Path) -> Iterator[list[Path]]:
    """Sources as paths of this machine: what lies in an object store is here for as long as the context lasts.

    Parameters
    ----------
    sources : paths, or addresses such as "s3://bucket/orders.csv" or "s3://bucket/2024/": all that lies below.
    folder : where to keep it meanwhile.

    Raises
    ------
    InputError
        If nothing lies at an address, or the store does not answer or refuses.

    Examples
    --------
    >>> with brought(["orders.csv"], Path("spill")) as paths:
    ...     print(*paths)
    orders.csv
    """
    with storage.scratch(folder) as kept:
        yield [
            _bring(source, kept / str(number)) if source.startswith(SCHEME) else Path(source)
            for number, source in enumerate(sources)
        ]


def laid(files: Mapping[str, Path], address: str) -> int:
    """Lay files below an address, and take away what else lies there; how many were sent.

    What lies there under the same name, in the same size and no older, is not sent again.

    Parameters
    ----------
    files : {name below the address, such as "events/a.parquet": the file}
    address : such as "s3://bucket/shop"; for these files alone.

    Raises
    ------
    InputError
        If anything lies there that is no Parquet file: the address is not for these files alone.
    """
    with _store(address) as (store, root):
        there = store.find(root, detail=True)
        if alien := next((name for name in there if not name.endswith(".parquet")), None):
            raise InputError(
                f"{address}: {SCHEME}{alien} is no Parquet file, and what is not of the shop would be taken away. "
                "Choose an address for these files alone."
            )
        wanted = {f"{root}/{name}": path for name, path in files.items()}
        sent = [name for name, path in wanted.items() if name not in there or _differs(there[name], path)]
        for name in sent:
            store.put_file(str(wanted[name]), name)
        for name in there.keys() - wanted.keys():
            store.rm_file(name)
    return len(sent)


def _differs(there: Mapping[str, Any], path: Path) -> bool:
    here = path.stat()
    return bool(there["size"] != here.st_size or there["LastModified"].timestamp() < here.st_mtime)


def _bring(address: str, target: Path) -> Path:
    with _store(address) as (store, root):
        found = store.find(root)
        if not found:
            raise InputError(f"{address}: nothing lies there. Look at the name of the bucket and of the file.")
        for name in found:
            below = PurePosixPath(name).relative_to(root)
            if ".." in below.parts:
                raise InputError(f"{SCHEME}{name}: the name leads out of its folder.")
            path = target / PurePosixPath(root).name / below
            storage.make_folder(path.parent)
            with store.open(name, "rb", block_size=AT_ONCE) as opened:
                storage.replace(path, (memoryview(piece) for piece in iter(lambda: opened.read(AT_ONCE), b"")))
    return target / PurePosixPath(root).name


@contextmanager
def _store(address: str) -> Iterator[tuple[Any, str]]:
    """The store of an address, and the path in it; what it refuses is said as a user can mend it."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        from s3fs import S3FileSystem  # noqa: PLC0415
    except ImportError as error:
        raise RegularsError(f"{address} needs a client of S3: pip install regulars[s3]") from error
    if not address.startswith(SCHEME) or not address.removeprefix(SCHEME).strip("/"):
        raise InputError(f"{address}: an address such as s3://bucket/folder is expected.")
    try:
        # Not what was there a while ago: a store that was asked before remembers its lists.
        yield S3FileSystem(use_listings_cache=False, skip_instance_cache=True), address.removeprefix(SCHEME).strip("/")
    except (BotoCoreError, ClientError, OSError) as error:
        raise InputError(
            f"{address}: {error} Look at the address, at the keys that AWS's own tools would use "
            "(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), and at AWS_ENDPOINT_URL where it is another server."
        ) from error
