"""Databases in which a neighbourhood already stands when a test begins, its people signed in.

Making one and signing people in costs more than most tests. So it is done once, for good, in a
copy of the empty database, and every test that wants it begins there and is undone as ever. Who
wants no neighbourhood, or makes one otherwise, begins in the empty database.
"""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.core.database import make_engine, make_sessionmaker
from app.core.embedded.configuration import SUPERUSER
from app.core.queries import delete_idle_limits
from tests.support.caller import sign_in
from tests.support.clock import Clock
from tests.support.database import UNTOUCHED, DatabaseServer, remembering
from tests.support.neighbourhood import Neighbourhood, make_neighbourhood, preset_reader

# Adds, over a connection that may become the superuser, what is to stand there besides.
Furnish = Callable[[AsyncConnection, Neighbourhood], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Settled:
    """A database with neighbourhoods, by prefix; nobody may change them but in a test."""

    engine: AsyncEngine
    began: datetime
    neighbourhoods: dict[str, Neighbourhood]

    def neighbourhood(self, prefix: str, http: httpx.AsyncClient, clock: Clock) -> Neighbourhood:
        """Return a neighbourhood for one test, which calls through `http`."""
        stands = self.neighbourhoods[prefix]
        return Neighbourhood(
            http,
            deepcopy(stands.created),
            deepcopy(stands.places),
            dict(stands.residents),
            prefix,
            signed_in={name: dict(caller.tokens) for name, caller in stands.callers.items()},
            still_valid=lambda: clock.now == self.began,
        )


class Settlements:
    """Makes such databases as tests want them, each once in a run."""

    def __init__(self, server: DatabaseServer, app: FastAPI, now: datetime) -> None:
        self._server = server
        self._app = app
        self._now = now
        self._settled: dict[tuple[object, ...], Settled] = {}
        self._engines: list[AsyncEngine] = []

    async def find(
        self,
        prefixes: tuple[str, ...],
        *,
        signed_in: bool = True,
        furnish: Furnish | None = None,
    ) -> Settled:
        """Return the database of these neighbourhoods, of the presets that tests read just now."""
        wanted = (preset_reader(), signed_in, furnish, *prefixes)
        if wanted not in self._settled:
            name = f"settled_{len(self._engines)}"
            settled = await self._settle(name, prefixes, signed_in=signed_in)
            if furnish is not None:
                await self._furnish(name, settled, furnish)
            self._settled[wanted] = settled
        return self._settled[wanted]

    async def dispose(self) -> None:
        for engine in self._engines:
            await engine.dispose()

    async def _settle(self, name: str, prefixes: tuple[str, ...], *, signed_in: bool) -> Settled:
        await self._server.create(name, template=UNTOUCHED)
        engine = make_engine(remembering(self._server.url(name)), pool_size=2)
        self._engines.append(engine)
        state = self._app.state
        before = {part: getattr(state, part) for part in ("sessionmaker", "clock")}
        state.sessionmaker, state.clock = make_sessionmaker(engine), Clock(self._now)
        try:
            made = {prefix: await self._make(prefix, signed_in=signed_in) for prefix in prefixes}
        finally:
            for part, value in before.items():
                setattr(state, part, value)
        return Settled(engine, self._now, made)

    async def _furnish(self, name: str, settled: Settled, furnish: Furnish) -> None:
        engine = make_engine(self._server.url(name, SUPERUSER), pool_size=1)
        async with engine.begin() as connection:
            for made in settled.neighbourhoods.values():
                await furnish(connection, made)
        await engine.dispose()

    async def _make(self, prefix: str, *, signed_in: bool) -> Neighbourhood:
        state = self._app.state
        transport = httpx.ASGITransport(app=self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            made = await make_neighbourhood(
                state.sessionmaker, http, vault=state.vault, now=self._now, prefix=prefix
            )
            for name in made.people if signed_in else ():
                made.callers[name] = await sign_in(http, prefix + name)
        async with state.sessionmaker.begin() as session:
            tomorrow = self._now + timedelta(days=1)
            # Nobody has tried to sign in, as far as a test's limits go.
            await delete_idle_limits(session, now_us=int(tomorrow.timestamp() * 1_000_000))
        return made
