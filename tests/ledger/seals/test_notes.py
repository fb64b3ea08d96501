"""Signed notes: published ones verify, made ones too, and no other."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.seals.merkle import EMPTY_ROOT
from app.ledger.seals.notes import (
    MOST_SIGNATURES,
    Checkpoint,
    Cosignature,
    KeyKind,
    NoteInvalid,
    VerifierKey,
    cosign,
    cosignatures,
    open_checkpoint,
    parse_note,
    parse_signature,
    parse_verifier_key,
    sign_checkpoint,
    verifier_key,
)

# golang.org/x/mod/sumdb/note, note_test.go: the key, the text and its signature.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_SEED = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETERS_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETERS_LINE = (
    "— PeterNeumann"
    " x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    "\n"
)
# c2sp.org/signed-note, "Example".
FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOOS_TEXT = "This is an example message.\n"
FOOS_LINE = (
    "— example.com/foo"
    " Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    "\n"
)
# A checkpoint of the public test log arche2025h1.staging.ct.transparency.dev with the
# countersignatures of four public witnesses; its first signature is of a kind unknown here.
PUBLIC_CHECKPOINT = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""  # noqa: E501 - lines are what they are
PUBLIC_LOG = (
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
)
PUBLIC_WITNESSES = (
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
)
SEEN_AT = datetime.fromtimestamp(0x6A122120, UTC)

NOW = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
ORIGIN = "points.example.cn/communities/7"
CHECKPOINT = Checkpoint(ORIGIN, 3, bytes(range(32)))
OLD, YOUNG, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([at] * 32)) for at in (1, 2, 3))
OLD_KEY, YOUNG_KEY, OTHER_KEY = (
    verifier_key(ORIGIN, KeyKind.LOG, key) for key in (OLD, YOUNG, OTHER)
)
OFFICE = verifier_key("street-office.example.cn", KeyKind.WITNESS, OTHER)
SIGNED = sign_checkpoint(CHECKPOINT, [YOUNG, OLD])


def office_line(**changes: object) -> str:
    """Return the street office's countersignature of the checkpoint."""
    arguments: dict[str, object] = {"checkpoint": CHECKPOINT, "now": NOW} | changes
    return cosign(name=OFFICE.name, private_key=OTHER, **arguments)  # type: ignore[arg-type]


# What is published.


@pytest.mark.parametrize(
    ("text", "line", "vkey"), [(PETERS_TEXT, PETERS_LINE, PETER), (FOOS_TEXT, FOOS_LINE, FOO)]
)
def test_published_notes_verify(text: str, line: str, vkey: str) -> None:
    key, signature = parse_verifier_key(vkey), parse_signature(line)

    assert (str(key), str(signature)) == (vkey, line)
    assert (key.name, key.key_id) == (signature.name, signature.key_id)
    assert key.verifies(signature.body, text.encode())
    assert not key.verifies(signature.body, text.encode() + b"\n")


def test_a_published_key_signs_as_published() -> None:
    private_key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(PETERS_SEED)[1:])

    assert str(verifier_key("PeterNeumann", KeyKind.LOG, private_key)) == PETER
    assert private_key.sign(PETERS_TEXT.encode()) == parse_signature(PETERS_LINE).body


def test_a_public_logs_checkpoint_opens_with_its_key() -> None:
    checkpoint = open_checkpoint(PUBLIC_CHECKPOINT, [parse_verifier_key(PUBLIC_LOG)])

    assert checkpoint.origin == "arche2025h1.staging.ct.transparency.dev"
    assert checkpoint.size == 1_432_088_532
    assert PUBLIC_CHECKPOINT.startswith(f"{checkpoint.text}\n— ")


def test_public_witnesses_have_countersigned_it() -> None:
    witnesses = [parse_verifier_key(key) for key in PUBLIC_WITNESSES]

    found = cosignatures(PUBLIC_CHECKPOINT, witnesses)

    assert found == [Cosignature(witness.name, SEEN_AT) for witness in witnesses]


@pytest.mark.parametrize(
    ("before", "after"),
    [("1432088532\n", "1432088533\n"), ("U7WM", "U7WN"), ("BqEiEgPlfF", "BqEiEhPlfF")],
)
def test_a_public_witness_did_not_countersign_anything_else(before: str, after: str) -> None:
    changed = PUBLIC_CHECKPOINT.replace(before, after)
    witness = parse_verifier_key(PUBLIC_WITNESSES[2])

    with pytest.raises(NoteInvalid, match="the countersignature of remora"):
        cosignatures(changed, [witness])


# Keys.


def test_a_part_of_a_key_is_no_key() -> None:
    for start in range(len(PETER)):
        for end in range(start + 1, len(PETER) + 1):
            if end - start < len(PETER):
                with pytest.raises(NoteInvalid):
                    parse_verifier_key(PETER[start:end])


def test_a_key_with_one_character_changed_is_no_key() -> None:
    for at, character in enumerate(PETER):
        with pytest.raises(NoteInvalid):
            parse_verifier_key(f"{PETER[:at]}{chr(ord(character) + 1)}{PETER[at + 1 :]}")


@pytest.mark.parametrize(
    "text",
    [
        # Of the wrong length, and of an unknown kind, with ids that fit (from note_test.go).
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER.replace("c74f20a3", "C74F20A3"),
        PETER.replace("/", "_"),
        "",
        "++",
        "\ud800+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_malformed_key_is_refused(text: str) -> None:
    with pytest.raises(NoteInvalid):
        parse_verifier_key(text)


@pytest.mark.parametrize("name", ["", "two words", "two\u3000words", "half\ud800"])
def test_a_key_has_no_name_that_a_note_could_not_have(name: str) -> None:
    key = VerifierKey(name.replace("\ud800", ""), KeyKind.LOG, OLD_KEY.public_key)
    with pytest.raises(NoteInvalid, match="the key's name is not one"):
        parse_verifier_key(name + str(key).removeprefix(key.name))


def test_a_keys_kind_is_part_of_its_id() -> None:
    as_log = verifier_key(OFFICE.name, KeyKind.LOG, OTHER)
    assert as_log.public_key == OFFICE.public_key
    assert as_log.key_id != OFFICE.key_id
    assert parse_verifier_key(f" {OFFICE}\n") == OFFICE


# Checkpoints of our own.


@pytest.mark.parametrize("keys", [[OLD_KEY], [YOUNG_KEY], [OLD_KEY, YOUNG_KEY, OTHER_KEY]])
def test_either_of_the_keys_that_signed_opens_a_checkpoint(keys: list[VerifierKey]) -> None:
    assert open_checkpoint(SIGNED, keys) == CHECKPOINT


def test_another_key_does_not_open_a_checkpoint() -> None:
    elsewhere = verifier_key("points.example.cn/communities/8", KeyKind.LOG, OLD)
    as_witness = verifier_key(ORIGIN, KeyKind.WITNESS, OLD)
    for keys in ([], [OTHER_KEY], [elsewhere], [as_witness], [OFFICE]):
        with pytest.raises(NoteInvalid, match="no key that is trusted"):
            open_checkpoint(SIGNED + office_line(), keys)


def test_a_wrong_signature_by_a_known_key_spoils_a_checkpoint() -> None:
    others = sign_checkpoint(Checkpoint(ORIGIN, 4, EMPTY_ROOT), [OLD]).rpartition("\n\n")[2]
    spoilt = sign_checkpoint(CHECKPOINT, [YOUNG]) + others

    assert open_checkpoint(spoilt, [YOUNG_KEY]) == CHECKPOINT
    with pytest.raises(NoteInvalid, match=f"the signature of {ORIGIN} is wrong"):
        open_checkpoint(spoilt, [YOUNG_KEY, OLD_KEY])


def test_a_signature_counts_only_under_the_name_of_the_log() -> None:
    other_name = sign_checkpoint(Checkpoint("elsewhere", 3, CHECKPOINT.root), [OLD])
    moved = f"{CHECKPOINT.text}\n{other_name.rpartition(chr(10) * 2)[2]}"
    key = verifier_key("elsewhere", KeyKind.LOG, OLD)
    with pytest.raises(NoteInvalid, match="no key that is trusted"):
        open_checkpoint(moved, [key])


@given(at=st.integers(0, len(CHECKPOINT.text.encode()) - 1), bit=st.integers(0, 7))
def test_no_bit_of_a_checkpoint_can_be_turned(at: int, bit: int) -> None:
    changed = bytearray(SIGNED.encode())
    changed[at] ^= 1 << bit
    with pytest.raises((NoteInvalid, UnicodeDecodeError)):
        open_checkpoint(changed.decode(), [OLD_KEY, YOUNG_KEY])


def with_text(text: str) -> str:
    """Return a text as a note that the log's key has really signed."""
    signature = base64.b64encode(OLD_KEY.key_id + OLD.sign(text.encode())).decode()
    return f"{text}\n— {ORIGIN} {signature}\n"


ROOT = base64.b64encode(CHECKPOINT.root).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"{ORIGIN}\n",
        f"{ORIGIN}\n3\n",
        f"\n3\n{ROOT}\n",
        f"{ORIGIN}\n03\n{ROOT}\n",
        f"{ORIGIN}\n-3\n{ROOT}\n",
        f"{ORIGIN}\n+3\n{ROOT}\n",
        f"{ORIGIN}\n3 \n{ROOT}\n",
        f"{ORIGIN}\n三\n{ROOT}\n",
        f"{ORIGIN}\n３\n{ROOT}\n",
        f"{ORIGIN}\n3.0\n{ROOT}\n",
        f"{ORIGIN}\n\n{ROOT}\n",
        f"{ORIGIN}\n{'9' * 20}\n{ROOT}\n",
        f"{ORIGIN}\n3\n{ROOT[:-4]}\n",
        f"{ORIGIN}\n3\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n3\n{ROOT}=\n",
        f"{ORIGIN}\n3\n{ROOT[:-2]}9=\n",
        f"{ORIGIN}\n3\n {ROOT}\n",
        f"{ORIGIN}\n3\n{'_' * 43}=\n",
        f"{ORIGIN}\n3\n{ROOT}\nan extension\n",
        f"{ORIGIN}\n3\n{ROOT}\n\n",
        f"\n{ORIGIN}\n3\n{ROOT}\n",
        f"{ORIGIN}\r\n3\r\n{ROOT}\r\n",
        f"{ORIGIN}\n3\n{ROOT}\t\n",
    ],
)
def test_what_the_log_has_signed_is_a_checkpoint_of_three_lines(text: str) -> None:
    assert open_checkpoint(with_text(CHECKPOINT.text), [OLD_KEY]) == CHECKPOINT
    with pytest.raises(NoteInvalid):
        open_checkpoint(with_text(text), [OLD_KEY])


SIGNATURE = base64.b64encode(OLD_KEY.key_id + bytes(64)).decode()


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "\n",
        f"— {ORIGIN} {SIGNATURE}",
        f"— {ORIGIN} {SIGNATURE}\n\n",
        f"- {ORIGIN} {SIGNATURE}\n",
        f"—{ORIGIN} {SIGNATURE}\n",
        f"—  {ORIGIN} {SIGNATURE}\n",
        f"— {ORIGIN}  {SIGNATURE}\n",
        f"— {ORIGIN} {SIGNATURE} \n",
        f"— {ORIGIN} {SIGNATURE}\r\n",
        f"— {ORIGIN}\n",
        f"— {ORIGIN} \n",
        f"— two words {SIGNATURE}\n",
        f"— two\u2003words {SIGNATURE}\n",
        f"— two+words {SIGNATURE}\n",
        f"— half\ud800 {SIGNATURE}\n",
        f"— {ORIGIN} {SIGNATURE[:-1]}\n",
        f"— {ORIGIN} {SIGNATURE}=\n",
        f"— {ORIGIN} {SIGNATURE[:3]}\n",
        f"— {ORIGIN} AAAAAA==\n",
        f"— {ORIGIN} AAAAAB==\n",
        f"— {ORIGIN} {SIGNATURE}\nand more\n",
        f"and more\n— {ORIGIN} {SIGNATURE}\n",
        f"— {ORIGIN} {SIGNATURE}\n\x00\n",
    ],
)
def test_malformed_signatures_are_refused(lines: str) -> None:
    with pytest.raises(NoteInvalid):
        parse_note(f"{CHECKPOINT.text}\n{lines}")


def test_a_note_has_an_end() -> None:
    line = f"— {ORIGIN} AAAAAAA=\n"
    most = f"{CHECKPOINT.text}\n{line * MOST_SIGNATURES}"

    assert len(parse_note(most)[1]) == MOST_SIGNATURES
    with pytest.raises(NoteInvalid, match="at most 64"):
        parse_note(most + line)
    with pytest.raises(NoteInvalid, match="not a signed note"):
        parse_note(most + f"— {ORIGIN} {'A' * 16_384}\n")


# Countersignatures.


def test_a_witness_countersigns_with_the_time() -> None:
    note = SIGNED + office_line()

    assert open_checkpoint(note, [OLD_KEY]) == CHECKPOINT
    assert cosignatures(note, [OFFICE]) == [Cosignature(OFFICE.name, NOW)]
    assert cosignatures(note, []) == []
    assert cosignatures(SIGNED, [OFFICE]) == []


def test_a_witness_that_countersigned_twice_is_one_witness() -> None:
    later = datetime(2026, 11, 19, tzinfo=UTC)
    note = SIGNED + office_line() + office_line(now=later) + office_line()
    assert cosignatures(note, [OFFICE]) == [Cosignature(OFFICE.name, later)]


@pytest.mark.parametrize(
    "changes",
    [
        {"checkpoint": Checkpoint(ORIGIN, 4, CHECKPOINT.root)},
        {"checkpoint": Checkpoint(ORIGIN, 3, EMPTY_ROOT)},
        {"checkpoint": Checkpoint("elsewhere", 3, CHECKPOINT.root)},
    ],
)
def test_a_countersignature_of_something_else_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(NoteInvalid, match="the countersignature of street-office"):
        cosignatures(SIGNED + office_line(**changes), [OFFICE])


def line_of(body: bytes) -> str:
    return f"— {OFFICE.name} {base64.b64encode(OFFICE.key_id + body).decode()}\n"


def test_a_countersignature_without_its_time_or_its_end_is_refused() -> None:
    body = parse_signature(office_line()).body
    assert cosignatures(SIGNED + line_of(body), [OFFICE])
    for wrong in (body[8:], body[:8], body[:-1], body + b"\0", bytes(8) + body[8:]):
        with pytest.raises(NoteInvalid, match="is wrong"):
            cosignatures(SIGNED + line_of(wrong), [OFFICE])


@pytest.mark.parametrize("time", [2**63 - 1, 2**64 - 1, 253_402_300_800])
def test_a_countersignature_at_no_date_is_refused(time: int) -> None:
    message = f"cosignature/v1\ntime {time}\n{CHECKPOINT.text}".encode()
    body = time.to_bytes(8, "big") + OTHER.sign(message)
    with pytest.raises(NoteInvalid, match="has no date"):
        cosignatures(SIGNED + line_of(body), [OFFICE])


@given(
    text=st.text(st.characters(exclude_categories=()), max_size=200)
    | st.text("—\n+ A=/3", max_size=60)
)
def test_nothing_but_a_note_is_a_note(text: str) -> None:
    for attempt in (text, f"{CHECKPOINT.text}\n{text}", f"{text}\n\n— {ORIGIN} {SIGNATURE}\n"):
        with pytest.raises(NoteInvalid):
            open_checkpoint(attempt, [OLD_KEY])
