"""Small files that unpack to huge ones."""

from __future__ import annotations

from pathlib import Path

from regulars.errors import InputError

FREE_BYTES = 100_000_000
LARGEST_RATIO = 200
"""Once a file is over `FREE_BYTES` unpacked, it may hold so many times its packed size. Exports of real
shops come to 5 to 30 times in gzip and zstd, and rarely to 60; a bomb to a thousand and more."""
LARGEST_UNPACKED = 1 << 40
"""In bytes: of a packed file, whatever its ratio."""


def refuse_bomb(path: Path, packed: int, unpacked: int) -> None:
    """InputError if a file of so many bytes unpacks to more than an honest one would."""
    if unpacked > LARGEST_UNPACKED or unpacked > max(FREE_BYTES, LARGEST_RATIO * packed):
        raise InputError(
            f"{path}: {packed:,} bytes that unpack to {unpacked:,} or more. At most {LARGEST_RATIO} times as much "
            f"is read (and {LARGEST_UNPACKED >> 40} TiB), for such files are made to fill a machine. If it is an "
            "honest export, unpack it yourself and import it in parts."
        )
