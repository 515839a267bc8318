"""On which kind of file system a path lies: what must be sure on this machine is refused on another's disk."""

from __future__ import annotations

import os
from pathlib import Path

from regulars.errors import ShopError

NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone",
    "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "pvfs2",
    "smb2", "smb3", "smbfs",
})  # fmt: skip
"""File systems that lie on another machine, as /proc/self/mountinfo calls them."""

MOUNTS = Path("/proc/self/mountinfo")


def network_file_system(path: Path) -> str | None:
    """The kind of network file system that a path lies on, e.g. "nfs4"; None if on a local one.

    The path need not exist yet: then its nearest folder above counts. None too where the system does not say
    (only Linux has /proc).
    """
    try:
        lines = MOUNTS.read_text().splitlines()
    except OSError:
        return None
    place = Path(os.path.realpath(path))
    deepest, kind = -1, ""
    for line in lines:
        # 36 35 98:0 /root /mount/point options [optional fields] - type source superoptions: proc(5)
        before, _, after = line.partition(" - ")
        mounted = Path(before.split(" ")[4].encode().decode("unicode_escape").encode("latin-1").decode())
        # What is mounted later over the same place hides what was there.
        if place.is_relative_to(mounted) and len(mounted.parts) >= deepest:
            deepest, kind = len(mounted.parts), after.split(" ")[0]
    return kind if kind in NETWORK else None


def refuse_network(path: Path) -> None:
    """Refuse a place on a network file system, for a file whose locks and syncs must hold on this machine.

    Raises
    ------
    ShopError
        If the path lies on one; the message names its kind.
    """
    kind = network_file_system(path)
    if kind is not None:
        raise ShopError(
            f"{path} lies on a network file system ({kind}), where locks and syncs are not sure: what was acknowledged "
            "could be lost. Move the shop to a local disk, and back it up to the network instead."
        )
