"""Embedded: a PostgreSQL server that comes with the installation and needs no administrator.

Owns one data folder: its lock, the database files, the server process and its Unix socket.
Promises that one copy runs at a time, that only the user running GridPoints can connect (peer,
no passwords, no network), that no process is signalled before it is known to be ours, that
nothing outside the data folder is chmodded or chowned, and that after any kill the next start
recovers what was committed.
"""

from app.core.embedded.errors import (
    AlreadyRunning,
    DataDirUnusable,
    EmbeddedPostgresError,
    ServerDidNotStart,
)
from app.core.embedded.folders import default_data_dir
from app.core.embedded.server import EmbeddedPostgres, ServerAddress

__all__ = [
    "AlreadyRunning",
    "DataDirUnusable",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "ServerAddress",
    "ServerDidNotStart",
    "default_data_dir",
]
