"""A resident's own statement as a file."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from app.core.access import Actor, Permission, Require
from app.core.drawn import DrawingBusy, DrawnFile
from app.core.openapi import problem_responses
from app.core.personal import CurrentVault
from app.core.rate_limits import TooManyAttempts
from app.core.transactions import Now, Session
from app.ledger.statement.errors import PeriodBackwards
from app.ledger.statement.schemas import Day, OwnAccount
from app.statements import limits, service
from app.statements.contents import Contents
from app.statements.errors import PeriodTooLong, StatementTooLong
from app.statements.paper import statement_pdf
from app.statements.table import statement_csv

CSV = "text/csv"
PDF = "application/pdf"

router = APIRouter(prefix="/v1/me", tags=["ledger"])
Owner = Annotated[Actor, Depends(Require(Permission.LEDGER_READ_OWN))]
From = Annotated[
    Day | None,
    Query(alias="from", description="First local day; 1 January of the last one's year if unsaid"),
]
To = Annotated[
    Day | None, Query(alias="to", description="Last local day, included; today if unsaid or later")
]
refusals = problem_responses(
    PeriodBackwards, PeriodTooLong, StatementTooLong, TooManyAttempts, DrawingBusy
)


async def gather(
    request: Request,
    actor: Owner,
    session: Session,
    vault: CurrentVault,
    now: Now,
    account: OwnAccount = OwnAccount.WALLET,
    first: From = None,
    last: To = None,
) -> Contents:
    contents = await service.gather(
        session, actor, account, first=first, last=last, vault=vault, now=now
    )
    # Counted on a connection of its own, so this one is given back first.
    await session.rollback()
    await limits.count_file(request.app.state.sessionmaker, actor.person_id, now=now)
    return contents


Gathered = Annotated[Contents, Depends(gather)]


def file_of(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: {}}}}


@router.get("/statement.csv", response_class=Response, responses=file_of(CSV) | refusals)
async def get_statement_table(contents: Gathered) -> Response:
    """Return my lines of up to 366 days, oldest first, as a table for Excel or WPS."""
    return DrawnFile(
        lambda: statement_csv(contents), media_type=CSV, filename=contents.filename("csv")
    )


@router.get("/statement.pdf", response_class=Response, responses=file_of(PDF) | refusals)
async def get_statement_paper(contents: Gathered) -> Response:
    """Return my lines of up to 366 days, oldest first, to print: with the sums of each month."""
    return DrawnFile(
        lambda: statement_pdf(contents), media_type=PDF, filename=contents.filename("pdf")
    )
