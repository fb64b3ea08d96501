"""Sheets of cards to print, with the names that stand on them."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import personal
from app.community import queries as community
from app.community.card_sheets import PrintedCard, card_sheet
from app.community.cards import queries
from app.community.cards.errors import CardsMissing, NoCardsToPrint, TooManyCards
from app.community.cards.schemas import MOST_CARDS, CardSheetAsk
from app.community.cards.service import code_of, shown_serial
from app.community.models import PersonalDataRead
from app.core.access import Actor
from app.core.codes import link_of
from app.core.database import Record
from app.core.ids import new_id
from app.core.personal import Vault
from app.core.signing import KeyRing

PURPOSE = "打印纸质积分卡"


async def prepare_sheet(
    session: AsyncSession,
    actor: Actor,
    body: CardSheetAsk,
    *,
    vault: Vault,
    keys: KeyRing,
    base_url: str,
    now: datetime,
) -> Callable[[], bytes]:
    """Log who reads the names and return what draws the PDF: 11 ms of CPU a card, in a thread.

    Raises CardsMissing, NoCardsToPrint and TooManyCards.
    """
    rows = await queries.list_printable(
        session,
        actor,
        resident_ids=body.resident_ids,
        building_id=body.building_id,
        size=MOST_CARDS + 1,
        now=now,
    )
    _check(body, rows)
    await queries.log_reads(session, [_read(actor, row, now) for row in rows])
    here = await community.get_community(session, actor.community)
    names = [personal.name_of(vault, row.Resident) or "" for row in rows]

    def draw() -> bytes:
        cards = [
            PrintedCard(
                serial=shown_serial(row.PaperCard.serial),
                name=name,
                link=link_of(keys.sign_code(code_of(row.PaperCard), now=now), base_url=base_url),
            )
            for row, name in zip(rows, names, strict=True)
        ]
        return card_sheet(cards, community_name="" if here is None else here.name)

    return draw


def _check(body: CardSheetAsk, rows: Sequence[Record]) -> None:
    if len(rows) > MOST_CARDS:
        raise TooManyCards(most=MOST_CARDS)
    missing = set(body.resident_ids or ()) - {row.Resident.resident_id for row in rows}
    if missing:
        raise CardsMissing(resident_ids=[str(number) for number in sorted(missing)])
    if not rows:
        raise NoCardsToPrint


def _read(actor: Actor, row: Record, now: datetime) -> PersonalDataRead:
    return PersonalDataRead(
        community_id=actor.community,
        personal_data_read_id=new_id(now),
        resident_id=row.Resident.resident_id,
        reader_id=actor.person_id,
        fields=["name"],
        purpose=PURPOSE,
        read_at=now,
    )
