"""Approved claims on a public list: shown, objected to, then awarded or not."""

from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI

from app.contributions.claims import judging
from app.contributions.claims.public_lists import service as public_lists
from app.jobs import JOBS
from app.notices import service as notices
from tests.community.cards.holders import register
from tests.contributions.claims.desk import CLAIMS, ClaimDesk
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.photos import let_check_pass
from tests.support.policies import SIX_MONTHS, put_policy
from tests.support.working import worker_of

# Published on the morning of the 19th, three whole days: until the night to the 23rd.
UNTIL_MORNING, UNTIL_CLOSED = {"hours": 18}, {"days": 3, "hours": 15}


@dataclass
class Board:
    """The notice board: what jobs put there, and what people say to it."""

    desk: ClaimDesk
    app: FastAPI
    clock: Clock

    async def runs(self, name: str) -> None:
        await JOBS[name](worker_of(self.app), b"")

    async def publish(self) -> str:
        """Let the morning's list be published; return the newest notice."""
        let_pass(self.desk.here, self.clock, **UNTIL_MORNING)
        await self.runs("publish_award_lists")
        return str(await self.desk.ask("SELECT max(public_notice_id) FROM public_notices"))

    async def settle(self) -> None:
        """Let the notice be over and its list settled."""
        let_pass(self.desk.here, self.clock, **UNTIL_CLOSED)
        await self.runs("settle_award_lists")

    async def lines(self, notice_id: str, name: str = "resident-2") -> list[dict[str, Any]]:
        page = await self.desk.read(name, f"/v1/notices/{notice_id}/awards")
        items: list[dict[str, Any]] = page["items"]
        return items

    async def object(self, notice_id: str, about: str | None, name: str = "resident-2") -> str:
        """Let somebody object to a line or, with None, to the whole; return the remark."""
        body = {"kind": "objection", "text": "当天我也在场，并没有这回事"}
        if about is not None:
            body["about_id"] = about
        neighbour = await self.desk.resident(name)
        answer = await neighbour.post_once(f"/v1/notices/{notice_id}/remarks", body)
        assert answer.status_code == 201, answer.text
        remark_id: str = answer.json()["remark_id"]
        return remark_id

    async def answer(self, notice_id: str, remark_id: str, *, upholds: bool) -> None:
        committee = await self.desk.here.caller("committee-1")
        answer = await committee.post(
            f"/v1/staff/notices/{notice_id}/remarks/{remark_id}/answer",
            {"answer": "经核实，当天另有其人", "is_upheld": upholds},
        )
        assert answer.status_code == 200, answer.text

    async def state(self, name: str, claim_id: str) -> str:
        state: str = (await self.desk.own(name, claim_id))["state"]
        return state


@pytest.fixture
def board(desk: ClaimDesk, app: FastAPI, clock: Clock) -> Board:
    return Board(desk, app, clock)


async def approved(desk: ClaimDesk, name: str, **fields: Any) -> str:
    """Let somebody claim what goes on a list, and a reviewer approve it."""
    claim_id = await desk.claimed(name, "saved_someone", note="跳进河里救起一名儿童", **fields)
    told = await desk.approve(claim_id, "reviewer-1")
    assert (told["state"], told["contribution_id"]) == ("approved", None)
    return claim_id


async def test_whoever_calls_on_a_resident_without_a_phone_is_told_of_an_objection(
    board: Board,
) -> None:
    desk, resident_id = board.desk, await register(board.desk.here)
    entered = await desk.enter("worker-1", "saved_someone", resident_id=resident_id)
    claim_id = entered.json()["claim_id"]
    await desk.approve(claim_id, "reviewer-1")
    notice_id = await board.publish()
    remark_id = await board.object(notice_id, claim_id)
    await board.answer(notice_id, remark_id, upholds=True)

    await board.settle()

    (told,) = await desk.told("worker-1")
    assert told.startswith("请转告没有手机的居民")
    assert "经核实，当天另有其人" in told


async def test_what_nobody_objects_to_is_awarded_when_the_notice_is_over(board: Board) -> None:
    desk = board.desk
    first = await approved(desk, "resident-1")
    small = await desk.claim("resident-3", "small_favour")
    assert (small["state"], small["granted_points"]) == ("approved", None)

    notice_id = await board.publish()
    await board.runs("publish_award_lists")
    shown = await board.lines(notice_id)
    notice = await desk.read("resident-2", f"/v1/notices/{notice_id}")
    await board.runs("settle_award_lists")
    points_before = await desk.points("resident-1")
    await board.settle()

    assert await desk.ask("SELECT count(*) FROM public_notices") == 1
    assert (notice["kind"], notice["title"]) == ("award_list", "积分公示名单 2026-11-19")
    assert notice["closes_at"] == "2026-11-22T16:00:00Z"
    assert shown == [
        {"line_id": first, "masked_name": "王*四", "rule_name": "见义勇为", "units": 1,
            "acted_on": "2026-11-18", "asked_points": 50, "deed": None},
        {"line_id": small["claim_id"], "masked_name": "张*英", "rule_name": "举手之劳", "units": 1,
            "acted_on": "2026-11-18", "asked_points": 2, "deed": None},
    ]  # fmt: skip
    assert points_before == 0
    assert [await desk.points(name) for name in ("resident-1", "resident-3")] == [50, 2]
    assert (await desk.own("resident-1", first))["public_notice_id"] == notice_id
    assert await desk.told("resident-1") == ["您申报的“见义勇为”已通过，获得 50 分。"]
    both = "SELECT recorded_by || ' ' || checked_by FROM contributions WHERE asked_points = 50"
    assert await desk.ask(both) == (
        f"{await desk.person('resident-1')} {await desk.person('reviewer-1')}"
    )
    await board.runs("settle_award_lists")
    assert await desk.points("resident-1") == 50
    assert await board.lines(notice_id) == shown
    await desk.audit()


async def test_objections_stop_a_line_or_let_it_wait_or_are_dismissed(board: Board) -> None:
    desk = board.desk
    names = [f"resident-{number}" for number in (1, 3, 4, 5)]
    upheld, waiting, dismissed, untouched = [await approved(desk, name) for name in names]
    notice_id = await board.publish()
    remarks = [await board.object(notice_id, line) for line in (upheld, waiting, dismissed)]
    await board.answer(notice_id, remarks[0], upholds=True)
    await board.answer(notice_id, remarks[2], upholds=False)

    await board.settle()

    lines = (upheld, waiting, dismissed, untouched)
    states = [await board.state(*pair) for pair in zip(names, lines, strict=True)]
    assert states == ["refused", "in_notice", "awarded", "awarded"]
    assert (await desk.own(names[0], upheld))["reason"] == "经核实，当天另有其人"
    (told,) = await desk.told(names[0])
    assert "原因：经核实，当天另有其人。" in told
    assert "提出申诉" in told
    # What was struck out is not shown any more.
    assert [line["line_id"] for line in await board.lines(notice_id)] == [*lines[1:]]

    await board.answer(notice_id, remarks[1], upholds=False)
    await board.runs("settle_award_lists")
    assert await board.state(names[1], waiting) == "awarded"
    assert [await desk.points(name) for name in names] == [0, 50, 50, 50]
    await desk.audit()


@pytest.mark.parametrize(("upholds", "state"), [(True, "refused"), (False, "awarded")])
async def test_an_objection_to_the_whole_list_stops_all_of_it(
    board: Board, *, upholds: bool, state: str
) -> None:
    claims = {name: await approved(board.desk, name) for name in ("resident-1", "resident-3")}
    notice_id = await board.publish()
    remark_id = await board.object(notice_id, None)
    await board.settle()
    assert {await board.state(*claim) for claim in claims.items()} == {"in_notice"}

    await board.answer(notice_id, remark_id, upholds=upholds)
    await board.runs("settle_award_lists")

    assert {await board.state(*claim) for claim in claims.items()} == {state}


async def test_claims_of_a_withdrawn_list_come_on_the_next_one(board: Board, clock: Clock) -> None:
    desk = board.desk
    claim_id = await approved(desk, "resident-1")
    first = await board.publish()
    async with desk.sessions.begin() as session:
        await notices.withdraw(session, desk.community, int(first), now=clock.now)
    reader = await desk.here.caller("resident-2")
    gone = await reader.get(f"/v1/notices/{first}/awards")

    await board.runs("settle_award_lists")
    assert (problem_code(gone), await board.state("resident-1", claim_id)) == (
        "notice_not_found",
        "approved",
    )
    second = await board.publish()
    assert [line["line_id"] for line in await board.lines(second)] == [claim_id]
    # It was published a day later.
    let_pass(desk.here, clock, days=1)
    await board.settle()
    assert await board.state("resident-1", claim_id) == "awarded"


async def test_a_deed_is_shown_with_consent_and_a_passed_check_only(board: Board) -> None:
    desk = board.desk
    shown = await approved(desk, "resident-1", shows_deed=True)
    unchecked = await approved(desk, "resident-3", shows_deed=True)
    kept = await approved(desk, "resident-4")
    committee = await desk.here.caller("committee-1")
    for claim_id in (shown, kept):
        await let_check_pass(committee, claim_id)

    notice_id = await board.publish()
    path = f"/v1/public/communities/{desk.community}/notices/{notice_id}/awards"
    first = (await desk.here.http.get(path, params={"size": 2})).json()
    rest = (await desk.here.http.get(path, params={"cursor": first["next_cursor"]})).json()

    deeds = {line["line_id"]: line["deed"] for line in first["items"] + rest["items"]}
    assert deeds == {shown: "跳进河里救起一名儿童", unchecked: None, kept: None}
    assert (len(first["items"]), rest["next_cursor"]) == (2, None)


async def test_who_takes_a_claim_back_or_leaves_is_on_no_list(board: Board) -> None:
    desk = board.desk
    taken, left, stays = [await approved(desk, f"resident-{number}") for number in (1, 3, 4)]
    notice_id = await board.publish()
    resident = await desk.resident("resident-1")
    answer = await resident.post(f"{CLAIMS}/{taken}/withdrawal")
    assert answer.json()["state"] == "withdrawn"
    await desk.do(
        "UPDATE residents SET state = 'left' WHERE resident_id = :resident",
        resident=int(desk.here.resident_id("resident-3")),
    )
    assert [line["line_id"] for line in await board.lines(notice_id)] == [stays]

    await board.settle()

    assert await desk.ask("SELECT state FROM claims WHERE claim_id = :n", n=int(left)) == (
        "withdrawn"
    )
    assert [await desk.points(name) for name in ("resident-1", "resident-4")] == [0, 50]


async def test_lists_are_cut_and_settled_in_batches_through_a_new_policy(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_lists, "MOST_LINES", 2)
    monkeypatch.setattr(public_lists, "BATCH", 1)
    desk = board.desk
    names = [f"resident-{number}" for number in (1, 3, 4)]
    for name in names:
        await approved(desk, name)
    await board.publish()
    assert await desk.ask("SELECT count(*) FROM public_notices") == 2
    evaluate, published = judging.evaluate_claims, list[Any]()

    async def evaluate_and_publish(*arguments: Any, **named: Any) -> Any:
        items = await evaluate(*arguments, **named)
        if not published:
            published.append(await put_policy(desk.here, expiry=SIX_MONTHS))
        return items

    monkeypatch.setattr(public_lists, "evaluate_claims", evaluate_and_publish)
    await board.settle()

    assert [await desk.points(name) for name in names] == [50, 50, 50]
    assert await desk.ask("SELECT count(*) FROM public_notices WHERE settled_at IS NULL") == 0
    await desk.audit()


async def test_lists_of_another_community_and_other_notices_are_not_there(
    board: Board, elsewhere: Neighbourhood
) -> None:
    await approved(board.desk, "resident-1")
    notice_id = await board.publish()
    stranger = await elsewhere.caller("resident-1")
    public = f"/v1/public/communities/{elsewhere.community_id}/notices/{notice_id}/awards"
    answers = [
        await stranger.get(f"/v1/notices/{notice_id}/awards"),
        await stranger.get(public),
        await (await board.desk.resident("resident-2")).get("/v1/notices/1/awards"),
    ]
    assert {problem_code(answer) for answer in answers} == {"notice_not_found"}
