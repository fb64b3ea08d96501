"""Access tokens that were not issued by us, or not for this."""

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from tests.support.caller import Caller, problem_code, sign_in
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

Forge = Callable[["Forger"], str]
SIGNATURE_LENGTH = 86


class Forger:
    """Who has seen a good token and knows the public key."""

    def __init__(self, token: str, app: FastAPI, clock: Clock) -> None:
        self.token = token
        self.header: dict[str, Any] = jwt.get_unverified_header(token)
        self.payload: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        self.key_id, self.private_key = app.state.keys.session_signer(clock.now)
        _, self.code_key = app.state.keys._keys["codes"].signer(clock.now)  # noqa: SLF001
        self.foreign_key = Ed25519PrivateKey.generate()
        self.public_pem = self.private_key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )

    def sign(self, key: Any = None, **changes: Any) -> str:
        """Sign the claims anew; `alg`, `kid` and `typ` change the header."""
        in_header = {"kid": self.header["kid"], "typ": self.header["typ"]}
        for name in ("kid", "typ"):
            if name in changes:
                in_header[name] = changes.pop(name)
        algorithm = changes.pop("alg", "EdDSA")
        return jwt.encode(
            self.payload | changes,
            self.private_key if key is None else key,
            algorithm=algorithm,
            headers=in_header,
        )

    def without(self, claim: str) -> str:
        payload = {name: value for name, value in self.payload.items() if name != claim}
        headers = {"kid": self.header["kid"], "typ": self.header["typ"]}
        return jwt.encode(payload, self.private_key, algorithm="EdDSA", headers=headers)

    def with_payload(self, **changes: Any) -> str:
        """Change the payload and keep the signature."""
        head, _, signature = self.token.split(".")
        body = json.dumps(self.payload | changes).encode()
        return f"{head}.{base64.urlsafe_b64encode(body).decode().rstrip('=')}.{signature}"


FORGERIES: dict[str, Forge] = {
    "changed claims": lambda forger: forger.with_payload(sub="1"),
    "changed signature": lambda forger: forger.token[:-SIGNATURE_LENGTH] + "A" * SIGNATURE_LENGTH,
    "signature cut off": lambda forger: forger.token[: -SIGNATURE_LENGTH - 1],
    "empty signature": lambda forger: forger.token[:-SIGNATURE_LENGTH],
    "foreign key": lambda forger: forger.sign(forger.foreign_key),
    "the key of codes": lambda forger: forger.sign(forger.code_key),
    "alg none": lambda forger: forger.sign("", alg="none"),
    "alg none in another case": lambda forger: (
        base64.urlsafe_b64encode(b'{"alg":"None","kid":"2","typ":"at+jwt"}').decode().rstrip("=")
        + "." + forger.token.split(".")[1] + "."
    ),
    "the public key as HMAC secret": lambda forger: forger.sign(forger.public_pem, alg="HS256"),
    "a key id we do not have": lambda forger: forger.sign(kid="250"),
    "a key id of another purpose": lambda forger: forger.sign(kid="1", key=forger.code_key),
    "a key id that is no number": lambda forger: forger.sign(kid="../2"),
    "another type": lambda forger: forger.sign(typ="JWT"),
    "the type of codes": lambda forger: forger.sign(typ="gridpoints-code"),
    "another audience": lambda forger: forger.sign(aud="somebody-else"),
    "no audience": lambda forger: forger.without("aud"),
    "no expiry": lambda forger: forger.without("exp"),
    "no session": lambda forger: forger.without("sid"),
    "no person": lambda forger: forger.without("sub"),
    "a person that is no number": lambda forger: forger.sign(sub="resident-1"),
    "another person's number": lambda forger: forger.sign(sub="42"),
    "another session": lambda forger: forger.sign(sid="42"),
    "another community": lambda forger: forger.sign(cid="42"),
    "garbage": lambda _: "garbage",
    "dots": lambda _: "..",
    "not even ASCII": lambda _: "\u00e9.\u00e9.\u00e9",
    "very long": lambda _: "a" * 5000,
    "nested": lambda _: base64.urlsafe_b64encode(b"[" * 700).decode() + ".e30.e30",
}  # fmt: skip


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_token_that_is_not_ours_is_refused(
    here: Neighbourhood, app: FastAPI, clock: Clock, forge: Forge
) -> None:
    resident = await sign_in(here.http, "resident-1")
    forged = forge(Forger(resident.tokens["access_token"], app, clock))
    headers = [(b"authorization", b"Bearer " + forged.encode("latin-1"))]

    answer = await here.http.get("/v1/me", headers=headers)

    assert answer.status_code == 401
    assert problem_code(answer) == "token_invalid"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (await resident.get("/v1/me")).status_code == 200


async def test_the_forger_could_sign_with_our_key(
    here: Neighbourhood, app: FastAPI, clock: Clock
) -> None:
    resident = await sign_in(here.http, "resident-1")
    forger = Forger(resident.tokens["access_token"], app, clock)
    remade = Caller(here.http, {"access_token": forger.sign()})
    assert (await remade.get("/v1/me")).status_code == 200


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic YTpi", "resident-1"])
async def test_without_a_bearer_token_one_must_sign_in(
    http: httpx.AsyncClient, authorization: str
) -> None:
    answer = await http.get("/v1/me", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert problem_code(answer) == "unauthenticated"
