"""Receipts: one made by hand verifies, and nothing that was changed does."""

import base64
import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.seals.entries import HIDDEN, canonical, entry_of, field_salt, hidden_values
from app.ledger.seals.merkle import inclusion_path, leaf_hash, root_of
from app.ledger.seals.notes import (
    Checkpoint,
    Cosignature,
    KeyKind,
    cosign,
    sign_checkpoint,
    verifier_key,
)
from app.ledger.seals.receipts import (
    FORMAT,
    MOST_BYTES,
    ReceiptInvalid,
    Verified,
    read_receipt,
    verify_receipt,
    write_proof,
)
from tests.ledger.seals.made_up import COLUMNS, transfer

NOW = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
ORIGIN = f"points.example.cn/communities/{COLUMNS['community_id']}"
OURS, ANOTHER, OFFICES = (
    Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)) for number in (1, 2, 3)
)
KEY = verifier_key(ORIGIN, KeyKind.LOG, OURS)
OTHER_KEY = verifier_key(ORIGIN, KeyKind.LOG, ANOTHER)
OFFICE = verifier_key("street-office.example.cn", KeyKind.WITNESS, OFFICES)
ENTRY = entry_of(transfer())
LEAVES = [leaf_hash(b"%d" % number) for number in range(5)]
LEAVES[2] = leaf_hash(canonical(ENTRY))
CHECKPOINT = Checkpoint(ORIGIN, 5, root_of(LEAVES))
NOTE = sign_checkpoint(CHECKPOINT, [OURS])
WHOLE = Verified(ENTRY, hidden_values(transfer()), 2, CHECKPOINT, [])
PATH = [root_of(LEAVES[start:end]) for start, end in inclusion_path(2, 5)]
Document = dict[str, Any]


def make_document(**changes: Any) -> Document:
    """Return what a receipt's file says, with all hidden values opened."""
    opened = {
        name: {"salt": field_salt(COLUMNS["salt"], name), "value": value}
        for name, value in hidden_values(transfer()).items()
    }
    proof = write_proof(2, PATH, NOTE)
    whole = {"format": FORMAT, "entry": ENTRY, "opened": opened, "proof": proof}
    return copy.deepcopy(whole | changes)


def verify(document: Document) -> Verified:
    return verify_content(json.dumps(document).encode())


def verify_content(content: bytes) -> Verified:
    return verify_receipt(read_receipt(content), [KEY], [OFFICE])


def written() -> str:
    return json.dumps(make_document(), ensure_ascii=False, separators=(",", ":"))


def test_a_receipt_made_by_hand_verifies() -> None:
    found = verify(make_document())

    assert found == WHOLE


@pytest.mark.parametrize("name", [*HIDDEN, None])
def test_a_receipt_opens_as_much_as_one_likes(name: str | None) -> None:
    opened = {each: value for each, value in make_document()["opened"].items() if each == name}
    found = verify(make_document(opened=opened))
    assert set(found.opened) == set(opened)


def test_a_receipt_tells_who_has_countersigned() -> None:
    note = NOTE + cosign(CHECKPOINT, OFFICE.name, OFFICES, now=NOW)
    found = verify(make_document(proof=write_proof(2, PATH, note)))
    assert found.witnesses == [Cosignature(OFFICE.name, NOW)]


def test_the_only_leaf_of_a_tree_needs_no_hashes() -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 1, LEAVES[2]), [OURS])
    found = verify(make_document(proof=write_proof(0, [], note)))
    assert (found.index, found.checkpoint.size) == (0, 1)


# Changes.


def test_no_byte_of_a_receipt_can_be_changed() -> None:
    content = written().encode()
    assert verify_content(content) == WHOLE
    for at in range(len(content)):
        for bit in (1, 4, 32, 128):
            changed = bytearray(content)
            changed[at] ^= bit
            with pytest.raises(ReceiptInvalid):
                verify_content(bytes(changed))


def test_no_byte_of_a_receipt_can_be_left_out() -> None:
    content = written().encode()
    for at in range(len(content)):
        with pytest.raises(ReceiptInvalid):
            verify_content(content[:at] + content[at + 1 :])
        with pytest.raises(ReceiptInvalid):
            verify_content(content[:at])


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value of a document."""
    if at:
        yield at
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*at, name))


PLACES = list(places(make_document()))
# Values are left out of `opened` freely; whatever else is missing is missed.
FREE = {("opened", name) for name in HIDDEN}


def get(document: Document, place: tuple[Any, ...]) -> Any:
    """Return the object that a place is in."""
    for name in place[:-1]:
        document = document[name]
    return document


OTHER_VALUES: tuple[object, ...] = (None, True, 0, 1, -1, 50.5, "", "1", [], ["1"], {}, {"1": "1"})


@pytest.mark.parametrize("place", PLACES, ids=".".join)
def test_no_value_of_a_receipt_can_be_another(place: tuple[str, ...]) -> None:
    for value in OTHER_VALUES:
        document = make_document()
        before = get(document, place)[place[-1]]
        get(document, place)[place[-1]] = value
        is_same = type(before) is type(value) and before == value
        if is_same or (place, value) == (("opened",), {}):
            assert verify(document).index == WHOLE.index
        else:
            with pytest.raises(ReceiptInvalid):
                verify(document)


@pytest.mark.parametrize("place", PLACES, ids=".".join)
def test_no_value_of_a_receipt_can_be_missing(place: tuple[str, ...]) -> None:
    document = make_document()
    del get(document, place)[place[-1]]
    if place in FREE:
        assert place[-1] not in verify(document).opened
    else:
        with pytest.raises(ReceiptInvalid):
            verify(document)


@pytest.mark.parametrize("place", [(), ("entry",), ("entry", "hidden"), ("opened", "memo")])
def test_nothing_can_be_added_to_a_receipt(place: tuple[str, ...]) -> None:
    document = make_document()
    get(document, (*place, "more"))["more"] = "1"
    with pytest.raises(ReceiptInvalid):
        verify(document)


def test_an_opened_value_is_that_of_its_own_field() -> None:
    opened = make_document()["opened"]
    swapped = opened | {"maker": opened["checker"], "checker": opened["maker"]}
    with pytest.raises(ReceiptInvalid, match="the value of checker is not the one"):
        verify(make_document(opened=swapped))
    with pytest.raises(ReceiptInvalid, match="the value of points is not the one"):
        verify(make_document(opened={"points": opened["memo"]}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Names that stand twice.
        ('"format":', '"format":"other","format":'),
        ('"points":50', '"points":60,"points":50'),
        ('"points":50', '"points":50,"points":50'),
        ('"memo":{', '"memo":{},"memo":{'),
        ('"salt":', '"salt":"","salt":'),
        # Numbers that two readers might read as two.
        ('"points":50', '"points":50.0'),
        ('"points":50', '"points":5e1'),
        ('"points":50', '"points":"50"'),
        ('"points":50', f'"points":{2**53}'),
        ('"points":50', f'"points":{10**400}'),
        ('"points":50', f'"points":1{"0" * 5000}'),
        ('"points":50', '"points":NaN'),
        ('"points":50', '"points":Infinity'),
        ('"points":50', '"points":1e999'),
        ('"leg":0', '"leg":false'),
        ('"leg":0', '"leg":0.0'),
        ('"version":1', '"version":true'),
        ('"version":1', '"version":2'),
        # Not the format that is expected.
        (FORMAT, "gridpoints-receipt@v2"),
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ("v1\\nindex", "v1\\nextra AAAA\\nindex"),
        ("index 2", "index 02"),
        ("index 2", "index +2"),
        ("index 2", "index -2"),
        ("index 2", "index 3"),
        ("index 2", "index 5"),
        ("index 2", "index ２"),
        ("index 2", f"index {'9' * 30}"),
        ("index 2\\n", ""),
        ("index 2\\n", "index 2\\n\\n"),
        ("index 2\\n", f"index 2\\n{'A' * 43}=\\n"),
        ("index 2\\n", f"index 2\\n{'A' * 40}\\n"),
        ("index 2\\n", "index 2\\r\\n"),
        ("index 2\\n", f"index 2\\n{f'{chr(65) * 43}=' * 64}\\n"),
        ("index 2\\n", f"index 2\\n{(chr(65) * 43 + '=' + chr(92) + 'n') * 64}"),
        # Texts that are none.
        ("义务劳动", "\\ud800"),
        ("义务劳动", "\\udc00义务"),
        ('{"format"', '{"\\ud800":1,"format"'),
        ("义务劳动", "义\n务"),
        ('{"format"', '\ufeff{"format"'),
        ('{"format"', '[{"format"'),
        ('"}', '"}}'),
        ('{"format"', "{'format'"),
    ],
)
def test_a_receipt_is_read_in_one_way_only(before: str, after: str) -> None:
    text = written()
    assert before in text
    with pytest.raises(ReceiptInvalid):
        verify_content(text.replace(before, after, 1).encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "gb18030"])
def test_a_receipt_is_written_in_utf_8(encoding: str) -> None:
    with pytest.raises(ReceiptInvalid):
        verify_content(written().encode(encoding))


def test_white_space_is_no_change() -> None:
    spacious = json.dumps(make_document(), indent=4).encode() + b"\r\n\t "
    assert verify_content(spacious) == WHOLE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b'"receipt"',
        b"{}",
        b"[" * 60_000,
        b"[" * 900 + b"]" * 900,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"\xff\xfe",
        b"\x00" * 100,
        b" " * (MOST_BYTES + 1),
        b"9" * 60_000,
    ],
    ids=lambda content: f"{len(content)} of {content[:5]!r}",
)
def test_what_is_no_receipt_is_refused(content: bytes) -> None:
    with pytest.raises(ReceiptInvalid):
        verify_content(content)


@pytest.mark.parametrize("depth", [10, 400, 900, 1_000, 10_000])
def test_an_entry_that_is_nested_deeply_is_refused(depth: int) -> None:
    nested = '{"a":' * depth + "1" + "}" * depth
    with pytest.raises(ReceiptInvalid):
        verify_content(written().replace('"hidden":{', f'"a":{nested},"hidden":{{', 1).encode())


def test_a_receipt_has_an_end() -> None:
    padded = written().encode().ljust(MOST_BYTES)
    assert verify_content(padded) == WHOLE
    with pytest.raises(ReceiptInvalid, match="larger than any receipt"):
        verify_content(padded + b" ")


# Other communities, keys and witnesses.


def test_a_checkpoint_of_another_community_proves_nothing() -> None:
    for origin in ("points.example.cn/communities/2", f"{ORIGIN}/", ORIGIN[:-1], f"{ORIGIN}0"):
        note = sign_checkpoint(Checkpoint(origin, 5, root_of(LEAVES)), [OURS])
        receipt = read_receipt(json.dumps(make_document(proof=write_proof(2, PATH, note))).encode())
        with pytest.raises(ReceiptInvalid, match="another community's"):
            verify_receipt(receipt, [verifier_key(origin, KeyKind.LOG, OURS)])


def test_a_checkpoint_that_another_key_has_signed_proves_nothing() -> None:
    receipt = read_receipt(written().encode())
    assert verify_receipt(receipt, [OTHER_KEY, KEY]) == WHOLE
    for keys in ([], [OTHER_KEY], [OFFICE], [verifier_key("elsewhere", KeyKind.LOG, OURS)]):
        with pytest.raises(ReceiptInvalid, match="no key that is trusted"):
            verify_receipt(receipt, keys)


def test_a_wrong_countersignature_spoils_a_receipt_for_who_knows_the_witness() -> None:
    other = Checkpoint(ORIGIN, 6, CHECKPOINT.root)
    note = NOTE + cosign(other, OFFICE.name, OFFICES, now=NOW)
    receipt = read_receipt(json.dumps(make_document(proof=write_proof(2, PATH, note))).encode())

    assert verify_receipt(receipt, [KEY]).witnesses == []
    with pytest.raises(ReceiptInvalid, match="the countersignature of street-office"):
        verify_receipt(receipt, [KEY], [OFFICE])


def test_an_entry_that_was_never_sealed_is_refused() -> None:
    forged = entry_of(transfer(points=5000))
    with pytest.raises(ReceiptInvalid, match="it was changed, or never there"):
        verify(make_document(entry=forged))


# Nothing but ReceiptInvalid is raised.

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(place=st.sampled_from(PLACES), value=JSON)
def test_whatever_stands_in_a_receipt_it_is_refused_or_proves_what_it_did(
    place: tuple[str, ...], value: Any
) -> None:
    document = make_document()
    get(document, place)[place[-1]] = value
    try:
        found = verify(document)
    except ReceiptInvalid:
        return
    assert found.entry == ENTRY
    assert found.opened.items() <= hidden_values(transfer()).items()


@given(content=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_a_file_holds_it_is_refused(content: bytes) -> None:
    with pytest.raises(ReceiptInvalid):
        verify_content(content)


LINES = st.sampled_from(
    [*write_proof(2, PATH, NOTE).split("\n"), "index 1", base64.b64encode(LEAVES[0]).decode(), "—"]
)


@given(lines=st.lists(LINES | ANY_TEXT, max_size=16))
def test_whatever_a_proof_says_it_is_refused_or_the_same(lines: list[str]) -> None:
    try:
        found = verify(make_document(proof="\n".join(lines)))
    except ReceiptInvalid:
        return
    assert (found.index, found.checkpoint) == (2, CHECKPOINT)
