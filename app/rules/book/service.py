"""Exporting a rule book, checking one, and putting one to notice."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.core.access import Actor
from app.rules import queries as rule_queries
from app.rules.book import queries
from app.rules.book.adding import add_categories
from app.rules.book.difference import Difference, DifferenceKind, compare_books
from app.rules.book.errors import NothingToPropose, RuleBookFaulty, RuleChangeComing
from app.rules.book.exporting import collect_book
from app.rules.book.reading import BookUnreadable, Mistake, read_book
from app.rules.book.schemas import (
    BookDifference,
    BookMistake,
    RuleBookCheck,
    RuleBookData,
    RuleBookExport,
    RuleBookProposal,
)
from app.rules.book.writing import write_book
from app.rules.changes import service as changes
from app.rules.changes.schemas import AnyChange, ChangeData, ProcedureChange, RuleChangeRead

Kind = DifferenceKind
# What a book proposes of these goes to public notice; new categories are made at once.
PROPOSED = ("procedure", "rules")


async def export_book(session: AsyncSession, community_id: int, *, now: datetime) -> RuleBookExport:
    """Return the rule book in force as a file."""
    return RuleBookExport(toml=write_book(await _book_now(session, community_id, now=now)))


async def check_book(
    session: AsyncSession, community_id: int, text: str, *, now: datetime
) -> RuleBookCheck:
    """Return a book's mistakes or, without any, what it would change."""
    try:
        wanted = read_book(text)
    except BookUnreadable as unreadable:
        return RuleBookCheck(mistakes=_describe(unreadable.mistakes), proposed=[], not_proposed=[])
    found = compare_books(await _book_now(session, community_id, now=now), wanted)
    return RuleBookCheck(
        mistakes=[],
        proposed=[BookDifference.model_validate(one) for one in found if _is_proposed(one)],
        not_proposed=[BookDifference.model_validate(one) for one in found if not _is_proposed(one)],
    )


async def propose_book(
    session: AsyncSession, actor: Actor, body: RuleBookProposal, *, now: datetime
) -> RuleChangeRead:
    """Put to notice what a book changes of rules and procedure, as one change.

    New categories are made at once.

    Raises RuleBookFaulty, NothingToPropose, RuleChangeComing, and what a change by itself raises.
    """
    try:
        wanted = read_book(body.toml)
    except BookUnreadable as unreadable:
        told = [told.model_dump() for told in _describe(unreadable.mistakes)]
        raise RuleBookFaulty(mistakes=told) from unreadable
    # Nobody else changes rules, or makes the same categories, meanwhile.
    await rule_queries.lock_procedure(session, actor.community)
    found = compare_books(await _book_now(session, actor.community, now=now), wanted)
    proposed = [_change(one, wanted) for one in found if one.part in PROPOSED]
    if not proposed:
        raise NothingToPropose
    codes = [one.code for one in found if one.part == "rules"]
    await _check_nothing_coming(session, actor.community, codes, now=now)
    known = await queries.list_stored_categories(session, actor.community)
    new = [category for category in wanted.rule_categories if category.code not in known]
    await add_categories(session, actor.community, new)
    return await changes.propose(
        session,
        actor,
        title=body.title,
        reason=body.reason,
        changes=proposed,
        effective_on=body.effective_on,
        notice_days=body.notice_days,
        now=now,
    )


async def _check_nothing_coming(
    session: AsyncSession, community_id: int, codes: Sequence[str], *, now: datetime
) -> None:
    """Refuse to change what will change anyway: the file says what holds before that."""
    newest = await rule_queries.list_newest_versions(session, community_id, codes)
    for code, (_, version) in newest.items():
        until = version.effective_until
        if version.effective_from > now or (until is not None and until > now):
            raise RuleChangeComing(rule_code=code)


async def _book_now(session: AsyncSession, community_id: int, *, now: datetime) -> RuleBookData:
    here = await community.get_community(session, community_id)
    return await collect_book(session, community_id, timezone=here.timezone, now=now)


def _is_proposed(one: Difference) -> bool:
    return one.part in PROPOSED or (one.part == "rule_categories" and one.kind is Kind.NEW)


def _describe(mistakes: Iterable[Mistake]) -> list[BookMistake]:
    return [BookMistake.model_validate(mistake) for mistake in mistakes]


def _change(one: Difference, wanted: RuleBookData) -> AnyChange:
    if one.part == "procedure":
        return ProcedureChange.model_validate({"kind": "procedure", "terms": wanted.procedure})
    terms = next((rule for rule in wanted.rules if rule.code == one.code), None)
    return ChangeData.model_validate({"kind": one.kind.value, "code": one.code, "terms": terms})
