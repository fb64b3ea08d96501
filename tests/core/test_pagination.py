"""Lists in pages: a cursor leads on exactly, and a made-up one is refused on every list."""

import base64
import json
import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions.claims.models import Claim
from app.contributions.lists.models import AwardList
from app.core.pagination import (
    DEFAULT_SIZE,
    MAX_SIZE,
    CursorUnreadable,
    cut_page,
    read_cursor,
    write_cursor,
)
from app.notices.models import NoticeKind
from app.notices.service import publish
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

WHO_LISTS = {
    "/v1/activities": "resident-1",
    "/v1/cases": "resident-1",
    "/v1/boards/residents": "resident-1",
    "/v1/funds": "resident-1",
    "/v1/join-requests": "resident-1",
    "/v1/me/appeals": "resident-1",
    "/v1/me/cases": "resident-1",
    "/v1/me/claims": "resident-1",
    "/v1/me/contributions": "resident-1",
    "/v1/me/data-exports": "resident-1",
    "/v1/me/deductions": "resident-1",
    "/v1/me/messages": "resident-1",
    "/v1/me/personal-data-reads": "resident-1",
    "/v1/me/repairs": "resident-1",
    "/v1/me/statement": "resident-1",
    "/v1/me/vouchers": "resident-1",
    "/v1/merchant/verifications": "clerk-1",
    "/v1/notices": "resident-1",
    "/v1/notices/{list_notice_id}/award-list-rows": "resident-1",
    "/v1/notices/{claims_notice_id}/awards": "resident-1",
    "/v1/notices/{claims_notice_id}/remarks": "resident-1",
    "/v1/public/communities/{community_id}/cases": "resident-1",
    "/v1/public/communities/{community_id}/checkpoints": "resident-1",
    "/v1/public/communities/{community_id}/notices": "resident-1",
    "/v1/public/communities/{community_id}/notices/{list_notice_id}/award-list-rows": "resident-1",
    "/v1/public/communities/{community_id}/notices/{claims_notice_id}/awards": "resident-1",
    "/v1/public/communities/{community_id}/rule-changes": "resident-1",
    "/v1/rewards": "resident-1",
    "/v1/rule-changes": "resident-1",
    "/v1/staff/appeals": "auditor-1",
    "/v1/staff/award-lists": "committee-1",
    "/v1/staff/award-lists/{award_list_id}/rows": "committee-1",
    "/v1/staff/audits": "committee-1",
    "/v1/staff/cases": "committee-1",
    "/v1/staff/claims": "reviewer-1",
    "/v1/staff/content-checks": "committee-1",
    "/v1/staff/duties": "committee-1",
    "/v1/staff/join-requests": "committee-1",
    "/v1/staff/notices/remarks": "committee-1",
    "/v1/staff/postings": "committee-1",
    "/v1/staff/repairs": "committee-1",
    "/v1/staff/residents": "committee-1",
}
BIGINT = 2**63
GARBAGE = {
    "empty": "",
    "no base64": "!!!",
    "a base64 that is cut": "WzFd"[:-1],
    "no JSON": base64.urlsafe_b64encode(b"garbage").decode(),
    "no UTF-8": base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode(),
    "not even ASCII": "页",
    "a null character": "WzFd\u0000",
    "long": "W" * 201,
    "no list": write_cursor(1)[:-2],
    "an object": base64.urlsafe_b64encode(b'{"0": 1}').decode(),
    "nested": base64.urlsafe_b64encode(b"[" * 140).decode(),
    "nothing in it": write_cursor(),
    "too much in it": write_cursor(1, 2, 3, 4),
    "a text": base64.urlsafe_b64encode(b'["1"]').decode(),
    "two texts": base64.urlsafe_b64encode(b'["1", "2"]').decode(),
    "a truth": base64.urlsafe_b64encode(b"[true, true]").decode(),
    "a fraction": base64.urlsafe_b64encode(b"[1.5, 1]").decode(),
    "infinite": base64.urlsafe_b64encode(b"[Infinity, 1]").decode(),
    "beyond bigint": write_cursor(BIGINT, BIGINT),
    "one beyond bigint": write_cursor(BIGINT),
    "a number of 140 digits": base64.urlsafe_b64encode(b"[" + b"9" * 140 + b"]").decode(),
    "SQL": base64.urlsafe_b64encode(b'["1; DROP TABLE persons"]').decode(),
}
# Well-formed, and perhaps far beyond what is there.
EXTREMES = [-BIGINT + 1, -1, 0, 1, BIGINT - 1]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a list that is ordered by place and number."""

    place: int
    number: int


def lists(app: FastAPI) -> set[str]:
    """Return every list that goes on from a cursor."""
    return {
        path
        for path, item in app.openapi()["paths"].items()
        for operation in item.values()
        if any(parameter["name"] == "cursor" for parameter in operation.get("parameters", []))
    }


def parameters(here: Neighbourhood, path: str) -> dict[str, str]:
    needed = {
        "/v1/merchant/verifications": {"shop_id": here.shop_id("corner_shop")},
        "/v1/staff/residents": {"name": "李"},
    }
    return needed.get(path, {})


def test_every_list_is_tried_here(app: FastAPI) -> None:
    named = re.compile(r"\{(list|claims)_notice_id\}")
    assert lists(app) == {named.sub("{notice_id}", path) for path in WHO_LISTS}


@pytest.fixture
async def numbers(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> dict[str, int]:
    """What paths name: the community, a list of awards and one of claims, both on notice."""
    later = clock.now + timedelta(days=3)
    async with sessionmaker.begin() as session:
        notices = [
            await publish(
                session, here.community_id, kind=NoticeKind.AWARD_LIST, title="积分公示",
                closes_at=later, published_by=1, now=clock.now,
            )
            for _ in range(2)
        ]  # fmt: skip
        session.add(
            AwardList(
                community_id=here.community_id, award_list_id=77, title="志愿服务",
                file_hash=b"x" * 32, row_count=1, asked_points=1, state="in_notice",
                proposed_by=1, proposed_at=clock.now, decided_by=2, decided_at=clock.now,
                public_notice_id=notices[0],
            )
        )  # fmt: skip
        session.add(
            Claim(
                community_id=here.community_id, claim_id=78,
                resident_id=int(here.resident_id("resident-1")), rule_id=1, rule_version_id=1,
                units=1, mode="any", acted_at=clock.now, note="", shows_deed=False,
                state="in_notice", review_level=0, claimed_by=1, claimed_at=clock.now,
                public_notice_id=notices[1],
            )
        )  # fmt: skip
    return {
        "community_id": here.community_id,
        "award_list_id": 77,
        "list_notice_id": notices[0],
        "claims_notice_id": notices[1],
    }


@pytest.mark.parametrize("path", WHO_LISTS)
async def test_a_made_up_cursor_is_refused(
    here: Neighbourhood, numbers: dict[str, int], path: str
) -> None:
    caller = await here.caller(WHO_LISTS[path])
    for name, cursor in GARBAGE.items():
        answer = await caller.get(path.format(**numbers), cursor=cursor, **parameters(here, path))
        assert answer.status_code == 422, f"{name}: {answer.text}"
        assert problem_code(answer) in {"cursor_unreadable", "request_invalid"}, name


@pytest.mark.parametrize("path", WHO_LISTS)
async def test_a_cursor_from_far_away_is_no_fault(
    here: Neighbourhood, numbers: dict[str, int], path: str
) -> None:
    caller = await here.caller(WHO_LISTS[path])
    for length in (1, 2, 3):
        for extreme in EXTREMES:
            cursor = write_cursor(*[extreme] * length)
            answer = await caller.get(
                path.format(**numbers), cursor=cursor, **parameters(here, path)
            )
            assert answer.status_code in {200, 422}, f"{length} x {extreme}: {answer.text}"


@pytest.mark.parametrize("path", WHO_LISTS)
async def test_a_page_has_1_to_100_items(
    here: Neighbourhood, numbers: dict[str, int], path: str
) -> None:
    caller = await here.caller(WHO_LISTS[path])
    needed = parameters(here, path)
    for size in ("1", str(MAX_SIZE)):
        answer = await caller.get(path.format(**numbers), size=size, **needed)
        assert answer.status_code == 200
        assert set(answer.json()) >= {"items", "next_cursor"}
    for size in ("0", "-1", "101", "x", "1.5", str(10**30)):
        assert (await caller.get(path.format(**numbers), size=size, **needed)).status_code == 422


async def test_a_list_is_read_to_its_end_without_gap_or_repeat(here: Neighbourhood) -> None:
    for number in range(1, 7):
        await here.give(f"resident-{number}", "survey")
    resident = await here.caller("resident-1")
    whole = (await resident.get("/v1/boards/residents", size=MAX_SIZE)).json()
    assert whole["next_cursor"] is None
    read = []
    cursor: dict[str, str] = {}
    while True:
        page = (await resident.get("/v1/boards/residents", size=4, **cursor)).json()
        read += page["items"]
        if page["next_cursor"] is None:
            break
        assert len(page["items"]) == 4
        cursor = {"cursor": page["next_cursor"]}
    assert read == whole["items"]
    assert len(read) == 6


async def test_a_page_that_ends_with_the_list_is_the_last(here: Neighbourhood) -> None:
    for number in range(1, 5):
        await here.give(f"resident-{number}", "survey")
    resident = await here.caller("resident-1")
    page = (await resident.get("/v1/boards/residents", size=4)).json()
    assert len(page["items"]) == 4
    assert page["next_cursor"] is None


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-BIGINT + 1, BIGINT - 1), min_size=1, max_size=3))
def test_a_cursor_reads_back_as_written(key: list[int]) -> None:
    cursor = write_cursor(*key)
    assert read_cursor(cursor, len(key)) == tuple(key)
    assert len(cursor) <= 200
    assert "=" not in cursor


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=50), st.integers(1, 3))
def test_any_text_is_a_cursor_or_refused(text: str, length: int) -> None:
    try:
        key = read_cursor(text, length)
    except CursorUnreadable:
        return
    assert key is not None
    assert len(key) == length
    assert all(abs(part) < BIGINT for part in key)


@settings(deadline=None, max_examples=50)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_any_json_is_a_cursor_or_refused(value: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    parts = value if isinstance(value, list) else []
    is_key = len(parts) == 2 and all(type(part) is int and abs(part) < BIGINT for part in parts)
    try:
        key = read_cursor(cursor, 2)
    except CursorUnreadable:
        assert not is_key
    else:
        assert is_key
        assert list(key or ()) == parts


def test_without_a_cursor_one_begins_at_the_beginning() -> None:
    assert read_cursor(None, 2) is None


def test_a_query_for_one_more_tells_whether_there_is_more() -> None:
    rows = [Row(place, place * 10) for place in range(DEFAULT_SIZE + 1)]
    items, cursor = cut_page(rows, DEFAULT_SIZE, lambda row: (row.place, row.number))
    assert items == rows[:-1]
    assert read_cursor(cursor, 2) == (19, 190)
    assert cut_page(rows[:-1], DEFAULT_SIZE, lambda row: (row.place,)) == (rows[:-1], None)
    assert cut_page([], DEFAULT_SIZE, lambda row: (row.place,)) == ([], None)
