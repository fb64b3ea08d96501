"""Comments and objections: who may say and read what, and how they are answered."""

import asyncio

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.notices.models import NoticeKind
from tests.conftest import MakeRace
from tests.notices.noticing import Board, Sessions
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.working import work_off


async def test_others_read_a_remark_once_its_text_has_passed_the_check(
    board: Board, app: FastAPI
) -> None:
    notice_id = await board.publish()
    said = await board.remark(notice_id)
    assert (said["is_own"], said["is_shown"], said["text"]) == (True, False, "名单里没有这个人")
    (hidden,) = await board.remarks(notice_id)
    assert (hidden["is_own"], hidden["text"], hidden["masked_name"]) == (False, None, "王*四")
    assert (await board.remarks(notice_id, "resident-1"))[0]["text"] == said["text"]
    assert (await board.remarks(notice_id, "committee-1"))[0]["text"] == said["text"]

    # Nobody is configured to look at texts here, so a person does.
    await work_off(app)
    committee = await board.here.caller("committee-2")
    path = f"/v1/staff/content-checks/{said['remark_id']}"
    (waiting,) = (await committee.get("/v1/staff/content-checks")).json()["items"]
    assert waiting["content_check_id"] == said["remark_id"]
    assert (await committee.post(f"{path}/pass")).status_code == 200
    (shown,) = await board.remarks(notice_id)
    assert (shown["is_shown"], shown["text"]) == (True, said["text"])


async def test_an_objection_is_answered_once_and_its_author_is_told(board: Board) -> None:
    notice_id = await board.publish()
    objection = await board.remark(notice_id)
    assert problem_code(await board.answer(objection)) == "judgement_missing"
    queue = await board.read("/v1/staff/notices/remarks", "committee-1", state="unanswered")
    assert [waiting["remark_id"] for waiting in queue["items"]] == [objection["remark_id"]]
    assert queue["items"][0]["notice_title"] == "志愿服务名单"

    # Also after the notice is over.
    board.let_pass(days=4)
    first, again = [await board.answer(objection, is_upheld=True) for _ in range(2)]
    assert first.json() == again.json()
    assert first.json()["answer"] == "已核实"
    for other in ({"by": "committee-2"}, {"is_upheld": False}, {"answer": "另一个答复"}):
        answer = await board.answer(objection, **({"is_upheld": True} | other))
        assert problem_code(answer) == "remark_answered"
    (told,) = (await board.read("/v1/me/messages"))["items"]
    assert told["title"] == "您的异议成立"
    assert told["body"] == "您对公示“志愿服务名单”提出的异议成立：已核实"
    queues = [
        (await board.read("/v1/staff/notices/remarks", "committee-1", state=state))["items"]
        for state in ("unanswered", "answered")
    ]
    assert [len(queue) for queue in queues] == [0, 1]


async def test_a_comment_may_be_answered_but_is_not_judged(board: Board) -> None:
    comment = await board.remark(await board.publish(), "comment")
    assert problem_code(await board.answer(comment, is_upheld=True)) == "comment_not_judged"
    assert (await board.answer(comment)).json()["is_upheld"] is None
    assert (await board.remarks(comment["notice_id"]))[0]["answer"] == "已核实"


async def test_nobody_answers_their_own_objection(board: Board, sessionmaker: Sessions) -> None:
    objection = await board.remark(await board.publish())
    # Somebody of the committee lives here, too.
    async with sessionmaker.begin() as session:
        await session.execute(
            text(
                "UPDATE notice_remarks SET person_id = (SELECT person_id FROM identities"
                " WHERE subject = 'committee-1')"
            )
        )
    answer = await board.answer(objection, is_upheld=False)
    assert problem_code(answer) == "own_remark"
    with pytest.raises(IntegrityError, match="ck_notice_remarks_answered_by_another"):
        async with sessionmaker.begin() as session:
            await session.execute(
                text(
                    "UPDATE notice_remarks SET answer = '不', answered_by = person_id,"
                    " answered_at = written_at, is_upheld = false"
                )
            )


@pytest.mark.parametrize("awarded", ["resident-2", "resident-3"])
async def test_nobody_answers_an_objection_to_an_award_of_their_household(
    board: Board, sessionmaker: Sessions, awarded: str
) -> None:
    notice_id = await board.publish()
    objection = await board.remark(notice_id, about_id="7")
    # resident-2 sits on the committee, and lives with resident-3.
    of = {
        "community": board.here.community_id, "notice": int(notice_id), "now": board.clock.now,
        "member": int(board.here.resident_id("resident-2")),
        "flatmate": int(board.here.resident_id("resident-3")),
        "awarded": int(board.here.resident_id(awarded)),
    }  # fmt: skip
    async with sessionmaker.begin() as session:
        for statement in OWN_AWARD:
            await session.execute(text(statement), of)
    board.here.callers.clear()

    answer = await board.answer(objection, by="resident-2", is_upheld=False)

    assert (answer.status_code, problem_code(answer)) == (403, "own_award")
    assert (await board.answer(objection, is_upheld=False)).status_code == 200


OWN_AWARD = (
    (
        "INSERT INTO role_grants (community_id, role_grant_id, person_id, role, granted_at)"
        " SELECT community_id, 4711, person_id, 'committee', :now FROM residents"
        " WHERE community_id = :community AND resident_id = :member"
    ),
    (
        "UPDATE residents SET household_id = (SELECT household_id FROM residents"
        " WHERE community_id = :community AND resident_id = :flatmate)"
        " WHERE community_id = :community AND resident_id = :member"
    ),
    (
        "INSERT INTO award_lists (community_id, award_list_id, title, file_hash, row_count,"
        " asked_points, state, proposed_by, proposed_at, decided_by, decided_at,"
        " public_notice_id)"
        " VALUES (:community, 4711, '名单', '', 1, 5, 'in_notice', 31, :now, 32, :now, :notice)"
    ),
    (
        "INSERT INTO award_list_rows (community_id, award_list_id, row_number, resident_id,"
        " rule_id, rule_version_id, units, acted_at, note)"
        " VALUES (:community, 4711, 7, :awarded, 1, 1, 1, :now, '')"
    ),
)


async def test_a_notice_takes_remarks_only_while_it_is_open(board: Board) -> None:
    notice_id, withdrawn = await board.publish(days=1), await board.publish()
    await board.withdraw(withdrawn)
    assert problem_code(await board.try_remark(withdrawn)) == "notice_withdrawn"
    change = await board.publish("规则变更", kind=NoticeKind.RULE_CHANGE)
    answer = await board.try_remark(change, about_id="1")
    assert problem_code(answer) == "notice_has_no_lines"
    for wrong in ("短", "长" * 501):
        assert problem_code(await board.try_remark(notice_id, text=wrong)) == "request_invalid"
    board.let_pass(days=1)
    assert problem_code(await board.try_remark(notice_id)) == "notice_closed"


async def test_a_remark_that_is_sent_twice_is_said_once(board: Board) -> None:
    notice_id = await board.publish()
    resident = await board.here.caller("resident-1")
    path, body = f"/v1/notices/{notice_id}/remarks", {"kind": "comment", "text": "支持"}
    first, again = [await resident.post(path, body, key="the-same-key") for _ in range(2)]
    assert first.json() == again.json()
    assert [said["text"] for said in await board.remarks(notice_id, "resident-1")] == ["支持"]
    assert problem_code(await resident.post(path, body)) == "idempotency_key_missing"


async def test_the_last_of_twenty_remarks_is_taken_once_however_many_come_at_once(
    race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    board = Board(await race(2), race_sessionmaker, clock)
    notice_id = await board.publish()
    for _ in range(19):
        await board.remark(notice_id, "comment")
    answers = await asyncio.gather(*(board.try_remark(notice_id, "comment") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    # It is counted by resident and notice.
    await board.remark(notice_id, by="resident-2")
    await board.remark(await board.publish())
