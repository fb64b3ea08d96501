"""The application: settings in, a FastAPI app with its state wired up out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from alembic.script import ScriptDirectory
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app import api
from app.activities.check_ins import CheckInDesk
from app.audit.service import measure
from app.community import service as community
from app.contributions.lists import tables
from app.core import docs, openapi, problem_handlers
from app.core.callers import Callers
from app.core.config import Settings
from app.core.database import make_engine, make_sessionmaker, renew_together
from app.core.envelope import Envelope
from app.core.lean import LeanRoutes
from app.core.metrics import HttpMetrics, LaneMetrics
from app.core.middleware import BodyLimit, FaultBarrier, RequestObserver
from app.core.personal import Vault
from app.core.sealing import master_key_of
from app.core.signing import KeyRing, ensure_keys
from app.core.transactions import system_clock
from app.identity.service import SessionIssuer
from app.ledger import queries as ledger
from app.ledger.witnesses.trusted import witness_keys
from app.privacy.closing.forgetting import on_consent_withdrawn
from app.rewards.redeeming import RedeemDesk
from app.standings import folding
from app.wiring import photo_in_use, reach_store, reaching_wechat, tell_author

Alongside = Callable[[FastAPI], AbstractAsyncContextManager[Any]]
KEYS_RELOADED_EVERY = 30
MIGRATIONS = Path(__file__).parent.parent / "migrations"

logger = structlog.get_logger()


def create_app(
    settings: Settings | None = None,
    *,
    database_url: str | None = None,
    alongside: Alongside = nullcontext,
) -> FastAPI:
    """Build the application; its lifespan connects it and runs `alongside` while it serves.

    `database_url` overrides the settings' one: the embedded server's is known only once it runs.
    """
    settings = settings or Settings()
    app = FastAPI(
        title="GridPoints 网格积分",
        version="0.1.0",
        summary="Points for a self-governing neighbourhood",
        lifespan=lifespan,
        responses=openapi.common_responses(),
        generate_unique_id_function=operation_id,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.database_url = database_url or settings.database_url
    app.state.alongside = alongside
    wire(app, settings)
    api.mount(app)
    docs.mount(app)
    openapi.install(app)
    problem_handlers.install(app)
    app.add_middleware(LeanRoutes, routes=api.all_routes())
    app.add_middleware(FaultBarrier)
    app.add_middleware(
        BodyLimit, max_bytes=settings.max_body_bytes,
        # The file, and what multipart wraps it in.
        larger={
            "/v1/photos": settings.max_photo_bytes + 65_536,
            "/v1/staff/award-lists": tables.MAX_BYTES + 65_536,
        },
    )  # fmt: skip
    app.add_middleware(Envelope)
    app.add_middleware(RequestObserver, metrics=app.state.metrics)
    return app


def wire(app: FastAPI, settings: Settings) -> None:
    """Give the lower rooms what they need of the higher ones, and everybody the clock."""
    key = master_key_of(settings)
    keeper, links = reach_store(settings, key)
    app.state.clock = system_clock
    app.state.metrics = HttpMetrics()
    app.state.lane_metrics = LaneMetrics(app.state.metrics.registry)
    app.state.gauges = (measure, folding.measure)
    app.state.master_key = key
    app.state.vault = Vault(key)
    app.state.keys = KeyRing(key)
    app.state.issuer = SessionIssuer(
        keys=app.state.keys,
        refresh_secret=key.derive("refresh tokens"),
        access_lifetime=timedelta(minutes=settings.access_token_minutes),
        refresh_lifetime=timedelta(days=settings.refresh_token_days),
    )
    app.state.load_actor = community.load_actor
    open_desks(app.state)
    app.state.list_memberships = community.list_memberships
    app.state.open_wallets = ledger.open_wallets
    app.state.get_community = community.get_community
    app.state.photo_keeper = keeper
    app.state.photo_links = links
    app.state.photo_in_use = photo_in_use
    app.state.on_content_refused = tell_author
    app.state.on_consent_withdrawn = partial(on_consent_withdrawn, vault=app.state.vault)
    app.state.witnesses = witness_keys(settings)
    app.state.wechat = {}
    app.state.schema_head = ScriptDirectory(str(MIGRATIONS)).get_current_head()


def open_desks(state: Any) -> None:
    """Open the desks that post in batches, each on a lane of its own; nobody is known yet."""
    state.callers = Callers()
    state.check_ins = CheckInDesk(state, state.lane_metrics)
    state.redemptions = RedeemDesk(state, state.lane_metrics)


def operation_id(route: APIRoute) -> str:
    return route.name


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Connect, make sure there are signing keys, and keep them fresh while serving."""
    settings: Settings = app.state.settings
    # Half of the connections only read, and need no BEGIN for it; a single one does everything.
    readers = settings.pool_size // 2
    engine = make_engine(app.state.database_url, pool_size=settings.pool_size - readers)
    app.state.sessionmaker = make_sessionmaker(engine)
    reading = make_engine(app.state.database_url, pool_size=max(readers, 1), only_reads=True)
    app.state.read_sessionmaker = make_sessionmaker(reading) if readers else None
    app.state.reading_turns = asyncio.Semaphore(max(readers, 1))
    renew_together(engine, reading)
    now: datetime = app.state.clock()
    async with app.state.sessionmaker.begin() as session:
        await ensure_keys(session, app.state.master_key, now=now)
        await app.state.keys.load(session, now=now)
    endless = (reload_keys(app.state), folding.keep_folding(app.state.sessionmaker))
    try:
        async with reaching_wechat(settings) as clients, in_background(*endless):
            app.state.wechat = clients
            async with app.state.alongside(app):
                yield
            # Whoever is still waiting for points gets them.
            await app.state.check_ins.lane.drain()
            await app.state.redemptions.lane.drain()
    finally:
        await engine.dispose()
        await reading.dispose()


@asynccontextmanager
async def in_background(*endless: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run what never ends by itself until the block does."""
    tasks = [asyncio.create_task(work) for work in endless]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def reload_keys(state: Any) -> None:
    """Learn of new and revoked keys, well within a new key's lead time."""
    sessionmaker: async_sessionmaker[AsyncSession] = state.sessionmaker
    while True:
        await asyncio.sleep(KEYS_RELOADED_EVERY)
        try:
            async with sessionmaker() as session:
                await state.keys.load(session, now=state.clock())
        except Exception:
            # The database may be restarting; the keys at hand still serve.
            logger.exception("signing keys not reloaded")
