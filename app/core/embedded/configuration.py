"""What the server is told: its settings, where it listens, and who may come in as whom."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.core.embedded.account import Account, name_of_user
from app.core.embedded.folders import Layout, write_shared
from app.core.embedded.processes import cluster_name
from app.core.embedded.socket_folder import PORT

SUPERUSER = "postgres"
USER_MAP = "gridpoints"
INCLUDE = "\ninclude_if_exists '../gridpoints.conf'\n"

SMALL_MACHINE = {
    "shared_buffers": "128MB",
    "max_connections": "60",
    "jit": "off",
    # Parallel workers share memory in /dev/shm, of which containers have little.
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "logging_collector": "off",  # the log is our file, bounded at every start
}


def write_configuration(
    layout: Layout, account: Account, *, roles: Sequence[str], settings: Mapping[str, str]
) -> None:
    lines = (
        f"{name} = {_quoted(value)}\n" for name, value in (SMALL_MACHINE | dict(settings)).items()
    )
    write_shared(layout.settings, "".join(lines).encode(), account)
    write_shared(layout.admission, f"local all all peer map={USER_MAP}\n".encode(), account)
    users = dict.fromkeys((name_of_user(os.geteuid()), account.name))
    identities = (
        f'{USER_MAP} "{user}" "{role}"\n' for user in users for role in (SUPERUSER, *roles)
    )
    write_shared(layout.identities, "".join(identities).encode(), account)


def server_arguments(layout: Layout, sockets: Path) -> list[str]:
    """Return what no settings file and no ALTER SYSTEM may change."""
    fixed = {
        "cluster_name": cluster_name(layout.cluster),
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{sockets}"',
        "unix_socket_permissions": "0700",
        "hba_file": str(layout.admission),
        "ident_file": str(layout.identities),
    }
    words = ["-D", str(layout.cluster)]
    for name, value in fixed.items():
        words += ["-c", f"{name}={value}"]
    return words


def _quoted(value: str) -> str:
    doubled = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"
