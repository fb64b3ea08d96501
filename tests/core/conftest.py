"""A route that fails, to see what the application makes of it."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

SECRET = "the-text-of-the-fault"


@pytest.fixture
def broken_route(app: FastAPI) -> Iterator[str]:
    async def fail() -> None:
        raise RuntimeError(SECRET)

    path = "/broken"
    before = list(app.router.routes)
    app.add_api_route(path, fail)
    yield path
    app.router.routes[:] = before
