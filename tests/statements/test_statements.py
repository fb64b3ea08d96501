"""How many SQL statements each main request costs; README's table says the same.

A round trip each, with BEGIN and, for writes, COMMIT added. A number that rises here is work
added to a hot path: change it only with a reason.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.statements.case_requests import CASE_STATEMENTS, case_requests
from tests.statements.fair_play_requests import FAIR_PLAY_STATEMENTS, fair_play_requests
from tests.statements.requests import STATEMENTS, main_requests
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

TRANSACTION_CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")


@contextmanager
def counted(engine: AsyncEngine) -> Iterator[list[str]]:
    """Gather the statements that are sent while the block runs."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(TRANSACTION_CONTROL):
            sent.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_main_request_costs_no_more_statements_than_stated(
    name: str, here: Neighbourhood, clock: Clock, app: FastAPI, engine: AsyncEngine
) -> None:
    request = (await main_requests(here, clock, app))[name]

    with counted(engine) as sent:
        answer = await request()

    assert answer.status_code in (200, 201), answer.text
    assert len(sent) == STATEMENTS[name], "\n".join(sent)


@pytest.mark.parametrize("name", CASE_STATEMENTS)
async def test_a_request_about_hazards_costs_no_more_statements_than_stated(
    name: str, here: Neighbourhood, clock: Clock, engine: AsyncEngine
) -> None:
    request = (await case_requests(here, clock))[name]

    with counted(engine) as sent:
        answer = await request()

    assert answer.status_code in (200, 201), answer.text
    assert len(sent) == CASE_STATEMENTS[name], "\n".join(sent)


@pytest.mark.parametrize("name", FAIR_PLAY_STATEMENTS)
async def test_a_request_of_fair_play_costs_no_more_statements_than_stated(
    name: str, here: Neighbourhood, engine: AsyncEngine
) -> None:
    request = (await fair_play_requests(here))[name]

    with counted(engine) as sent:
        answer = await request()

    assert answer.status_code in (200, 201), answer.text
    assert len(sent) == FAIR_PLAY_STATEMENTS[name], "\n".join(sent)
