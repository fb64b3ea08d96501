"""The home page in one call."""

from typing import Annotated

from fastapi import APIRouter, Depends

from app.core.access import Actor, Permission, Require
from app.core.personal import CurrentVault
from app.core.transactions import Now, Session
from app.home import service
from app.home.schemas import Home

router = APIRouter(tags=["home"])
Resident = Annotated[Actor, Depends(Require(Permission.HOME_READ))]


@router.get("/v1/me/home")
async def get_home(actor: Resident, session: Session, vault: CurrentVault, now: Now) -> Home:
    """Return my points, my rank and what I can redeem now."""
    return await service.get_home(session, actor, vault=vault, now=now)
