"""The rule book as a file: out of a community, checked, and back in by public notice."""

from datetime import date
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.rules.book.founding import put_in_force
from app.rules.book.reading import read_book
from app.setup.presets import read_preset
from tests.rules.changes.proposing import Assembly, change
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

BOOK = "/v1/staff/rule-book"
NEW_RULE = """
[[rule_categories]]
code = "sports"
name = "健身"
parent = "daily"

[[rules]]
code = "morning_exercise"
name = "晨练领操"
category = "sports"
points = 5
"""
SURVEY = 'code = "survey"\nname = "参加问卷"\ncategory = "council"\npoints = '
NIGHT = '\n[[campaigns]]\ncode = "night"\nname = "夜间"\npercent = 200\n'


async def export_of(here: Neighbourhood) -> str:
    answer = await (await here.caller("committee-1")).get(BOOK)
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["toml"]
    return text


async def check(here: Neighbourhood, text: str) -> dict[str, Any]:
    answer = await (await here.caller("committee-1")).post(f"{BOOK}/check", {"toml": text})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def edited(text: str) -> str:
    """Return a book in which one rule gives more, one is new and one has gone."""
    assert SURVEY + "5" in text
    before, _, after = text.partition('[[rules]]\ncode = "calligraphy_lesson"')
    without = before + after.partition("\n\n")[2]
    return without.replace(SURVEY + "5", SURVEY + "8") + NEW_RULE


def proposal(text: str, **changes: Any) -> dict[str, Any]:
    return {
        "toml": text, "title": "修订规则书", "reason": "议事会通过", "effective_on": "2026-12-31",
    } | changes  # fmt: skip


async def propose(here: Neighbourhood, body: dict[str, Any]) -> httpx.Response:
    return await (await here.caller("committee-1")).post_once(f"{BOOK}/proposal", body)


async def test_an_exported_book_changes_nothing_and_says_what_the_preset_says(
    here: Neighbourhood,
) -> None:
    text = await export_of(here)
    book, preset = read_book(text), read_preset("sunshine")

    assert await check(here, text) == {"mistakes": [], "proposed": [], "not_proposed": []}
    assert {rule.code: rule for rule in book.rules} == {rule.code: rule for rule in preset.rules}
    assert (await propose(here, proposal(text))).json()["code"] == "nothing_to_propose"


async def test_a_check_names_what_a_file_changes_and_what_no_proposal_can(
    here: Neighbourhood,
) -> None:
    text = edited(await export_of(here)) + NIGHT
    found = await check(here, text.replace("appeal_days = 15", "appeal_days = 20"))

    assert [(one["part"], one["kind"], one["code"]) for one in found["proposed"]] == [
        ("procedure", "change", "procedure"),
        ("rule_categories", "new", "sports"),
        ("rules", "change", "survey"),
        ("rules", "new", "morning_exercise"),
        ("rules", "end", "calligraphy_lesson"),
    ]
    days, _, survey, *_ = found["proposed"]
    assert days["fields"] == [{"field": "appeal_days", "before": 15, "after": 20}]
    assert survey["fields"] == [{"field": "points", "before": 5, "after": 8}]
    assert [(one["part"], one["code"]) for one in found["not_proposed"]] == [("campaigns", "night")]


async def test_a_faulty_file_is_refused_with_all_its_lines(here: Neighbourhood) -> None:
    text = (await export_of(here)) + '\n[[rules]]\ncode = "x"\npoints = 0\n'
    line = text.count("\n")
    found = await check(here, text)
    refused = await propose(here, proposal(text))

    assert (line, f'rules {len(here.created.rules) + 1} "x"', "points") in {
        (told["line"], told["entry"], told["field"]) for told in found["mistakes"]
    }
    assert (refused.status_code, refused.json()["code"]) == (422, "rule_book_faulty")
    assert refused.json()["mistakes"] == found["mistakes"]


async def test_a_file_of_more_than_256_kb_is_refused_unread(here: Neighbourhood) -> None:
    committee = await here.caller("committee-1")
    fits, grown = "#" * (256 * 1024), "#" + "积" * (256 * 1024 // 3 + 1)
    assert (await committee.post(f"{BOOK}/check", {"toml": fits})).status_code == 200
    assert (await committee.post(f"{BOOK}/check", {"toml": grown})).status_code == 422


async def test_a_proposed_file_is_one_change_of_rules_on_public_notice(
    here: Neighbourhood,
) -> None:
    text = edited(await export_of(here)).replace("appeal_days = 15", "appeal_days = 20")
    body = proposal(text)
    answer = await propose(here, body)
    change = answer.json()
    again = await propose(here, body)

    assert answer.status_code == 201, answer.text
    assert [(one["kind"], one["code"]) for one in change["changes"]] == [
        ("change", "survey"), ("new", "morning_exercise"), ("end", "calligraphy_lesson"),
        ("procedure", "procedure"),
    ]  # fmt: skip
    assert again.json()["code"] == "rule_change_pending"
    resident = await here.caller("resident-1")
    assert (await resident.get(f"/v1/notices/{change['notice_id']}")).status_code == 200
    # Nothing holds yet but the new category, which is there to be used.
    assert (await check(here, await export_of(here)))["proposed"] == []
    assert 'code = "sports"' in await export_of(here)
    assert SURVEY + "5" in await export_of(here)
    assert "appeal_days = 15" in await export_of(here)


async def test_a_file_undoes_no_change_that_is_adopted_and_still_to_come(
    here: Neighbourhood, clock: Clock
) -> None:
    assembly = Assembly(here, clock)
    both = await assembly.propose(
        change("survey"), change("story_evening", "end"), effective_on="2026-12-20"
    )
    assembly.end_notice()
    await assembly.adopt(both)
    text = await export_of(here)
    assert SURVEY + "5" in text

    for old, new in (("参加问卷", "参加问卷调查"), ("故事会", "故事晚会")):
        edited_again = text.replace(f'name = "{old}"', f'name = "{new}"')
        refused = await propose(here, proposal(edited_again))
        assert (refused.status_code, refused.json()["code"]) == (409, "rule_change_coming")
    assert (await propose(here, proposal(text + NEW_RULE))).status_code == 201


async def test_only_who_may_propose_rules_reads_or_brings_a_file(here: Neighbourhood) -> None:
    for name in ("resident-1", "worker-1", "reviewer-1", "auditor-1"):
        caller = await here.caller(name)
        assert (await caller.get(BOOK)).status_code == 403
        assert (await caller.post_once(f"{BOOK}/proposal", proposal("x"))).status_code == 403


async def test_before_the_first_points_a_book_holds_at_once(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    days = f"starts_on = {date(2026, 11, 1)}\nends_on = {date(2026, 12, 1)}\n"
    text = edited(await export_of(here)).replace("appeal_days = 15", "appeal_days = 20")
    wanted = read_book(text + NIGHT + days)
    async with sessionmaker.begin() as session:
        changed = await put_in_force(session, here.community_id, wanted, now=clock.now)
    clock.advance(seconds=1)

    assert [(one.part, one.code) for one in changed] == [
        ("procedure", "procedure"), ("rule_categories", "sports"), ("rules", "survey"),
        ("rules", "morning_exercise"), ("rules", "calligraphy_lesson"), ("campaigns", "night"),
    ]  # fmt: skip
    # The campaign begins now, not in the past, and the tree is in its own order.
    exported = read_book(await export_of(here))
    assert exported.campaigns[0].starts_on == date(2026, 11, 18)
    assert {rule.code: rule for rule in exported.rules} == {
        rule.code: rule for rule in wanted.rules
    }
    assert exported.procedure == wanted.procedure
    rules = (await (await here.caller("resident-1")).get("/v1/rules")).json()["items"]
    assert {rule["code"]: rule["version"] for rule in rules}["survey"] == 2


async def test_a_book_of_an_older_version_gets_its_categories_and_may_return_to_a_rule(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    original = read_book(await export_of(here))
    free = original.model_copy(deep=True)
    free.rule_categories = []
    free.rules = [rule for rule in free.rules if rule.code != "survey"]
    for rule in free.rules:
        rule.category = "日常"
    for book in (free, original):
        async with sessionmaker.begin() as session:
            await put_in_force(session, here.community_id, book, now=clock.now)
        clock.advance(seconds=1)

    rules = (await (await here.caller("resident-1")).get("/v1/rules")).json()["items"]
    assert {rule["code"]: rule["version"] for rule in rules}["survey"] == 2
    assert (await check(here, await export_of(here)))["proposed"] == []
