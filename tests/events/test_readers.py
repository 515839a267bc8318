"""What cannot be opened at all: the message names the place and the mending."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.errors import InputError
from regulars.events.readers import KINDS, open_source


def message(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_source(path)
    return str(caught.value)


def as_nobody(ask: Callable[[], str]) -> str:
    """What a process without root's rights answers."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(sending, ask().encode())
        except BaseException as error:
            os.write(sending, repr(error).encode())
        finally:
            os._exit(0)
    os.close(sending)
    os.waitpid(child, 0)
    with os.fdopen(receiving) as answer:
        return answer.read()


@pytest.fixture
def public(tmp_path_factory):
    """A folder that every user can reach."""
    if os.getuid() != 0:
        pytest.skip("needs root, to become another user")
    folder = tmp_path_factory.mktemp("public")
    for each in (folder, *folder.parents):
        if each.stat().st_mode & 0o005 != 0o005:
            each.chmod(each.stat().st_mode | 0o055)
    return folder


@pytest.mark.parametrize("suffix", KINDS)
def test_a_file_that_is_not_there(tmp_path, suffix):
    (tmp_path / "orders.csv").write_text("a\n1\n")
    path = tmp_path / f"nothing{suffix}"
    assert message(path) == f"{path}: there is no such file. In that folder: orders.csv"


def test_a_folder_that_is_not_there(tmp_path):
    assert "there is no folder" in message(tmp_path / "nowhere" / "orders.csv")


def test_a_folder_instead_of_a_file(tmp_path):
    (tmp_path / "orders.csv").write_text("a\n1\n")
    assert message(tmp_path) == f"{tmp_path} is a folder. Name the file in it: orders.csv"


def test_a_kind_that_is_not_known(tmp_path):
    (tmp_path / "orders.doc").write_text("a\n1\n")
    assert "cannot tell what kind of file this is. Known are .csv, .tsv" in message(tmp_path / "orders.doc")


@pytest.mark.forks
@pytest.mark.parametrize("suffix", KINDS)
def test_a_file_that_may_not_be_read(public, suffix):
    path = public / f"secret{suffix}"
    path.write_text("a,b\n1,2\n")
    path.chmod(0o600)
    assert as_nobody(lambda: message(path)) == (
        f"{path}: may not be read by this user. Give it read permission: chmod a+r"
    )


@pytest.mark.forks
def test_a_folder_that_may_not_be_read(public):
    folder = public / "secret"
    folder.mkdir()
    (folder / "orders.csv").write_text("a,b\n1,2\n")
    folder.chmod(0o700)
    assert "may not be read by this user" in as_nobody(lambda: message(folder / "orders.csv"))
    assert "chmod u+rx" in as_nobody(lambda: message(folder))


@pytest.mark.parametrize("name", ["orders.CSV", "orders.csv.gz"])
def test_a_kind_is_told_by_the_end_of_the_name(tmp_path, name):
    import gzip

    data = b"a,b\n1,2\n"
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert open_source(tmp_path / name).headers == ("a", "b")
