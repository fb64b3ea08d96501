"""Server processes a killed copy left behind: found by what they do, never by a stored pid."""

import hashlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from app.core.embedded.account import Account
from app.core.embedded.errors import EmbeddedPostgresError

SHUTDOWN_PATIENCE = 600.0  # seconds for the last checkpoint on a slow disk
ORPHAN_PATIENCE = 5.0  # sessions see by themselves that their server is gone
KILL_PATIENCE = 30.0
PAUSE = 0.05


def cluster_name(cluster: Path) -> str:
    """Return the name PostgreSQL shows in the command line of every process of this cluster."""
    return f"gridpoints-{hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]}"


def living_processes(cluster: Path, account: Account) -> list[psutil.Process]:
    """Return the live server processes of this cluster, and nobody else's."""
    return [process for process in psutil.process_iter() if _is_ours(process, cluster, account)]


def end_left_over(cluster: Path, account: Account) -> None:
    """End what a killed copy left running, politely first, and forget its pid file."""
    living = living_processes(cluster, account)
    servers = [process for process in living if _is_server(process)]
    _tell(servers, signal.SIGINT)
    patience = SHUTDOWN_PATIENCE if servers else ORPHAN_PATIENCE
    for harder in (signal.SIGQUIT, signal.SIGKILL):
        if _ended(cluster, account, patience):
            break
        _tell(living_processes(cluster, account), harder)
        patience = KILL_PATIENCE
    if not _ended(cluster, account, patience):
        raise EmbeddedPostgresError(
            f"A PostgreSQL server from before still works in {cluster} and does not end. "
            "End it by hand, or restart the machine."
        )
    # Its pid may be another program's by now, and half a file would stop the next server.
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def _is_ours(process: psutil.Process, cluster: Path, account: Account) -> bool:
    try:
        return (
            process.name() == "postgres"
            and process.uids().effective == account.uid
            and process.status() != psutil.STATUS_ZOMBIE
            and _works_in(process, cluster)
        )
    except psutil.Error:
        return False


def _works_in(process: psutil.Process, cluster: Path) -> bool:
    try:
        return Path(process.cwd()) == cluster
    except psutil.AccessDenied:
        # Root in a container may not look into other users' processes; command lines are open.
        return any(cluster_name(cluster) in word for word in process.cmdline())


def _is_server(process: psutil.Process) -> bool:
    """Tell the server itself from its children, which retitle themselves."""
    try:
        return not "".join(process.cmdline()[:1]).startswith("postgres:")
    except psutil.Error:
        return False


def _tell(processes: Iterable[psutil.Process], what: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(what)  # psutil refuses when the pid has changed hands
        except psutil.NoSuchProcess:
            continue


def _ended(cluster: Path, account: Account, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while living_processes(cluster, account):
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True
