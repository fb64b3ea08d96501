"""Which account runs the server, for root and for everyone else."""

import contextlib
import os
import pwd
import shutil
from pathlib import Path

from app.core.embedded.account import ROOT, Account, account_of
from app.core.embedded.commands import run
from app.core.embedded.errors import DataDirUnusable, EmbeddedPostgresError

NEW_ACCOUNT = "gridpoints"
NEW_ACCOUNT_OPTIONS = (
    "--system", "--no-create-home", "--home-dir=/nonexistent", "--shell=/bin/false",
)  # fmt: skip
ADMINISTRATOR_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"


def choose_account(cluster: Path) -> Account:
    """Return who runs the server; existing database files stay with their owner."""
    if os.geteuid() != ROOT:
        return _ourselves(cluster)
    if cluster.exists():
        return _owner(cluster)
    return _known()[0] if _known() else _create()


def _ourselves(cluster: Path) -> Account:
    uid = os.geteuid()
    try:
        account = account_of(pwd.getpwuid(uid))
    except KeyError:
        raise EmbeddedPostgresError(
            f"User id {uid} has no name on this machine, and PostgreSQL needs one. "
            "Run GridPoints as a named user, or add this one to /etc/passwd."
        ) from None
    if cluster.exists() and cluster.stat().st_uid != uid:
        raise _foreign(cluster, account.name)
    return account


def _owner(cluster: Path) -> Account:
    uid = cluster.stat().st_uid
    known = {account.uid: account for account in _known()}
    if uid in known:
        return known[uid]
    if not known and not _has_name(uid):
        return _create(f"--uid={uid}")  # a new container, and the data of the one before
    raise _foreign(cluster, next(iter(known.values())).name if known else NEW_ACCOUNT)


def _foreign(cluster: Path, name: str) -> DataDirUnusable:
    return DataDirUnusable(
        f"The database files in {cluster} belong to user id {cluster.stat().st_uid}. "
        f"Run GridPoints as that user, or hand them over: chown -R {name}: '{cluster}'"
    )


def _known() -> list[Account]:
    found = []
    for name in (NEW_ACCOUNT, "postgres"):
        with contextlib.suppress(KeyError):
            found.append(account_of(pwd.getpwnam(name)))
    return found


def _has_name(uid: int) -> bool:
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwuid(uid))
    return False


def _create(*options: str) -> Account:
    useradd = shutil.which("useradd", path=ADMINISTRATOR_PATH)
    if useradd is None:
        raise EmbeddedPostgresError(
            "PostgreSQL refuses to run as root, and there is no account to run it. "
            f"Create a system account named {NEW_ACCOUNT}, or run GridPoints as an ordinary user."
        )
    root = Account(name="root", uid=ROOT, gid=ROOT)
    done = run(root, [useradd, *NEW_ACCOUNT_OPTIONS, *options, NEW_ACCOUNT])
    if done.returncode != 0:
        raise EmbeddedPostgresError(
            f"The system account {NEW_ACCOUNT} could not be created: {done.stderr.strip()}. "
            "Create it by hand, or run GridPoints as an ordinary user."
        )
    return account_of(pwd.getpwnam(NEW_ACCOUNT))
