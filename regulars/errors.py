"""What can go wrong, as a user sees it.

    RegularsError                 anything that a user can mend; shown without a traceback
    ├── ConfigError               shop.toml says something that cannot be
    ├── ShopError                 the folder is no shop, or is in use by another process
    ├── InputError                a file from outside cannot be read at all
    │   └── RejectedError         a strict import met a row that it cannot read
    ├── CorruptLogError           a file of the log is missing or is not what was committed
    ├── CorruptBackupError        a backup lacks a file, or one is not what was saved
    ├── NotFoundError             no such customer, capability, version or model
    ├── NotEnoughError            the log holds too little to answer honestly
    ├── UnsafeError               the machine or the set-up can lose events, or let others read secrets
    ├── OverLimitError            more came than is taken at a time
    ├── DiskFullError             there is no room for what came
    └── UnavailableError          what Regulars stands on does not answer now

Each message says where, what, what was expected instead, and what to do.
"""

from __future__ import annotations

from typing import ClassVar


class RegularsError(Exception):
    """A mistake that the user can mend: the message says how."""

    exit_code: ClassVar[int] = 1
    """What the command line exits with."""
    status: ClassVar[int] = 500
    """What the HTTP API answers with."""


class ConfigError(RegularsError):
    """shop.toml says something that cannot be; the message names the line."""

    exit_code = 3
    status = 422


class ShopError(RegularsError):
    """The folder is no shop, is one already, or another process is writing to it."""

    exit_code = 4
    status = 409


class InputError(RegularsError):
    """A file from outside cannot be read at all."""

    exit_code = 5
    status = 422


class RejectedError(InputError):
    """A strict import met rows that it cannot read; the log is as it was."""

    exit_code = 6
    status = 422


class CorruptLogError(RegularsError):
    """A file of the log is missing, or its bytes are not those that were committed."""

    exit_code = 7
    status = 500


class CorruptBackupError(RegularsError):
    """A backup lacks a file, or one of its files is not what was saved."""

    exit_code = 7
    status = 500


class NotFoundError(RegularsError):
    """No such customer, capability, version or model."""

    exit_code = 8
    status = 404


class NotEnoughError(RegularsError):
    """The log holds too little to answer honestly; the message says how much is needed."""

    exit_code = 9
    status = 422


class UnsafeError(RegularsError):
    """The machine or the set-up can lose events, or let others read secrets; `regulars doctor` says how to mend it."""

    exit_code = 10
    status = 500


class OverLimitError(RegularsError):
    """More came than is taken at a time; nothing of it was kept.

    Parameters
    ----------
    retry_seconds : after which it may be tried again.
    """

    exit_code = 11
    status = 429

    def __init__(self, said: str, retry_seconds: int) -> None:
        super().__init__(said)
        self.retry_seconds = retry_seconds


class DiskFullError(RegularsError):
    """There is no room for what came; nothing of it was kept."""

    exit_code = 12
    status = 507


class UnavailableError(RegularsError):
    """What Regulars stands on, or the server itself, does not answer now; it may later."""

    exit_code = 13
    status = 503
