"""What anybody may read of a community's seals: checkpoints, consistency, keys, the sums."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.core import queries as core
from app.core.database import Record
from app.core.ids import MAX_ID
from app.core.models import SigningKey
from app.core.pagination import Page, cut_page, read_cursor
from app.ledger.models import AccountKind
from app.ledger.seals import queries
from app.ledger.seals.errors import (
    BookNotSealed,
    CheckpointUnknown,
    SigningKeyRevoked,
    SizesNotInBook,
)
from app.ledger.seals.merkle import Span, consistency_path, hash_of, kept_nodes
from app.ledger.seals.notes import KeyKind, VerifierKey, parse_note, print_root
from app.ledger.seals.poster import PostedCheckpoint
from app.ledger.seals.receipts import encode
from app.ledger.seals.schemas import (
    CheckpointRead,
    CheckpointSummary,
    ConsistencyProof,
    Countersignature,
    SealedBook,
    SealKey,
    SealKeys,
)


async def list_checkpoints(
    session: AsyncSession, community_id: int, *, cursor: str | None, limit: int
) -> Page[CheckpointSummary]:
    """Return checkpoints, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_checkpoints(session, community_id, before=before, limit=limit + 1)
    chosen, next_cursor = cut_page(rows, limit, lambda row: (row.size,))
    return Page(items=[_summarise(row) for row in chosen], next_cursor=next_cursor)


async def get_checkpoint(
    session: AsyncSession, community_id: int, size: int | None
) -> CheckpointRead:
    """Return a checkpoint, the newest if no size is named; raises CheckpointUnknown."""
    row = await find_checkpoint(session, community_id, size)
    checkpoint, _ = parse_note(row.note)
    witnesses = zip(row.witnesses or (), row.times or (), strict=True)
    return CheckpointRead(
        **_summarise(row).model_dump(exclude={"note"}),
        note=countersigned_note(row),
        origin=checkpoint.origin,
        printed_root=print_root(checkpoint.root),
        witnesses=[
            Countersignature(witness=witness, signed_at=signed_at)
            for witness, signed_at in witnesses
        ],
    )


async def get_plain_note(session: AsyncSession, community_id: int, size: int) -> str:
    """Return a checkpoint's note without countersignatures, short enough for a printed code."""
    found: str = (await find_checkpoint(session, community_id, size)).note
    return found


async def get_posted(session: AsyncSession, community_id: int, size: int) -> PostedCheckpoint:
    """Return what the notice board shows of a checkpoint, with the keys that still count.

    Raises CheckpointUnknown and SigningKeyRevoked.
    """
    row = await find_checkpoint(session, community_id, size)
    here = await community.get_community(session, community_id)
    checkpoint, signatures = parse_note(row.note)
    of_key = {
        key.key_id: str(key)
        for signing_key in await _list_signing_keys(session)
        for key in [VerifierKey(checkpoint.origin, KeyKind.LOG, signing_key.public_key)]
        if signing_key.revoked_at is None
    }
    verifier_keys = [
        of_key[signature.key_id] for signature in signatures if signature.key_id in of_key
    ]
    if not verifier_keys:
        raise SigningKeyRevoked
    return PostedCheckpoint(
        community_name=here.name,
        timezone=here.timezone,
        note=row.note,
        made_at=row.made_at,
        verifier_keys=tuple(verifier_keys),
    )


async def find_checkpoint(session: AsyncSession, community_id: int, size: int | None) -> Record:
    """Return a checkpoint's row; raises CheckpointUnknown."""
    row = await queries.get_checkpoint(session, community_id, size)
    if row is None:
        raise CheckpointUnknown
    return row


def countersigned_note(row: Record) -> str:
    """Return a checkpoint's note with the lines of the witnesses below the log's own."""
    note: str = row.note
    return note + "".join(f"{line.rstrip()}\n" for line in row.lines or ())


async def prove_consistency(
    session: AsyncSession, community_id: int, from_size: int, to_size: int
) -> ConsistencyProof:
    """Prove that the tree only grew between two sizes; raises BookNotSealed, SizesNotInBook."""
    tree = await _find_tree(session, community_id)
    if not from_size <= to_size <= tree.size:
        raise SizesNotInBook(sealed_transfers=tree.size)
    path = await read_hashes(session, community_id, consistency_path(from_size, to_size))
    return ConsistencyProof(
        from_size=from_size, to_size=to_size, path=[encode(found) for found in path]
    )


async def read_hashes(
    session: AsyncSession, community_id: int, spans: Sequence[Span]
) -> list[bytes]:
    """Return the hashes of subtrees: one query, at most eight kept hashes for each."""
    kept = await queries.get_nodes(session, community_id, kept_nodes(spans))
    return [hash_of(span, kept) for span in spans]


async def list_keys(session: AsyncSession, community_id: int, witnesses: Sequence[str]) -> SealKeys:
    """Return every key that has signed for a community's tree, also what was revoked since."""
    tree = await _find_tree(session, community_id)
    keys = [
        SealKey(
            number=row.key_id,
            verifier_key=str(VerifierKey(tree.origin, KeyKind.LOG, row.public_key)),
            active_from=row.active_from,
            revoked_at=row.revoked_at,
        )
        for row in await _list_signing_keys(session)
    ]
    return SealKeys(origin=tree.origin, keys=keys, witnesses=list(witnesses))


async def get_book(session: AsyncSession, community_id: int, *, now: datetime) -> SealedBook:
    """Return what a community's points came to when the day began; raises BookNotSealed."""
    rows = await queries.get_book(session, community_id, now=now)
    if not rows:
        raise BookNotSealed
    held = {row.kind: row.points for row in rows}
    return SealedBook(
        as_of=rows[0].as_of,
        issued_points=-held.get(AccountKind.ISSUER, 0),
        expired_points=held.get(AccountKind.EXPIRED, 0),
        penalty_points=held.get(AccountKind.PENALTY, 0),
        corrected_points=held.get(AccountKind.CORRECTION, 0),
        shops_points=held.get(AccountKind.MERCHANT, 0),
        circulating_points=-sum(held.values()),
    )


async def _list_signing_keys(session: AsyncSession) -> list[SigningKey]:
    """Return every key for seals there ever was; the key ring forgets what is revoked."""
    return [row for row in await core.list_signing_keys(session) if row.purpose == "seals"]


async def _find_tree(session: AsyncSession, community_id: int) -> Record:
    tree = await queries.get_tree(session, community_id)
    if tree is None:
        raise BookNotSealed
    return tree


def _summarise(row: Record) -> CheckpointSummary:
    checkpoint, _ = parse_note(row.note)
    return CheckpointSummary(
        size=checkpoint.size,
        root=encode(checkpoint.root),
        made_at=row.made_at,
        note=row.note,
    )
