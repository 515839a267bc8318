"""Which paths lie on another machine's disk, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from regulars import mounts
from regulars.errors import ShopError

MOUNTS = """\
22 1 0:21 / / rw,relatime - ext4 /dev/sda rw
30 22 0:40 / /srv/my\\040shops rw - nfs4 server:/shops rw
31 30 0:41 / /srv/my\\040shops/local rw shared:1 - xfs /dev/sdb rw
32 22 0:42 / /mnt/{kind} rw master:2 - {kind} somewhere rw
33 22 0:43 / /twice rw - nfs server:/twice rw
34 22 0:44 / /twice rw - ext4 /dev/sdc rw
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/home/ada/shop", None),
        ("/srv/my shops/tea", "nfs4"),
        ("/srv/my shops/local/tea", None),
        ("/srv/my shopsandmore", None),
        ("/mnt/cifs/tea/not/made/yet", "cifs"),
        ("/twice/tea", None),
    ],
)
def test_a_network_file_system_is_told_by_the_deepest_mount(tmp_path, monkeypatch, place, kind):
    (tmp_path / "mountinfo").write_text(MOUNTS.format(kind="cifs"))
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "mountinfo")
    assert mounts.network_file_system(Path(place)) == kind
    if kind is None:
        mounts.refuse_network(Path(place))
    else:
        with pytest.raises(ShopError, match=rf"network file system \({kind}\).* Move the shop to a local disk"):
            mounts.refuse_network(Path(place))


@pytest.mark.parametrize("kind", ["nfs", "smb3", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs", "fuse.glusterfs"])
def test_each_kind_of_network_file_system_is_refused(tmp_path, monkeypatch, kind):
    (tmp_path / "mountinfo").write_text(MOUNTS.format(kind=kind))
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "mountinfo")
    with pytest.raises(ShopError, match=rf"\({kind}\)"):
        mounts.refuse_network(Path("/mnt") / kind)


def test_where_the_system_does_not_tell_its_mounts_none_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "none")
    mounts.refuse_network(tmp_path)
