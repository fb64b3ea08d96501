"""Access tokens that nobody may be let in with."""

from dataclasses import replace
from datetime import timedelta

import jwt

from app.core.tokens import AUDIENCE, TYPE, sign_token
from tests.soak.hostile.forging import STRANGER
from tests.soak.hostile.scans import CROWD, only, personal
from tests.soak.hostile.town import Town

Refused = tuple[str, frozenset[str]]
NOWHERE = 2**31
NOT_VALID = only("token_invalid", "unauthenticated")


async def bad_bearers(town: Town) -> list[Refused]:
    """Return Authorization headers, each with what it may be answered."""
    name, other = town.dice.sample(CROWD, 2)
    caller = await town.here.caller(name)
    token, refresh = caller.tokens["access_token"], caller.tokens["refresh_token"]
    header, payload, signature = token.split(".")
    theirs = (await town.bearer(other)).removeprefix("Bearer ").split(".")
    cut = town.dice.randrange(1, len(token))
    invalid = [
        "", "Bearer", "Bearer ", f"Basic {token}", f"Bearer {refresh}", f"Bearer {token[:cut]}",
        f"Bearer {token}x",
        f"Bearer {header}.{theirs[1]}.{signature}", f"Bearer {header}.{payload}.",
        f"Bearer {header}.{payload}.{theirs[2]}", f"Bearer {'A' * 5_000}", "Bearer a.b.c",
        f"Bearer {await personal(town, name)}", f"Bearer {without_algorithm(town, token)}",
    ]  # fmt: skip
    invalid += [f"Bearer {token}" for token in signed_otherwise(town, token)]
    return [(bearer, NOT_VALID) for bearer in invalid] + elsewhere_or_nowhere(town, token)


def signed_otherwise(town: Town, token: str) -> list[str]:
    """Return tokens that say the right thing under the wrong key, or the wrong thing under ours."""
    now = town.clock.now
    key_id, key = town.keys.session_signer(now)
    said = town.keys.sessions.verify(token, now=now)
    return [
        sign_token(claims, key_id=number, private_key=signer, now=now)
        for claims, number, signer in (
            (said, key_id, town.keys.seal_signers(now)[0]),
            (said, key_id, STRANGER),
            (said, 99, key),
            (replace(said, session_id=1), key_id, key),
            (replace(said, person_id=1), key_id, key),
        )
    ]


def elsewhere_or_nowhere(town: Town, token: str) -> list[Refused]:
    """Return tokens that we signed, for a community that the person is no resident of."""
    now = town.clock.now
    key_id, key = town.keys.session_signer(now)
    said = town.keys.sessions.verify(token, now=now)
    tokens = [
        sign_token(replace(said, community_id=number), key_id=key_id, private_key=key, now=now)
        for number in (town.elsewhere.community_id, NOWHERE, None)
    ]
    return [(f"Bearer {token}", only("forbidden", "token_invalid")) for token in tokens]


def without_algorithm(town: Town, token: str) -> str:
    said = town.keys.sessions.verify(token, now=town.clock.now)
    payload = {
        "aud": AUDIENCE,
        "sub": str(said.person_id),
        "sid": str(said.session_id),
        "cid": str(said.community_id),
        "exp": int((said.expires_at + timedelta(days=1)).timestamp()),
    }
    return jwt.encode(payload, "", algorithm="none", headers={"kid": "1", "typ": TYPE})
