"""The public rule book, and which version an act is judged by."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.ids import new_id
from app.rules import service
from app.rules.errors import RuleNotFound
from app.rules.models import RuleVersion
from tests.support.awards import get_terms
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

SURVEY = {"code": "survey", "points": 5, "version": 1, "direction": "earn", "caps": []}


async def test_everybody_reads_the_whole_rule_book(here: Neighbourhood) -> None:
    for name in ("resident-1", "worker-1", "clerk-1", "committee-1"):
        reader = await here.caller(name)
        answer = await reader.get("/v1/rules")
        assert answer.status_code == 200
        rules = {rule["code"]: rule for rule in answer.json()["items"]}
        assert set(rules) == set(here.created.rules)
        assert rules["survey"].items() >= SURVEY.items()
        assert rules["volunteer_hour"]["caps"] == [{"period": "day", "points": 80}]
        assert rules["sorted_wrongly"]["direction"] == "cost"
        assert rules["survey"]["rule_id"] == str(here.created.rules["survey"])


async def test_rules_of_another_community_are_not_in_it(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    resident = await here.caller("resident-1")
    shown = {rule["rule_id"] for rule in (await resident.get("/v1/rules")).json()["items"]}
    assert not shown & {str(number) for number in elsewhere.created.rules.values()}


async def test_an_act_is_judged_by_the_version_in_force_when_it_was_done(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    changed_at = clock.now - timedelta(days=2)
    rule_id = here.created.rules["survey"]
    async with sessionmaker() as session:
        await session.execute(
            text("UPDATE rule_versions SET effective_until = :at WHERE rule_id = :rule"),
            {"at": changed_at, "rule": rule_id},
        )
        session.add(
            RuleVersion(
                community_id=here.community_id, rule_version_id=new_id(clock.now),
                rule_id=rule_id, version=2, name="参加问卷", category="议事", direction="earn",
                unit="time", points=8, max_units=2, caps=[], expiry={"kind": "never"},
                effective_from=changed_at, effective_until=None,
            )
        )  # fmt: skip
        await session.flush()

        moments = (changed_at - timedelta(microseconds=1), changed_at, clock.now)
        points = [
            (await get_terms(session, here, "survey", at=moment)).points for moment in moments
        ]
        book = await service.get_rule_book(session, here.community_id, now=clock.now)

    assert points == [5, 8, 8]
    assert [rule.version for rule in book.items if rule.code == "survey"] == [2]


async def test_before_its_first_version_a_rule_is_not_there(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    async with sessionmaker() as session:
        with pytest.raises(RuleNotFound):
            await get_terms(session, here, "survey", at=clock.now - timedelta(days=31))
        with pytest.raises(RuleNotFound):
            await get_terms(session, here, "no_such_rule", at=clock.now)
