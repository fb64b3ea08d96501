"""The routers, in the order in which the API is documented."""

from fastapi import FastAPI

from app.activities.endpoints import router as activities
from app.community.endpoints import router as community
from app.contributions.endpoints import router as contributions
from app.core.endpoints import router as service
from app.home.endpoints import router as home
from app.identity.endpoints import router as identity
from app.ledger.endpoints import router as ledger
from app.merchants.endpoints import router as merchants
from app.rewards.endpoints import router as rewards
from app.rules.endpoints import router as rules
from app.standings.endpoints import router as standings

ROUTERS = (
    identity, community, home, activities, ledger, standings, rules,
    contributions, rewards, merchants, service,
)  # fmt: skip


def mount(app: FastAPI) -> None:
    """Attach every router."""
    for router in ROUTERS:
        app.include_router(router)
