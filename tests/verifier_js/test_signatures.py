"""Ed25519 in JavaScript, beside the one that the service signs and checks with."""

from itertools import product
from random import Random

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.verifier_js.node import ask_all
from tests.verifier_js.sealed import private_key

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
SIGN = 1 << 255

# Signature, message, public key.
Case = tuple[bytes, bytes, bytes]

# RFC 8032, section 7.1: public key, message, signature.
PUBLISHED = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
            "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da0"
            "85ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac1"
            "8ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]

# The y of every point whose order divides 8.
SMALL_ORDER = [
    0,
    1,
    PRIME - 1,
    int.from_bytes(
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
    ),
    int.from_bytes(
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
    ),
]


def written(number: int) -> bytes:
    return number.to_bytes(32, "little")


# Written otherwise than RFC 8032 (5.1.3) lets one read: y beyond the prime, or minus zero.
NOT_CANONICAL = [
    *(written(y + PRIME | sign) for y in range(19) for sign in (0, SIGN)),
    written(1 | SIGN),
    written(PRIME - 1 | SIGN),
]


def in_python(case: Case) -> bool:
    signature, message, public_key = case
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def in_javascript(cases: list[Case]) -> list[bool]:
    return ask_all("verifyEd25519", [tuple(part.hex() for part in case) for case in cases])


def signed(number: int) -> Case:
    key, message = private_key(f"signer {number}"), bytes(range(number))
    return key.sign(message), message, key.public_key().public_bytes_raw()


def test_the_published_signatures_are_right() -> None:
    cases = [
        (bytes.fromhex(signature), bytes.fromhex(message), bytes.fromhex(public_key))
        for public_key, message, signature in PUBLISHED
    ]
    assert in_javascript(cases) == [True, True, True]


def test_what_python_signs_is_right() -> None:
    assert all(in_javascript([signed(number) for number in range(64)]))


def test_a_signature_with_any_bit_changed_is_wrong() -> None:
    signature, message, public_key = signed(5)
    cases = [
        ((int.from_bytes(signature) ^ 1 << bit).to_bytes(64), message, public_key)
        for bit in range(0, 512, 5)
    ]
    assert True not in in_javascript(cases)


def test_a_signature_of_another_length_is_wrong() -> None:
    signature, message, public_key = signed(5)
    cases = [(signature[:-1], message, public_key), (signature + b"\0", message, public_key)]
    assert in_javascript(cases) == [False, False]


def test_an_answer_that_is_not_reduced_is_wrong_though_the_sum_is_the_same() -> None:
    cases = []
    for number in range(16):
        signature, message, public_key = signed(number)
        answer = int.from_bytes(signature[32:], "little") + ORDER
        cases.append((signature[:32] + written(answer), message, public_key))
    assert True not in [in_python(case) for case in cases]
    assert True not in in_javascript(cases)


def test_keys_that_are_no_points_verify_nothing() -> None:
    random = Random(8032)  # noqa: S311 - to repeat
    signature, message, _ = signed(3)
    cases = [(signature, message, random.randbytes(32)) for _ in range(40)]
    assert in_javascript(cases) == [in_python(case) for case in cases] == [False] * 40


def test_points_of_small_order_are_taken_as_openssl_takes_them() -> None:
    points = [written(y | sign) for y in SMALL_ORDER for sign in (0, SIGN)]
    cases = [
        (commitment + written(0), message, key)
        for key, commitment in product(points, points)
        for message in (b"a", b"b", b"c")
        if key not in NOT_CANONICAL
    ]
    expected = [in_python(case) for case in cases]
    assert in_javascript(cases) == expected
    assert 20 < sum(expected) < len(expected) / 2


def test_points_that_are_not_written_canonically_are_refused() -> None:
    # As keys OpenSSL takes them; nobody's key is one.
    points = [written(y | sign) for y in SMALL_ORDER for sign in (0, SIGN)]
    as_key = [
        (commitment + written(0), message, key)
        for key, commitment in product(NOT_CANONICAL, points)
        for message in (b"a", b"b")
    ]
    as_commitment = [
        (commitment + written(0), b"a", key) for key, commitment in product(points, NOT_CANONICAL)
    ]
    assert True not in in_javascript(as_key)
    assert True not in in_javascript(as_commitment)
    assert True not in [in_python(case) for case in as_commitment]
