"""`gridpoints witness`: keys, what it remembers, and wrong use."""

import base64
import json
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from app.cli.commands import app
from app.cli.note_keys import new_witness_key, parse_witness_key
from app.cli.witness_memory import Memory
from app.ledger.seals.notes import KeyKind, verifier_key
from tests.cli.office import NAME, Office, run
from tests.doubles.log import DoubleLog


def test_a_new_key_is_readable_by_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "witness.key"

    made = run("new-key", NAME, "--file", str(file))
    again = run("new-key", NAME, "--file", str(file))

    key = parse_witness_key(file.read_text(encoding="utf-8"))
    assert made.stdout.strip() == str(key.public)
    assert made.stdout.startswith(f"{NAME}+")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text(encoding="utf-8").startswith(f"PRIVATE+KEY+{NAME}+")
    assert (again.exit_code, again.stdout) == (2, "")
    assert str(parse_witness_key(file.read_text(encoding="utf-8")).public) == str(key.public)


@pytest.mark.parametrize("name", ["", "two words", "a+b"])
def test_a_name_that_cannot_stand_under_a_note_gets_no_key(tmp_path: Path, name: str) -> None:
    refused = run("new-key", name, "--file", str(tmp_path / "witness.key"))

    assert refused.exit_code == 2
    assert not (tmp_path / "witness.key").exists()


def test_a_private_key_of_the_standards_own_kind_is_read_as_well() -> None:
    # Both are of the private key of 32 zeros, as other tools write it: a log's kind, a witness's.
    for kind in KeyKind:
        private_key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        key_id = verifier_key(NAME, kind, private_key).key_id.hex()
        content = base64.b64encode(bytes([kind]) + bytes(32)).decode()
        text = f"PRIVATE+KEY+{NAME}+{key_id}+{content}"
        assert parse_witness_key(text).public == verifier_key(NAME, KeyKind.WITNESS, private_key)


def test_a_spoilt_memory_is_not_taken_for_none(office: Office, log: DoubleLog) -> None:
    office.watch()
    log.rewrite(0)
    for content in (b"", b"\xff", office.state.read_bytes()[:-20]):
        office.state.write_bytes(content)
        done = office.watch()
        assert done.exit_code == 2
        assert "put it back from a copy" in " ".join(done.stderr.split())
    assert log.posted == []


def test_two_witnesses_do_not_share_a_memory(office: Office) -> None:
    with Memory(office.state).kept_to_ourselves():
        done = office.watch()

    assert done.exit_code == 2
    assert "another witness" in done.stderr
    assert office.watch().exit_code == 0


def test_wrong_use_is_told_before_anything_is_asked(office: Office, log: DoubleLog) -> None:
    others = str(verifier_key("elsewhere/communities/8", KeyKind.LOG, log.private_key))
    office.key_file.write_text("PRIVATE+KEY+nonsense", encoding="utf-8")
    broken_key = office.watch()

    assert broken_key.exit_code == 2
    assert "private key" in broken_key.stderr
    assert office.watch(log_keys=(others,)).exit_code == 2
    assert office.watch(log_keys=(str(log.key), others)).exit_code == 2
    assert office.watch(log_keys=(str(office.key.public),)).exit_code == 2
    for url in (
        "points.example.cn",
        "ftp://points.example.cn",
        "https://",
        "http://a:b@c",
        "ht tp",
    ):
        wrong = run(
            "watch", url, "--community", "7", "--log-key", str(log.key),
            "--key-file", str(office.key_file), "--state", str(office.state),
        )  # fmt: skip
        assert wrong.exit_code == 2, url
    assert log.asked == []


def test_the_memory_is_of_one_log(office: Office, log: DoubleLog) -> None:
    note = log.note().replace("points.example.cn", "elsewhere.example.cn")
    office.state.write_text(note, encoding="utf-8")

    done = office.watch()

    assert done.exit_code == 2
    assert "remembers another log" in " ".join(done.stderr.split())


def test_the_answers_are_asked_for_as_they_are(office: Office, log: DoubleLog) -> None:
    asked: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"note": log.note()})

    log.instead["latest"] = note
    office.watch()

    assert asked[0].headers["Accept-Encoding"] == "identity"
    assert asked[0].headers["Cache-Control"] == "no-cache"
    assert log.posted[0].startswith(f"— {NAME} ")


def test_a_key_that_is_no_witness_in_the_settings_is_told_before_anything_starts() -> None:
    secret = new_witness_key(NAME).written()

    refused = CliRunner().invoke(
        app, ["worker"], env={"GRIDPOINTS_WITNESSES": json.dumps([secret])}
    )

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith("GRIDPOINTS_WITNESSES: key 1 cannot be read")
    assert secret not in refused.stderr
