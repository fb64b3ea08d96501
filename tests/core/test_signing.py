"""Signing keys: made once, rotated with a lead time, revoked for good."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from cryptography.exceptions import InvalidTag
from fastapi import FastAPI
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import make_transient

from app.core import queries
from app.core.code_errors import CodeForged
from app.core.codes import Code, CodeKind
from app.core.models import SigningKey
from app.core.sealing import new_master_key, parse_master_key
from app.core.signing import LEAD_TIME, PURPOSES, KeyRing, Purpose, add_key, ensure_keys
from app.core.tokens import Claims, TokenInvalid, sign_token
from tests.support.caller import problem_code, sign_in
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

MakeSession = async_sessionmaker[AsyncSession]


@pytest.fixture
def ring(app: FastAPI) -> KeyRing:
    """Another process's copy of the keys."""
    return KeyRing(app.state.master_key)


async def load(ring: KeyRing, sessionmaker: MakeSession, clock: Clock) -> None:
    async with sessionmaker() as session:
        await ring.load(session, now=clock.now)


async def rotate(
    app: FastAPI, sessionmaker: MakeSession, purpose: Purpose, clock: Clock
) -> SigningKey:
    async with sessionmaker.begin() as session:
        return await add_key(
            session, app.state.master_key, purpose, active_from=clock.now + LEAD_TIME
        )


async def revoke(sessionmaker: MakeSession, purpose: Purpose, key_id: int, clock: Clock) -> None:
    async with sessionmaker.begin() as session:
        key = await session.get_one(SigningKey, (purpose, key_id))
        key.revoked_at = clock.now


def a_code(clock: Clock) -> Code:
    return Code(CodeKind.ACTIVITY_POSTER, 1, 7, clock.now + timedelta(days=1))


async def test_a_new_key_signs_after_its_lead_time_only(
    app: FastAPI, ring: KeyRing, sessionmaker: MakeSession, clock: Clock
) -> None:
    await load(ring, sessionmaker, clock)
    old, _ = ring.session_signer(clock.now)
    new = await rotate(app, sessionmaker, "sessions", clock)
    await load(ring, sessionmaker, clock)

    assert ring.session_signer(clock.now)[0] == old
    assert ring.session_signer(clock.now + LEAD_TIME - timedelta(microseconds=1))[0] == old
    assert ring.session_signer(clock.now + LEAD_TIME)[0] == new.key_id == old + 1


async def test_a_scanner_learns_of_a_key_before_it_signs(
    app: FastAPI, http: httpx.AsyncClient, sessionmaker: MakeSession, clock: Clock
) -> None:
    before = (await http.get("/v1/public/keys")).json()["keys"]
    new = await rotate(app, sessionmaker, "codes", clock)
    keys_of_the_run = app.state.keys
    app.state.keys = KeyRing(app.state.master_key)
    await load(app.state.keys, sessionmaker, clock)
    answer = await http.get("/v1/public/keys")
    app.state.keys = keys_of_the_run

    published = answer.json()["keys"]
    assert [key["kid"] for key in published] == [key["kid"] for key in before] + [str(new.key_id)]
    assert published[: len(before)] == before
    assert set(published[-1]) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert answer.headers["Cache-Control"] == "max-age=60"


async def test_what_the_old_key_signed_holds_after_a_rotation(
    app: FastAPI, ring: KeyRing, sessionmaker: MakeSession, clock: Clock
) -> None:
    await load(ring, sessionmaker, clock)
    printed = ring.sign_code(a_code(clock), now=clock.now)
    await rotate(app, sessionmaker, "codes", clock)
    clock.now += LEAD_TIME
    await load(ring, sessionmaker, clock)
    fresh = ring.sign_code(a_code(clock), now=clock.now)

    assert fresh != printed
    for token in (printed, fresh):
        assert ring.codes.verify(token, now=clock.now).subject_id == 7


async def test_what_a_revoked_key_signed_is_forged_though_it_was_verified_before(
    app: FastAPI, ring: KeyRing, sessionmaker: MakeSession, clock: Clock
) -> None:
    await load(ring, sessionmaker, clock)
    old, _ = ring.session_signer(clock.now)
    printed = ring.sign_code(a_code(clock), now=clock.now)
    assert ring.codes.verify(printed, now=clock.now).subject_id == 7
    await rotate(app, sessionmaker, "codes", clock)
    clock.now += LEAD_TIME
    await revoke(sessionmaker, "codes", 1, clock)
    await load(ring, sessionmaker, clock)

    with pytest.raises(CodeForged):
        ring.codes.verify(printed, now=clock.now)
    fresh = ring.sign_code(a_code(clock), now=clock.now)
    assert ring.codes.verify(fresh, now=clock.now).subject_id == 7
    assert 1 not in ring.public_code_keys()
    assert ring.session_signer(clock.now)[0] == old


async def test_sessions_of_a_revoked_key_end(
    here: Neighbourhood, app: FastAPI, sessionmaker: MakeSession, clock: Clock
) -> None:
    resident = await sign_in(here.http, "resident-1")
    assert (await resident.get("/v1/me")).status_code == 200
    await rotate(app, sessionmaker, "sessions", clock)
    clock.now += LEAD_TIME
    await revoke(sessionmaker, "sessions", 1, clock)
    keys_of_the_run = app.state.keys
    app.state.keys = KeyRing(app.state.master_key)
    await load(app.state.keys, sessionmaker, clock)
    refused = await resident.get("/v1/me")
    app.state.keys = keys_of_the_run
    assert refused.status_code == 401
    assert problem_code(refused) == "token_invalid"


async def test_the_two_youngest_active_keys_sign_seals(
    app: FastAPI, ring: KeyRing, sessionmaker: MakeSession, clock: Clock
) -> None:
    def signers() -> list[bytes]:
        return [key.public_key().public_bytes_raw() for key in ring.seal_signers(clock.now)]

    await load(ring, sessionmaker, clock)
    first = signers()
    made = [await rotate(app, sessionmaker, "seals", clock) for _ in range(2)]
    await load(ring, sessionmaker, clock)
    assert len(first) == 1
    assert signers() == first

    clock.now += LEAD_TIME
    assert signers() == [key.public_key for key in reversed(made)]


async def test_a_token_is_signed_by_the_keys_of_sessions_only(
    ring: KeyRing, sessionmaker: MakeSession, clock: Clock
) -> None:
    await load(ring, sessionmaker, clock)
    claims = Claims(7, 8, None, clock.now + timedelta(minutes=15))
    key_id, private_key = ring.session_signer(clock.now)
    token = sign_token(claims, key_id=key_id, private_key=private_key, now=clock.now)
    assert ring.sessions.verify(token, now=clock.now) == claims
    unknown = sign_token(claims, key_id=key_id + 1, private_key=private_key, now=clock.now)
    with pytest.raises(TokenInvalid):
        ring.sessions.verify(unknown, now=clock.now)


@pytest.fixture
async def keyless(race_sessionmaker: MakeSession) -> AsyncIterator[MakeSession]:
    """The committing database without its keys, which come back afterwards."""
    async with race_sessionmaker.begin() as session:
        kept = await queries.list_signing_keys(session)
        await session.execute(delete(SigningKey))
    yield race_sessionmaker
    async with race_sessionmaker.begin() as session:
        await session.execute(delete(SigningKey))
        for key in kept:
            make_transient(key)
            session.add(key)


async def test_the_first_keys_are_made_once_however_many_processes_start(
    app: FastAPI, keyless: MakeSession, clock: Clock
) -> None:
    async def start() -> None:
        async with keyless.begin() as session:
            await ensure_keys(session, app.state.master_key, now=clock.now)

    await asyncio.gather(*(start() for _ in range(8)))

    async with keyless() as session:
        made = [(key.purpose, key.key_id) for key in await queries.list_signing_keys(session)]
    assert sorted(made) == [(purpose, 1) for purpose in sorted(PURPOSES)]


async def test_keys_made_at_once_have_numbers_of_their_own(
    app: FastAPI, keyless: MakeSession, clock: Clock
) -> None:
    made = await asyncio.gather(*(rotate(app, keyless, "codes", clock) for _ in range(8)))
    assert sorted(key.key_id for key in made) == list(range(1, 9))


async def test_private_keys_are_sealed_in_the_database(
    app: FastAPI, sessionmaker: MakeSession, clock: Clock
) -> None:
    stranger = KeyRing(parse_master_key(new_master_key()))
    with pytest.raises(InvalidTag):
        await load(stranger, sessionmaker, clock)
    async with sessionmaker() as session:
        rows = await queries.list_signing_keys(session)
    assert rows
    for row in rows:
        opened = app.state.master_key.open(
            "signing keys", row.sealed_private_key, bound_to=row.public_key
        )
        assert opened not in row.sealed_private_key
