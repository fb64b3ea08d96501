"""Signing in, staying signed in, signing out."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.access import Actor
from app.core.ids import new_id
from app.core.signing import KeyRing
from app.core.tokens import Claims, sign_token
from app.identity import queries
from app.identity.errors import NotAMember, RefreshTokenInvalid, RefreshTokenReused
from app.identity.models import Identity, LoginSession, RefreshToken
from app.identity.schemas import Membership, Tokens

TOKEN_BYTES = 32
# A phone that lost the answer to a refresh may ask once more with the same token.
REPEAT_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a provider vouches for."""

    provider: str
    app_id: str
    subject: str
    union_id: str | None = None


@dataclass(frozen=True, slots=True)
class SessionIssuer:
    """Makes tokens; `refresh_secret` turns a used refresh token into its only successor."""

    keys: KeyRing
    refresh_secret: bytes
    access_lifetime: timedelta
    refresh_lifetime: timedelta

    def access_token(self, login: LoginSession, now: datetime) -> str:
        claims = Claims(
            person_id=login.person_id,
            session_id=login.session_id,
            community_id=login.community_id,
            expires_at=now + self.access_lifetime,
        )
        key_id, private_key = self.keys.session_signer(now)
        return sign_token(claims, key_id=key_id, private_key=private_key, now=now)

    def successor(self, refresh_token: str) -> str:
        digest = hmac.digest(self.refresh_secret, refresh_token.encode(), "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")


async def find_person(session: AsyncSession, proof: Proof, *, now: datetime) -> int:
    """Return the person behind a proof; a first sign-in makes one."""
    known = await queries.get_identity(session, proof.provider, proof.app_id, proof.subject)
    if known is None:
        # Twins, and two apps of one owner, come one by one, and the second finds the first.
        await queries.lock_first_sign_in(session, proof.union_id or proof.subject)
        known = await queries.get_identity(session, proof.provider, proof.app_id, proof.subject)
    if known is not None:
        # The app may have joined its owner's others since the last time.
        known.union_id = proof.union_id or known.union_id
        return known.person_id
    person_id = None
    if proof.union_id is not None:
        person_id = await queries.get_person_by_union(session, proof.provider, proof.union_id)
    identity = Identity(
        provider=proof.provider,
        app_id=proof.app_id,
        subject=proof.subject,
        person_id=person_id or new_id(now),
        union_id=proof.union_id,
        created_at=now,
    )
    await queries.add_identity(session, identity, is_new=person_id is None)
    return identity.person_id


async def open_session(
    session: AsyncSession,
    issuer: SessionIssuer,
    person_id: int,
    memberships: list[Membership],
    *,
    now: datetime,
) -> Tokens:
    """Sign a person in, bound to their first membership if they have any."""
    login = LoginSession(
        session_id=new_id(now),
        person_id=person_id,
        community_id=memberships[0].community_id if memberships else None,
        created_at=now,
        revoked_at=None,
    )
    session.add(login)
    await session.flush()
    token = urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).decode().rstrip("=")
    _add_refresh_token(session, issuer, login, token, now)
    await session.flush()
    return _tokens(issuer, login, token, memberships, now)


async def refresh_session(
    session: AsyncSession,
    issuer: SessionIssuer,
    refresh_token: str,
    *,
    aside: async_sessionmaker[AsyncSession],
    now: datetime,
) -> tuple[LoginSession, str]:
    """Exchange a refresh token; return its session and the successor.

    A token used before ends its session, in a transaction of its own (`aside`) because the
    refusal undoes this one. Repeated within 30 seconds it gives the same successor again.
    """
    found = await queries.lock_refresh_token(session, _hash(refresh_token))
    if found is None:
        raise RefreshTokenInvalid
    row, login = found
    if login.revoked_at is not None or row.expires_at <= now:
        raise RefreshTokenInvalid
    successor = issuer.successor(refresh_token)
    if row.replaced_at is None:
        row.replaced_at = now
        _add_refresh_token(session, issuer, login, successor, now)
        await session.flush()
    elif now - row.replaced_at > REPEAT_WITHIN or await queries.is_used(session, _hash(successor)):
        session_id = login.session_id
        # Ours ends first: a crowd of these would hold every connection and want one more each.
        await session.rollback()
        async with aside.begin() as apart:
            await queries.revoke_session(apart, session_id, now=now)
        raise RefreshTokenReused
    return login, successor


def describe_session(
    issuer: SessionIssuer,
    login: LoginSession,
    refresh_token: str,
    memberships: list[Membership],
    *,
    now: datetime,
) -> Tokens:
    """Return the answer for a session that goes on; one that was unbound joins its community."""
    if login.community_id is None and memberships:
        login.community_id = memberships[0].community_id
    return _tokens(issuer, login, refresh_token, memberships, now)


async def change_membership(
    session: AsyncSession,
    issuer: SessionIssuer,
    actor: Actor,
    *,
    memberships: list[Membership],
    community_id: int,
    now: datetime,
) -> Tokens:
    """Bind the session to another community of the same person; raises NotAMember."""
    if community_id not in {membership.community_id for membership in memberships}:
        raise NotAMember
    login = await queries.get_session_of(session, actor.session_id)
    login.community_id = community_id
    await queries.delete_tokens_of(session, login.session_id)
    token = urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).decode().rstrip("=")
    _add_refresh_token(session, issuer, login, token, now)
    await session.flush()
    return _tokens(issuer, login, token, memberships, now)


async def sign_out(session: AsyncSession, actor: Actor, *, now: datetime) -> int:
    """End the session that asks."""
    await queries.revoke_session(session, actor.session_id, now=now)
    return 1


async def sign_out_everywhere(session: AsyncSession, actor: Actor, *, now: datetime) -> int:
    """End every session of the person who asks."""
    return await queries.revoke_sessions_of(session, actor.person_id, now=now)


def _tokens(
    issuer: SessionIssuer,
    login: LoginSession,
    refresh_token: str,
    memberships: list[Membership],
    now: datetime,
) -> Tokens:
    bound = [row for row in memberships if row.community_id == login.community_id]
    return Tokens(
        person_id=login.person_id,
        token_type="Bearer",  # noqa: S106 - a scheme, not a secret
        access_token=issuer.access_token(login, now),
        expires_in=int(issuer.access_lifetime.total_seconds()),
        refresh_token=refresh_token,
        refresh_expires_in=int(issuer.refresh_lifetime.total_seconds()),
        membership=bound[0] if bound else None,
        memberships=memberships,
    )


def _add_refresh_token(
    session: AsyncSession, issuer: SessionIssuer, login: LoginSession, token: str, now: datetime
) -> None:
    row = RefreshToken(
        token_hash=_hash(token),
        session_id=login.session_id,
        expires_at=now + issuer.refresh_lifetime,
        replaced_at=None,
    )
    session.add(row)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
