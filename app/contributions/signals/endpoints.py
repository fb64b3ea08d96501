"""/v1/staff/signals: what is unusual in the whole community."""

from typing import Annotated

from fastapi import APIRouter, Depends

from app.contributions.signals import service
from app.contributions.signals.schemas import SignalOverview
from app.core.access import Actor, Permission, Require
from app.core.transactions import Now, Session

router = APIRouter(tags=["contributions"])
Watcher = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_READ_SIGNALS))]


@router.get("/v1/staff/signals")
async def get_signals(actor: Watcher, session: Session, now: Now) -> SignalOverview:
    """Return unusual pairs and concentration, and impossible distances of the last seven days."""
    return await service.describe_community(session, actor, now=now)
