"""What becomes of claims, appeals, duties and remarks of somebody who closes their account."""

from typing import Any

from app.privacy.closing.service import GONE
from tests.privacy import folders
from tests.privacy.dumping import read_all, spellings
from tests.privacy.folders import MARK, NEIGHBOURS, keep_folder
from tests.privacy.office import Office

# Each with what numbers its rows.
TABLES = {
    "claims": "claim_id", "appeals": "appeal_id", "notice_remarks": "remark_id",
    "manual_postings": "manual_posting_id", "repair_tasks": "repair_task_id", "duties": "duty_id",
}  # fmt: skip


async def folder_of(office: Office) -> dict[int, dict[str, Any]]:
    """Return every row of these tables by its number."""
    return {
        row[number]: row
        for table, number in TABLES.items()
        for row in await office.rows(f"SELECT * FROM {table}")  # noqa: S608 - ours
    }


async def test_no_word_by_or_about_the_leaver_is_left_in_the_database(
    office: Office,
) -> None:
    await office.agree()
    photo_id = await office.send_photo()
    await keep_folder(office, [photo_id])
    before, _ = await read_all(office.sessionmaker)
    assert before.count(MARK) > 15

    await office.close()

    after, filled = await read_all(office.sessionmaker)
    assert [form for form in spellings(MARK) if form in after] == []
    assert GONE in after
    assert NEIGHBOURS in after
    assert filled >= {"claims", "claim_reviews", "appeals", "award_list_rows", "repair_tasks"}
    assert "evidence_photos" not in filled
    assert office.files() == set()
    assert (await office.resident())["audience"] == []
    await office.assert_books_balance()
    assert await office.close_accounts() == 0


async def test_what_was_written_as_the_account_was_closed_goes_an_hour_later(
    office: Office,
) -> None:
    person_id = await office.person_id()
    await office.close()
    await keep_folder(office, [], person_id=person_id)
    assert MARK in (await read_all(office.sessionmaker))[0]
    office.later(hours=1)
    assert await office.close_accounts() == 0
    assert MARK not in (await read_all(office.sessionmaker))[0]
    states = {row["state"] for row in await office.rows("SELECT state FROM appeals")}
    assert states == {"withdrawn", "dismissed"}


async def test_whatever_the_leaver_has_open_ends(office: Office) -> None:
    await keep_folder(office, [])
    await office.close()
    rows = await folder_of(office)
    states = {number: row["state"] for number, row in rows.items() if "state" in row}
    assert states == {
        folders.CLAIM: "withdrawn",
        folders.REFUSED: "refused",
        folders.PHOTO_CLAIM: "in_review",
        folders.APPEAL: "withdrawn",
        folders.DECIDED: "dismissed",
        folders.PROPOSED: "withdrawn",
        folders.DENIED: "refused",
        folders.REPAIR: "lapsed",
    }
    assert str(rows[folders.DUTY]["ends_on"]) == "2026-11-25"
    for number in (folders.OBJECTION, folders.FOREIGN):
        objection = rows[number]
        assert (objection["answer"], objection["answered_by"], objection["is_upheld"]) == (
            GONE, 0, False,
        )  # fmt: skip
    comment = rows[folders.REMARK]
    assert (comment["text"], comment["answer"], comment["is_upheld"]) == (GONE, GONE, None)
    # A remark that was shown is shown without its words; what had not passed never will.
    checks = await office.rows("SELECT content_check_id FROM content_checks")
    assert [row["content_check_id"] for row in checks] == [folders.REMARK]


async def test_no_household_can_be_found_by_what_was_reviewed_and_decided(
    office: Office,
) -> None:
    await keep_folder(office, [])
    await office.close()
    rows = await folder_of(office)
    for number in (folders.CLAIM, folders.REFUSED, folders.APPEAL, folders.DECIDED):
        assert rows[number]["household_id"] is None
    assert rows[folders.PHOTO_CLAIM]["household_id"] == folders.HOUSEHOLD
    review = await office.row("SELECT * FROM claim_reviews")
    assert (review["claimant_household_id"], review["reviewer_household_id"]) == (None, 8)
    assert (review["verdict"], review["reason"]) == ("refuse", GONE)


async def test_a_copy_holds_all_of_it_and_nothing_of_a_neighbours(
    office: Office,
) -> None:
    await office.agree()
    photo_id = await office.send_photo()
    await keep_folder(office, [photo_id])

    copy = await office.copy()

    parts = {
        "claims", "award_list_rows", "duties", "manual_postings", "repair_tasks", "appeals",
        "notice_remarks",
    }  # fmt: skip
    assert {part for part in parts if MARK in str(copy[part])} == parts - {"duties"}
    claim, refused = copy["claims"]
    assert claim["photo_ids"] == [photo_id]
    assert [review["reason"] for review in refused["reviews"]] == [MARK]
    assert [row["remark_id"] for row in copy["notice_remarks"]] == [
        str(folders.REMARK), str(folders.OBJECTION),
    ]  # fmt: skip
    assert copy["me"][0]["audience"] == ["elder"]
    assert NEIGHBOURS not in str(copy)
    # Who of the staff decided stays inside.
    deciders = {"decided_by", "answered_by", "reviewer_id", "proposed_by", "assigned_by"}
    assert [row for part in parts for row in copy[part] if deciders & set(row)] == []
