"""The routers, in the order in which the API is documented."""

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.activities.endpoints import router as activities
from app.audit.endpoints import router as audits
from app.cases.endpoints import router as cases
from app.cases.staff.endpoints import router as staff_cases
from app.community.cards.endpoints import router as cards
from app.community.endpoints import router as community
from app.community.residents.endpoints import router as residents
from app.contributions.by_hand.endpoints import router as postings
from app.contributions.claims.endpoints import router as claims
from app.contributions.duties.endpoints import router as duties
from app.contributions.explaining.endpoints import router as explanations
from app.contributions.lists.endpoints import router as award_lists
from app.contributions.repairs.endpoints import router as repairs
from app.contributions.signals.endpoints import router as signals
from app.core.endpoints import router as service
from app.core.route_index import IndexedRoutes
from app.funds.endpoints import router as funds
from app.governance.appeals.endpoints import router as appeals
from app.home.endpoints import router as home
from app.identity.consents.endpoints import router as consents
from app.identity.endpoints import router as identity
from app.ledger.endpoints import router as ledger
from app.ledger.gifts.endpoints import router as gifts
from app.ledger.point_policy.endpoints import router as point_policy
from app.ledger.savings.endpoints import router as savings
from app.ledger.seals.endpoints import router as seals
from app.ledger.statement.endpoints import router as statement
from app.ledger.witnesses.endpoints import router as witnesses
from app.media.endpoints import router as media
from app.merchants.endpoints import router as merchants
from app.notices.endpoints import router as notices
from app.notifications.endpoints import router as notifications
from app.privacy.endpoints import router as privacy
from app.rewards.endpoints import router as rewards
from app.rules.book.endpoints import router as rule_book
from app.rules.campaigns.endpoints import router as campaigns
from app.rules.changes.endpoints import router as rule_changes
from app.rules.endpoints import router as rules
from app.standings.endpoints import router as standings
from app.statements.endpoints import router as statement_files
from app.wechat.endpoints import router as wechat

ROUTERS = (
    identity, consents, community, residents, cards, home, activities, ledger, savings, gifts,
    statement, statement_files, seals, witnesses, point_policy, standings, rules,
    rule_changes, campaigns, notices,
    rule_book, postings,
    repairs, explanations, claims, award_lists, duties, appeals, signals, cases, staff_cases,
    rewards, funds, merchants, media, notifications, privacy, wechat, audits, service,
)  # fmt: skip


def mount(app: FastAPI) -> None:
    """Attach every router, and the index that finds their routes."""
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.insert(0, IndexedRoutes(all_routes()))


def all_routes() -> list[APIRoute]:
    """Return the routes of every router."""
    routes = (route for router in ROUTERS for route in router.routes)
    return [route for route in routes if isinstance(route, APIRoute)]
