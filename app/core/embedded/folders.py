"""The data folder: where things lie in it, and whether it can be used."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import psutil

from app.core.embedded.account import ROOT, Account
from app.core.embedded.commands import run
from app.core.embedded.errors import DataDirUnusable, EmbeddedPostgresError

# Locks and fsync on these do not keep the promises a database needs.
NETWORK_FILE_SYSTEMS = frozenset(
    {"afpfs", "cifs", "fuse.davfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"}
    | {"nfs", "nfs4", "smb3", "smbfs", "webdav"}
)

OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Layout:
    """What lies where in the data folder."""

    data_dir: Path

    @property
    def cluster(self) -> Path:
        return self.data_dir / "cluster"

    @property
    def lock(self) -> Path:
        return self.data_dir / "lock"

    @property
    def log(self) -> Path:
        return self.data_dir / "server.log"

    @property
    def settings(self) -> Path:
        return self.data_dir / "gridpoints.conf"

    @property
    def admission(self) -> Path:
        return self.data_dir / "pg_hba.conf"

    @property
    def identities(self) -> Path:
        return self.data_dir / "pg_ident.conf"

    @property
    def sockets(self) -> Path:
        return self.data_dir / "run"

    @property
    def sockets_elsewhere(self) -> Path:
        return self.data_dir / "run-elsewhere"


def default_data_dir() -> Path:
    """Return where the data lies unless told otherwise."""
    if os.geteuid() == ROOT:
        return Path("/var/lib/gridpoints")
    return Path(platformdirs.user_data_dir("gridpoints"))


def claim(layout: Layout) -> None:
    """Make the data folder, or refuse one that is not for us; touches nothing that exists."""
    folder = layout.data_dir
    _refuse_network(folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = folder.stat().st_uid
        shared = _is_shared(layout)
    except OSError as error:
        raise DataDirUnusable(
            f"The data folder {folder} cannot be used ({error.strerror}). "
            "Run GridPoints as the user it belongs to, or choose another folder."
        ) from error
    if owner != os.geteuid():
        raise DataDirUnusable(
            f"The data folder {folder} belongs to user id {owner}. "
            "Run GridPoints as that user, or choose another folder."
        )
    if shared:
        raise DataDirUnusable(
            f"The folder {folder} holds files that other users may open, and would be closed to "
            "them. Choose an empty folder for GridPoints."
        )


def hand_over(layout: Layout, account: Account) -> None:
    """Close the data folder to everyone but us and the server's account.

    Under root it stays root's, so that the account cannot swap what root writes; the account's
    group may pass through (0710) to reach its own folders, and not look around.
    """
    if account.is_other and not may_enter(account, layout.data_dir.parent):
        closed = next(
            folder for folder in reversed(layout.data_dir.parents) if not may_enter(account, folder)
        )
        raise DataDirUnusable(
            f"The account {account.name}, which runs PostgreSQL for root, may not enter {closed}. "
            f"Choose a data folder outside it, such as /var/lib/gridpoints, "
            f"or let the account pass: chmod o+x '{closed}'"
        )
    share(layout.data_dir, account, 0o710)


def share(path: Path, account: Account, mode: int) -> None:
    """Set the mode; what it grants to a group is for the server's account, if that is not us."""
    if account.is_other:
        os.chown(path, os.geteuid(), account.gid, follow_symlinks=False)
        path.chmod(mode)
    else:
        path.chmod(mode & 0o700)


def give(folder: Path, account: Account) -> None:
    """Let the server's account, and nobody else, own the folder."""
    if account.is_other:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    folder.chmod(0o700)


def write_shared(path: Path, content: bytes, account: Account) -> None:
    """Replace a file of ours that the server reads, in one step."""
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600, exist_ok=False)
    partial.write_bytes(content)
    share(partial, account, 0o640)
    partial.replace(path)


def may_enter(account: Account, folder: Path) -> bool:
    """Ask as the account itself: modes alone do not show access lists and the like."""
    try:
        return run(account, ["/bin/sh", "-c", 'cd -- "$0"', folder]).returncode == 0
    except OSError as error:
        raise EmbeddedPostgresError(
            f"Root may not start programs as the account {account.name} here ({error.strerror}). "
            "Run GridPoints as an ordinary user."
        ) from error


def is_private(folder: Path, account: Account) -> bool:
    """Tell whether it is a true folder that only the account may use."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    mine = stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid
    return mine and stat.S_IMODE(found.st_mode) == stat.S_IRWXU


def _is_shared(layout: Layout) -> bool:
    """Tell whether it is in use by others; a key of ours that lies there already is closed."""
    if layout.lock.exists() or not layout.data_dir.stat().st_mode & OPEN_TO_OTHERS:
        return False
    return any(
        entry.name != "lost+found" and entry.lstat().st_mode & OPEN_TO_OTHERS
        for entry in layout.data_dir.iterdir()
    )


def _refuse_network(folder: Path) -> None:
    around = [
        disk for disk in psutil.disk_partitions(all=True) if folder.is_relative_to(disk.mountpoint)
    ]
    closest = max(around, key=lambda disk: len(disk.mountpoint), default=None)
    if closest is not None and closest.fstype in NETWORK_FILE_SYSTEMS:
        raise DataDirUnusable(
            f"The data folder {folder} lies on a network disk ({closest.fstype}), where a "
            "database may lose data. Choose a folder on a local disk."
        )
