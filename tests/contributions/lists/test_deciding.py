"""Who may decide about a list, and what its public notice does to it."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.contributions.lists import giving, queries, taking
from app.jobs import SCHEDULES
from tests.contributions.lists.office import LISTS, Office
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.consenting import consent
from tests.support.passing import let_pass
from tests.support.working import work_off

INBOX = "/v1/me/messages"


async def test_another_person_decides_and_only_once(office: Office) -> None:
    award_list_id = await office.propose(office.row("resident-1"))

    assert problem_code(await office.decide(award_list_id, by="committee-1")) == "checker_is_maker"
    own_refusal = await office.decide(award_list_id, "refusal", by="committee-1")
    assert problem_code(own_refusal) == "checker_is_maker"
    not_theirs = await office.decide(award_list_id, "withdrawal", by="committee-2")
    assert problem_code(not_theirs) == "not_the_lists_proposer"
    approved = await office.decide(award_list_id)
    again = await office.decide(award_list_id)
    assert approved.json() == again.json()
    for way, by in (("refusal", "committee-2"), ("withdrawal", "committee-1")):
        assert problem_code(await office.decide(award_list_id, way, by=by)) == "award_list_decided"


async def test_a_list_is_withdrawn_or_refused_and_gives_nothing(office: Office) -> None:
    withdrawn = await office.propose(office.row("resident-1"))
    refused = await office.propose(office.row("resident-2"))

    assert (await office.decide(withdrawn, "withdrawal", by="committee-1")).json()["state"] == (
        "withdrawn"
    )
    answer = await office.decide(refused, "refusal")
    assert (answer.json()["state"], answer.json()["decision_reason"]) == ("refused", "事由不清")
    await office.post()

    assert await office.points("resident-1") == await office.points("resident-2") == 0
    page = await office.read(LISTS, state="refused", size=1)
    assert [each["award_list_id"] for each in page["items"]] == [refused]


async def test_nobody_approves_a_list_with_a_row_of_their_own(office: Office) -> None:
    award_list_id = await office.propose(office.row("resident-1"), office.row("resident-2"))
    await office.do(
        "UPDATE residents SET person_id = (SELECT person_id FROM role_grants"
        " WHERE community_id = :community_id AND role = 'committee'"
        " ORDER BY role_grant_id DESC LIMIT 1) WHERE resident_id = :resident",
        resident=int(office.here.resident_id("resident-2")),
    )

    assert problem_code(await office.decide(award_list_id)) == "own_award_row"
    assert (await office.read(f"{LISTS}/{award_list_id}"))["state"] == "proposed"
    of_family = await office.propose(office.row("resident-3"))
    await office.do(
        "UPDATE residents SET household_id = (SELECT household_id FROM residents AS own"
        " WHERE own.community_id = :community_id AND own.resident_id = :resident)"
        " WHERE community_id = :community_id AND resident_id = :family",
        resident=int(office.here.resident_id("resident-2")),
        family=int(office.here.resident_id("resident-3")),
    )
    assert problem_code(await office.decide(of_family)) == "own_award_row"


async def test_an_approved_list_is_posted_by_the_job_it_asks_for(
    office: Office, app: FastAPI
) -> None:
    award_list_id = await office.propose(office.row("resident-1"))
    await work_off(app)
    await office.decide(award_list_id)

    assert await work_off(app) == ["post_award_lists"]
    assert await office.points("resident-1") == 20
    assert "post_award_lists" in SCHEDULES["every_hour"][1]


async def test_whoever_left_or_changed_groups_meanwhile_gets_nothing_and_it_is_told(
    office: Office,
) -> None:
    for name in ("resident-1", "resident-2"):
        await set_audience(office, name, '["elder"]')
    award_list_id = await office.propose(
        office.row("resident-1", "taught_youth"),
        office.row("resident-2", "taught_youth"),
        office.row("resident-3"),
        office.row("resident-4"),
    )
    await set_audience(office, "resident-2", "[]")
    await office.do(
        "UPDATE residents SET state = 'left' WHERE resident_id = :resident",
        resident=int(office.here.resident_id("resident-3")),
    )

    await office.decide(award_list_id)
    await office.post()

    rows = await office.rows(award_list_id)
    assert [(row["granted_points"], row["refusal"]) for row in rows] == [
        (8, None), (None, giving.NOT_MEANT_FOR), (None, giving.HAS_LEFT), (20, None)
    ]  # fmt: skip
    told = await office.read(f"{LISTS}/{award_list_id}")
    assert (told["state"], told["granted_rows"], told["refused_rows"]) == ("posted", 2, 2)


async def set_audience(office: Office, name: str, audience: str) -> None:
    await office.do(
        "UPDATE residents SET audience = CAST(:audience AS jsonb) WHERE resident_id = :resident",
        resident=int(office.here.resident_id(name)), audience=audience,
    )  # fmt: skip


async def put_to_notice(office: Office) -> tuple[str, str]:
    """Let a list of two rows be approved; return its number and its notice's."""
    award_list_id = await office.propose(
        office.row("resident-1", "saved_someone"), office.row("resident-2")
    )
    approved = (await office.decide(award_list_id)).json()
    assert approved["state"] == "in_notice"
    return award_list_id, approved["public_notice_id"]


async def object_to(office: Office, notice_id: str, about: str | None) -> str:
    await consent(office.here, "resident-5")
    neighbour = await office.here.caller("resident-5")
    body = {"kind": "objection", "text": "当天并没有这回事"}
    if about is not None:
        body["about_id"] = about
    answer = await neighbour.post_once(f"/v1/notices/{notice_id}/remarks", body)
    assert answer.status_code == 201, answer.text
    remark_id: str = answer.json()["remark_id"]
    return remark_id


async def answer_it(office: Office, notice_id: str, remark_id: str, *, is_upheld: bool) -> None:
    committee = await office.here.caller("committee-2")
    answer = await committee.post(
        f"/v1/staff/notices/{notice_id}/remarks/{remark_id}/answer",
        {"answer": "已经核实情况", "is_upheld": is_upheld},
    )
    assert answer.status_code == 200, answer.text


async def test_a_list_on_notice_is_shown_to_everybody_and_posted_when_it_is_over(
    office: Office, clock: Clock
) -> None:
    award_list_id, notice_id = await put_to_notice(office)
    path = f"/notices/{notice_id}/award-list-rows"
    community = f"/v1/public/communities/{office.here.community_id}"

    lines = (await office.read(f"/v1{path}", by="resident-6"))["items"]
    public = (await office.here.http.get(community + path)).json()["items"]

    assert lines == public
    assert lines[0] == {
        "line_id": "2", "masked_name": "王*四", "rule_name": "见义勇为", "units": 1,
        "acted_on": "2026-11-17", "asked_points": 50, "deed": None,
    }  # fmt: skip
    notice = (await office.here.http.get(f"{community}/notices/{notice_id}")).json()
    assert notice["title"] == "批量积分公示名单 2026-11-18"
    await office.post()
    assert await office.points("resident-2") == 0
    let_pass(office.here, clock, days=3, hours=9)
    await office.post()
    assert await office.points("resident-1") == 50
    assert await office.points("resident-2") == 20
    assert (await office.read(f"/v1{path}"))["items"] == lines
    assert (await office.read(f"{LISTS}/{award_list_id}"))["state"] == "posted"
    await office.audit()


async def test_who_proposed_a_list_takes_it_back_from_its_notice(
    office: Office, clock: Clock
) -> None:
    award_list_id, notice_id = await put_to_notice(office)

    not_theirs = await office.decide(award_list_id, "withdrawal")
    withdrawn = await office.decide(award_list_id, "withdrawal", by="committee-1")
    again = await office.decide(award_list_id, "withdrawal", by="committee-1")

    assert problem_code(not_theirs) == "not_the_lists_proposer"
    assert withdrawn.json() == again.json()
    assert withdrawn.json()["state"] == "withdrawn"
    notice = await office.read(f"/v1/notices/{notice_id}", by="resident-6")
    assert notice["state"] == "withdrawn"
    let_pass(office.here, clock, days=3, hours=9)
    await office.post()
    assert await office.points("resident-1") == await office.points("resident-2") == 0


async def test_residents_are_told_of_their_points_in_one_message(office: Office) -> None:
    award_list_id = await office.propose(
        office.row("resident-1"),
        office.row("resident-1", "capped_help"),
        office.row("resident-1", "capped_help", day="2026-11-17 18:00"),
        office.row("resident-2"),
    )
    await office.decide(award_list_id)
    await office.post()
    await office.post()

    both, one, none = [
        [message["body"] for message in (await office.read(INBOX, by=name))["items"]]
        for name in ("resident-1", "resident-2", "resident-3")
    ]

    (told,) = both
    assert told.startswith("居委会登记的名单：“邻里调解” 20 分、“结对帮扶” 15 分，共 35 分已到账。")
    assert told.endswith("另有 5 分因达到积分上限未计入。")
    assert one == ["居委会登记的名单：“邻里调解” 20 分已到账。"]
    assert none == []


async def test_an_unanswered_objection_holds_a_list_and_an_upheld_one_strikes_a_row(
    office: Office, clock: Clock
) -> None:
    award_list_id, notice_id = await put_to_notice(office)
    remark_id = await object_to(office, notice_id, "2")
    let_pass(office.here, clock, days=3, hours=9)

    await office.post()
    held = await office.read(f"{LISTS}/{award_list_id}")
    await answer_it(office, notice_id, remark_id, is_upheld=True)
    await office.post()

    assert held["state"] == "in_notice"
    rows = await office.rows(award_list_id)
    assert [(row["granted_points"], row["refusal"]) for row in rows] == [
        (None, giving.OBJECTED), (20, None)
    ]  # fmt: skip
    lines = (await office.read(f"/v1/notices/{notice_id}/award-list-rows"))["items"]
    assert [line["line_id"] for line in lines] == ["3"]


async def test_an_upheld_objection_to_the_whole_list_refuses_it(
    office: Office, clock: Clock
) -> None:
    award_list_id, notice_id = await put_to_notice(office)
    remark_id = await object_to(office, notice_id, None)
    await answer_it(office, notice_id, remark_id, is_upheld=True)
    let_pass(office.here, clock, days=3, hours=9)

    await office.post()

    assert (await office.read(f"/v1/notices/{notice_id}/award-list-rows"))["items"] == []
    told = await office.read(f"{LISTS}/{award_list_id}")
    assert (told["state"], told["decision_reason"]) == ("refused", giving.OBJECTED)
    assert await office.points("resident-1") == await office.points("resident-2") == 0


async def test_lines_of_a_notice_that_is_of_no_list_are_not_found(office: Office) -> None:
    member = await office.here.caller("resident-1")

    answer = await member.get("/v1/notices/17/award-list-rows")

    assert problem_code(answer) == "notice_not_found"


async def test_a_job_that_is_broken_off_goes_on_where_it_was(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "BATCH", 2)
    names = [f"resident-{number}" for number in range(1, 7)]
    award_list_id = await office.propose(*(office.row(name) for name in names[:5]))
    await office.decide(award_list_id)
    settle, calls = queries.settle_rows, []

    async def settle_once(*given: Any) -> None:
        calls.append(given)
        if len(calls) == 2:
            raise ConnectionError
        await settle(*given)

    monkeypatch.setattr(queries, "settle_rows", settle_once)
    with pytest.raises(ConnectionError):
        await office.post()
    broken_off = await office.read(f"{LISTS}/{award_list_id}")
    await office.post()
    await office.post()

    assert (broken_off["state"], broken_off["granted_rows"]) == ("posting", 2)
    assert [await office.points(name) for name in names] == [20] * 5 + [0]
    assert (await office.read(f"{LISTS}/{award_list_id}"))["state"] == "posted"
    await office.audit()


async def test_a_list_costs_as_many_statements_as_it_has_thousands_of_rows(
    office: Office, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "BATCH", 100)
    monkeypatch.setattr(taking, "ROWS_AT_ONCE", 100)
    names = [f"resident-{number}" for number in range(1, 7)]

    async def cost(rows: int, hour: int) -> tuple[int, int]:
        content = office.file(
            *(
                office.row(names[number % 6], day=f"2026-11-1{hour} {number // 60 % 24:02}:"
                    f"{number % 60:02}")
                for number in range(rows)
            )
        )  # fmt: skip
        with counted(engine) as taking:
            award_list_id = (await office.send(content)).json()["award_list_id"]
        await office.decide(award_list_id)
        with counted(engine) as posting:
            await office.post()
        return len(taking), len(posting)

    few, many = await cost(100, 6), await cost(500, 7)

    assert few[0] <= 14
    assert many[0] - few[0] == 4 * 6
    assert many[1] - few[1] <= 4 * 12


def counted(engine: AsyncEngine) -> Any:
    return Counting(engine)


class Counting:
    """Gathers the statements that are sent while a block runs."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.sync_engine
        self.sent: list[str] = []

    def __enter__(self) -> list[str]:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self.sent

    def __exit__(self, *_error: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            self.sent.append(statement)
