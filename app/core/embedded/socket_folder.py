"""Where the socket lies: in the data folder, or elsewhere when that path cannot name a socket."""

import os
import stat
import tempfile
from pathlib import Path

from app.core.embedded.account import ROOT, Account
from app.core.embedded.errors import EmbeddedPostgresError
from app.core.embedded.folders import Layout, give, is_private, write_shared

PORT = 5432  # names the socket; nothing listens on a network
SOCKET = f".s.PGSQL.{PORT}"
LONGEST_SOCKET_PATH = 103  # macOS; Linux allows four more
# Not XDG_RUNTIME_DIR, which goes when its user logs out; a server may stay longer.
SHORT_FOLDERS = (Path("/tmp"), Path(tempfile.gettempdir()))  # noqa: S108 - mkdtemp, checked below


def open_socket_folder(layout: Layout, account: Account) -> Path:
    """Return a folder only the account may enter, free of what a killed server left in it."""
    folder = layout.sockets if _can_name_socket(layout.sockets) else _elsewhere(layout, account)
    folder.mkdir(mode=0o700, exist_ok=True)
    give(folder, account)
    for left_over in (SOCKET, f"{SOCKET}.lock"):
        (folder / left_over).unlink(missing_ok=True)
    return folder


def close_socket_folder(layout: Layout) -> None:
    """Take away a folder outside the data folder, if the server left it empty."""
    remembered = _remembered(layout)
    if remembered is None:
        return
    try:
        remembered.rmdir()
    except OSError:
        return
    layout.sockets_elsewhere.unlink()


def _elsewhere(layout: Layout, account: Account) -> Path:
    remembered = _remembered(layout)
    if remembered is not None and is_private(remembered, account):
        return remembered
    for parent in SHORT_FOLDERS:
        if _is_safe_parent(parent) and _can_name_socket(parent / "gridpoints-12345678"):
            folder = Path(tempfile.mkdtemp(prefix="gridpoints-", dir=parent))
            write_shared(layout.sockets_elsewhere, os.fsencode(folder), account)
            return folder
    raise EmbeddedPostgresError(
        f"The path {layout.sockets} is too long for a socket, and there is no safe temporary "
        "folder. Choose a data folder with a shorter path."
    )


def _remembered(layout: Layout) -> Path | None:
    try:
        return Path(os.fsdecode(layout.sockets_elsewhere.read_bytes()))
    except FileNotFoundError:
        return None


def _can_name_socket(folder: Path) -> bool:
    try:
        name = str(folder).encode()
    except UnicodeEncodeError:  # not text in this locale, so no URL can carry it
        return False
    path = os.fsencode(folder / SOCKET)
    # Clients take a comma for a list of hosts, PostgreSQL a quote for the end of the name.
    return len(path) <= LONGEST_SOCKET_PATH and not set(name) & set(b',"')


def _is_safe_parent(folder: Path) -> bool:
    """Tell whether nobody but root and us can move away what we make in it."""
    try:
        found = folder.stat()
    except OSError:
        return False
    kept = found.st_mode & stat.S_ISVTX or not found.st_mode & 0o022
    return bool(kept) and found.st_uid in {ROOT, os.geteuid()}
