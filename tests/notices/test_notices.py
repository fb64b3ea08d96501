"""The notice board, and what a notice has come to."""

from app.notices.service import NoticeOutcome
from tests.notices.noticing import Board
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood


async def test_open_notices_come_first_and_pages_follow_on_each_other(board: Board) -> None:
    short, long, withdrawn = [
        await board.publish(title, days=days)
        for title, days in (("短公示", 1), ("长公示", 9), ("撤回的", 9))
    ]
    await board.withdraw(withdrawn)
    board.let_pass(days=2)
    newest = await board.publish("新公示")

    shown, cursor = [], None
    while True:
        page = await board.read(
            "/v1/notices", size=1, **({} if cursor is None else {"cursor": cursor})
        )
        shown += [(notice["notice_id"], notice["state"]) for notice in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert shown == [
        (newest, "open"), (long, "open"), (withdrawn, "withdrawn"), (short, "closed")
    ]  # fmt: skip


async def test_a_notice_counts_what_was_said_and_anybody_may_read_it(
    board: Board, elsewhere: Neighbourhood
) -> None:
    notice_id = await board.publish()
    await board.remark(notice_id, "comment")
    upheld, _ = await board.remark(notice_id), await board.remark(notice_id)
    assert (await board.answer(upheld, is_upheld=True)).status_code == 200

    shown = await board.read(f"/v1/notices/{notice_id}")
    counted = {
        "comments": 1, "objections": 2, "unanswered_objections": 1, "upheld_objections": 1,
    }  # fmt: skip
    assert shown.items() >= counted.items()
    http = board.here.http
    public = f"/v1/public/communities/{board.here.community_id}/notices"
    assert (await http.get(f"{public}/{notice_id}")).json() == shown
    assert (await http.get(public)).json()["items"] == [shown]
    foreign = f"/v1/public/communities/{elsewhere.community_id}/notices/{notice_id}"
    assert problem_code(await http.get(foreign)) == "notice_not_found"


async def test_the_outcome_names_the_lines_that_objections_are_about(board: Board) -> None:
    notice_id = await board.publish(days=1)
    whole = await board.remark(notice_id)
    line, _ = [await board.remark(notice_id, about_id="7") for _ in range(2)]
    await board.remark(notice_id, "comment", about_id="9")
    assert await board.outcome(notice_id) == NoticeOutcome(
        is_over=False, is_withdrawn=False, unanswered=frozenset({None, 7}), upheld=frozenset(),
        unanswered_count=3,
    )  # fmt: skip
    await board.answer(whole, is_upheld=False)
    await board.answer(line, is_upheld=True)
    board.let_pass(days=1)
    await board.withdraw(notice_id)
    assert await board.outcome(notice_id) == NoticeOutcome(
        is_over=True, is_withdrawn=True, unanswered=frozenset({7}), upheld=frozenset({7}),
        unanswered_count=1,
    )  # fmt: skip


async def test_notices_of_another_community_are_not_there(
    board: Board, elsewhere: Neighbourhood
) -> None:
    notice_id = await board.publish()
    remark = await board.remark(notice_id)
    neighbour = await elsewhere.caller("resident-1")
    body = {"kind": "comment", "text": "路过看看"}
    for answer in (
        await neighbour.get(f"/v1/notices/{notice_id}"),
        await neighbour.get(f"/v1/notices/{notice_id}/remarks"),
        await neighbour.post_once(f"/v1/notices/{notice_id}/remarks", body),
    ):
        assert problem_code(answer) == "notice_not_found"
    committee = await elsewhere.caller("committee-1")
    path = f"/v1/staff/notices/{notice_id}/remarks/{remark['remark_id']}/answer"
    refused = await committee.post(path, {"answer": "不属实", "is_upheld": False})
    assert problem_code(refused) == "remark_not_found"
    assert (await committee.get("/v1/staff/notices/remarks")).json()["items"] == []
