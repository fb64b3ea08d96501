import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from app.core.embedded.account import Account

# The caller's locale may be unknown to the C library, and its PG* variables may point elsewhere.
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}


def run(
    account: Account, command: Sequence[str | Path], *, script: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end as the account, from a folder that anyone may enter."""
    return subprocess.run(  # noqa: S603 - absolute programs, no shell, words from this package
        command,
        check=False,
        capture_output=True,
        input=script,
        encoding="utf-8",
        errors="replace",
        cwd="/",
        env=ENVIRONMENT,
        umask=0o077,
        user=account.switch_to_uid,
        group=account.switch_to_gid,
        extra_groups=account.switch_to_groups,
    )


def spawn(
    account: Account, command: Sequence[str | Path], *, folder: Path, log: int
) -> subprocess.Popen[bytes]:
    """Start a program that stays, out of reach of a Ctrl-C meant for us."""
    return subprocess.Popen(  # noqa: S603 - absolute program, no shell, words from this package
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=folder,
        env=ENVIRONMENT,
        umask=0o077,
        user=account.switch_to_uid,
        group=account.switch_to_gid,
        extra_groups=account.switch_to_groups,
        start_new_session=True,
    )
