"""SHA-256 and SHA-512 in JavaScript."""

import hashlib
from random import Random

import pytest

from tests.verifier_js.node import ask_all

TWO_BLOCKS_256 = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
TWO_BLOCKS_512 = (
    b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
    b"hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"
)


def test_the_published_examples_of_sha_256_come_out() -> None:
    # NIST FIPS 180-4, examples; RFC 6234, section 8.5.
    examples = {
        b"": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        b"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        TWO_BLOCKS_256: "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    }
    assert ask_all("sha256", [(message.hex(),) for message in examples]) == [*examples.values()]


def test_the_published_examples_of_sha_512_come_out() -> None:
    examples = {
        b"abc": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        TWO_BLOCKS_512: "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
                        "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
    }  # fmt: skip
    assert ask_all("sha512", [(message.hex(),) for message in examples]) == [*examples.values()]


@pytest.mark.parametrize("name", ["sha256", "sha512"])
def test_messages_of_every_length_hash_as_in_python(name: str) -> None:
    # Over two blocks and more, so that every way to end a message is met.
    random = Random(6234)  # noqa: S311 - to repeat
    messages = [random.randbytes(length) for length in [*range(300), 1023, 1024, 65_536]]
    expected = [hashlib.new(name, message).hexdigest() for message in messages]
    assert ask_all(name, [(message.hex(),) for message in messages]) == expected
