"""The database files: made in one step, and looked at before a server is let loose on them."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from app.core.embedded.account import Account
from app.core.embedded.binaries import Binaries, installed_version
from app.core.embedded.commands import run
from app.core.embedded.configuration import INCLUDE, SUPERUSER
from app.core.embedded.errors import DataDirUnusable
from app.core.embedded.folders import Layout, give

HALF_MADE = "cluster.new-"
INITDB_OPTIONS = (
    f"--username={SUPERUSER}",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth-local=peer",
    "--auth-host=reject",
    "--no-instructions",
)


def ensure_cluster(
    layout: Layout, account: Account, binaries: Binaries, *, options: Sequence[str]
) -> None:
    """Make the database files if there are none, and refuse those of another major version."""
    for half_made in layout.data_dir.glob(f"{HALF_MADE}*"):
        shutil.rmtree(half_made, ignore_errors=True)  # its initdb may still be dying
    if layout.cluster.exists():
        _refuse_other_version(layout.cluster)
        return
    # A name of its own: the initdb of a killed copy may still write under another.
    fresh = Path(tempfile.mkdtemp(prefix=HALF_MADE, dir=layout.data_dir))
    give(fresh, account)
    command = [str(binaries.program("initdb")), "-D", str(fresh), *INITDB_OPTIONS, *options]
    done = run(account, command)
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise DataDirUnusable(
            f"The database files could not be made in {layout.data_dir}. Free some disk space, "
            f"or put right what PostgreSQL says:\n{done.stderr.strip()}"
        )
    _append(fresh / "postgresql.conf", INCLUDE)
    fresh.rename(layout.cluster)
    _sync(layout.data_dir)


def _refuse_other_version(cluster: Path) -> None:
    try:
        made_by = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataDirUnusable(
            f"{cluster} does not hold the files of a PostgreSQL database. "
            "Restore it from a backup, or move it away to begin anew."
        ) from error
    major = installed_version().partition(".")[0]
    if made_by != major:
        raise DataDirUnusable(
            f"The database files in {cluster} were made by PostgreSQL {made_by}, and this "
            f"installation brings {major}. Export them with the release that made them, "
            "move the folder away, and import them here."
        )


def _append(path: Path, text: str) -> None:
    # The account owns the folder: root must not follow a link it may have put here.
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
    try:
        os.write(file, text.encode())
        os.fsync(file)
    finally:
        os.close(file)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
