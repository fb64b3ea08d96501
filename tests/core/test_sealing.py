"""Secrets at rest: opened by the same key, for the same purpose and thing, or not at all."""

import base64
import hmac
import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from app.core.config import Settings
from app.core.sealing import (
    NONCE_BYTES,
    MasterKey,
    MasterKeyUnusable,
    master_key_in,
    master_key_of,
    new_master_key,
    parse_master_key,
)

KEY = MasterKey(bytes(range(32)))
KEY_CUT_SHORT = base64.b64encode(bytes(range(32))).decode()[:-1]
PLAIN = "王小四 13800000000".encode()


def test_what_was_sealed_can_be_opened() -> None:
    sealed = KEY.seal("names", PLAIN, bound_to=b"resident 7")
    assert KEY.open("names", sealed, bound_to=b"resident 7") == PLAIN
    assert PLAIN not in sealed


def test_the_same_text_is_sealed_differently_each_time() -> None:
    sealed = {KEY.seal("names", PLAIN, bound_to=b"") for _ in range(100)}
    assert len({text[:NONCE_BYTES] for text in sealed}) == 100


def test_no_bit_can_be_changed() -> None:
    sealed = KEY.seal("names", b"42", bound_to=b"resident 7")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(InvalidTag):
            KEY.open("names", bytes(changed), bound_to=b"resident 7")


@pytest.mark.parametrize("cut", [NONCE_BYTES, NONCE_BYTES + 1, -1])
def test_nothing_can_be_cut_off(cut: int) -> None:
    sealed = KEY.seal("names", PLAIN, bound_to=b"")
    with pytest.raises(InvalidTag):
        KEY.open("names", sealed[:cut], bound_to=b"")


def test_a_seal_holds_for_one_thing_one_purpose_and_one_key() -> None:
    sealed = KEY.seal("names", PLAIN, bound_to=b"resident 7")
    other_key = parse_master_key(new_master_key())
    for key, purpose, bound_to in (
        (KEY, "names", b"resident 8"),
        (KEY, "phones", b"resident 7"),
        (other_key, "names", b"resident 7"),
    ):
        with pytest.raises(InvalidTag):
            key.open(purpose, sealed, bound_to=bound_to)


def test_purposes_have_keys_of_their_own_that_stay_the_same() -> None:
    derived = {purpose: KEY.derive(purpose) for purpose in ("names", "phones", "refresh tokens")}
    assert len({*derived.values(), KEY.secret}) == 4
    assert {len(key) for key in derived.values()} == {32}
    # RFC 5869 by hand: with another derivation nobody could open what is in the database.
    extracted = hmac.digest(bytes(32), KEY.secret, "sha256")
    assert derived["names"] == hmac.digest(extracted, b"gridpoints names\x01", "sha256")


def test_a_master_key_survives_being_written_down() -> None:
    text = new_master_key()
    assert base64.b64encode(parse_master_key(text).secret).decode() == text


@pytest.mark.parametrize(
    "text", ["", "short", "!" * 44, base64.b64encode(b"x" * 31).decode(), KEY_CUT_SHORT]
)
def test_an_unusable_master_key_says_what_to_do(text: str) -> None:
    with pytest.raises(MasterKeyUnusable, match="gridpoints keys new-master"):
        parse_master_key(text)


def test_the_data_folders_key_is_made_once_and_readable_by_us_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    key = master_key_in(folder)
    assert master_key_in(folder) == key
    assert stat.S_IMODE((folder / "master.key").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["master.key"]


def test_a_key_of_the_environment_comes_before_the_folders(tmp_path: Path) -> None:
    text = new_master_key()
    chosen = Settings.model_validate({"data_dir": tmp_path, "master_key": text})
    assert master_key_of(chosen) == parse_master_key(text)
    assert list(tmp_path.iterdir()) == []
    assert text not in repr(chosen)
