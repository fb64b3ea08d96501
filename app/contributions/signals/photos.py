"""Evidence that was used before: the very same photo, or one that looks like it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.signals import messages, queries
from app.contributions.signals.schemas import (
    PRIVATE_USES,
    PhotoSignal,
    PhotoUse,
    Signal,
    SignalKind,
)
from app.core.database import Record
from app.media import queries as media

COMPARED = timedelta(days=365)
# Of 64 bits; more are different pictures now and then (measured with cases' photos).
NEARLY_EQUAL = 6


async def list_photo_signals(
    session: AsyncSession, community_id: int, claims: Sequence[Record], *, now: datetime
) -> Mapping[int, list[Signal]]:
    """Return signals by claim, of what else its photos and their likes stand behind."""
    own = sorted({photo_id for claim in claims for photo_id in claim.photo_ids})
    if not own:
        return {}
    pairs = await media.list_similar(
        session, community_id, own, since=now - COMPARED, most_distance=NEARLY_EQUAL
    )
    likes: dict[int, list[tuple[int, int]]] = {photo_id: [(photo_id, 0)] for photo_id in own}
    for pair in pairs:
        likes[pair.photo_id].append((pair.other_photo_id, pair.distance))
    wanted = {other for found in likes.values() for other, _ in found}
    uses: dict[int, list[Record]] = defaultdict(list)
    for use in await queries.list_uses(session, community_id, sorted(wanted)):
        uses[use.photo_id].append(use)
    return {
        claim.claim_id: [
            _signal(claim, photo_id, use, differing_bits=bits)
            for photo_id in claim.photo_ids
            for other, bits in likes[photo_id]
            for use in uses[other]
            if use.subject_id != claim.claim_id
        ]
        for claim in claims
    }


def _signal(claim: Record, photo_id: int, use: Record, *, differing_bits: int) -> PhotoSignal:
    is_same = use.photo_id == photo_id
    is_of_another = use.resident_id is not None and use.resident_id != claim.resident_id
    kind = SignalKind.PHOTO_USED_TWICE if is_same else SignalKind.SIMILAR_PHOTO
    used_for = PhotoUse(use.kind)
    subject_id, resident_id = use.subject_id, use.resident_id
    if is_of_another and used_for in PRIVATE_USES:
        used_for, subject_id, resident_id = PhotoUse.PRIVATE, None, None
    return PhotoSignal(
        kind=kind,
        photo_id=photo_id,
        other_photo_id=use.photo_id,
        differing_bits=differing_bits,
        used_for=used_for,
        used_for_id=subject_id,
        other_resident_id=resident_id,
        is_of_another_resident=is_of_another,
        other_sent_at=use.sent_at,
        **messages.tell_photo(
            used_for, subject_id,
            differing_bits=differing_bits, is_same=is_same, is_of_another=is_of_another,
        ),
    )  # fmt: skip
