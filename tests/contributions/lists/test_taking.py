"""Lists as the committee writes them: understood whichever way, taken whole, or not at all."""

import tracemalloc
from datetime import date, datetime

import pytest

from app.community import personal
from app.contributions.lists import taking
from app.core.access import Actor
from app.core.personal import Vault
from tests.contributions.lists.office import DAY, HEADINGS, LISTS, Office, csv_of, xlsx_of
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood

# As a spreadsheet keeps it: without any time zone.
MORNING = datetime(2026, 11, 16, 9, 30)  # noqa: DTZ001


async def test_a_list_is_proposed_approved_and_posted_as_two_people_say(office: Office) -> None:
    award_list_id = await office.propose(
        office.row("resident-1"),
        office.row("resident-2", "邻里调解"),
        [],
        office.row("resident-1", "capped_help"),
        office.row("resident-1", "capped_help", day=f"{DAY} 18:00"),
    )
    assert await office.points("resident-1") == 0

    approved = await office.decide(award_list_id)

    assert approved.json()["state"] == "posting"
    await office.post()
    told = await office.read(f"{LISTS}/{award_list_id}")
    assert (told["state"], told["row_count"]) == ("posted", 4)
    assert (told["asked_points"], told["granted_points"]) == (60, 55)
    assert await office.points("resident-1") == 35
    assert await office.points("resident-2") == 20
    rows = await office.rows(award_list_id)
    assert [row["row_number"] for row in rows] == [2, 3, 5, 6]
    assert [row["granted_points"] for row in rows] == [20, 20, 10, 5]
    assert rows[0]["masked_name"] == "王*四"
    assert rows[0]["refusal"] is None
    await office.audit()


async def test_a_dry_run_tells_what_would_be_given_and_stores_nothing(office: Office) -> None:
    rows = [office.row("resident-1"), office.row("resident-2", "planted")]
    content = csv_of([(*HEADINGS, "强度", "数量"), [*rows[0], "", ""], [*rows[1], "高", "1"]])

    report = await office.check(content)

    assert report["row_count"] == 2
    assert report["asked_points"] == 29
    assert report["error_count"] == 0
    assert [(share["rule_code"], share["rows"], share["points"]) for share in report["rules"]] == [
        ("mediation", 1, 20), ("planted", 1, 9)
    ]  # fmt: skip
    assert report["rows"][1] == {
        "row": 3, "resident_id": office.here.resident_id("resident-2"), "masked_name": "李*",
        "building_name": "2 号楼", "room": "2-101", "rule_code": "planted", "rule_name": "绿化",
        "units": 1, "effort": "high", "acted_at": "2026-11-17T04:00:00Z",
        "note": "调解 3 号楼漏水纠纷", "points": 9,
    }  # fmt: skip
    assert (await office.read(LISTS))["items"] == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
async def test_a_csv_of_any_program_is_understood(
    encoding: str, separator: str, office: Office
) -> None:
    rows = [HEADINGS, office.row("resident-1", note="帮助龑女士, 很好; 真的")]

    report = await office.check(csv_of(rows, encoding=encoding, separator=separator))

    assert report["errors"] == []
    assert report["rows"][0]["note"] == "帮助龑女士, 很好; 真的"


async def test_a_workbook_gives_dates_and_numbers_as_a_spreadsheet_keeps_them(
    office: Office,
) -> None:
    headings = ("楼栋", "房号", "姓名", "规则", "数量", "日期", "事由")
    content = xlsx_of(
        [
            headings,
            ("1号楼", "1-101", "王小四", "volunteer_hour", 3, date(2026, 11, 17), "值守"),
            (None,) * 7,
            ("2 号楼", "2-101", "李雷", "志愿服务", 2.0, MORNING, "值守"),
        ]
    )

    report = await office.check(content)

    assert report["errors"] == []
    assert [(row["row"], row["units"], row["acted_at"]) for row in report["rows"]] == [
        (2, 3, "2026-11-17T04:00:00Z"), (4, 2, "2026-11-16T01:30:00Z")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("2026-11-17", "2026-11-17T04:00:00Z"),
        ("2026/11/7", "2026-11-07T04:00:00Z"),
        ("2026年11月17日", "2026-11-17T04:00:00Z"),
        ("2026.11.17 09:05", "2026-11-17T01:05:00Z"),
        ("2026-11-17T21:30:15", "2026-11-17T13:30:15Z"),
        ("2026-11-18", "2026-11-18T04:00:00Z"),
        ("2026-11-18 15:00", "2026-11-18T07:00:00Z"),
    ],
)
async def test_a_date_is_read_as_people_write_it(
    written: str, understood: str, office: Office
) -> None:
    report = await office.check(office.file(office.row("resident-1", day=written)))

    assert report["errors"] == []
    assert report["rows"][0]["acted_at"] == understood


@pytest.mark.parametrize(
    ("headings", "cells"),
    [
        (("手机号",), ("138 0000-0001",)),
        (("手机号", "姓名"), ("+8613800000001", "王小四")),
        (("卡号",), ("a3f7-2k9q",)),
        (("card serial", "Name"), ("A3F72K9Q", "王 小四")),
        (("楼栋", "房号", "姓名"), ("1号楼", "1-101", "王小四")),
        (("building", "room", "name", "phone"), ("1 号楼", "1-101", "王小四", "13800000001")),
    ],
)
async def test_a_resident_is_found_by_what_people_know_of_them(
    headings: tuple[str, ...], cells: tuple[str, ...], office: Office, vault: Vault
) -> None:
    await give_phone(office, vault, "resident-1", "+8613800000001")
    await give_card(office, "resident-1", "A3F72K9Q")
    file = office.file((*cells, "mediation", DAY, "调解"), headings=(*headings, *HEADINGS[1:]))

    report = await office.check(file)

    assert report["errors"] == []
    assert report["rows"][0]["resident_id"] == office.here.resident_id("resident-1")


async def test_columns_that_contradict_each_other_name_nobody(office: Office, vault: Vault) -> None:
    for name in ("resident-1", "resident-4"):
        await give_phone(office, vault, name, "+8613800000001")
    await give_card(office, "resident-2", "A3F72K9Q")
    await office.do(
        "UPDATE paper_cards SET revoked_at = issued_at, revoked_by = 1"
        " WHERE community_id = :community_id"
    )
    one = office.here.resident_id("resident-1")
    rows = [
        ("13800000001", "", "", ""),
        ("13800000001", "", "", "刘德明"),
        ("13800000001", "", "", "李雷"),
        ("", "A3F7-2K9Q", "", ""),
        ("", "", one, "李雷"),
        ("13800000001", "", office.here.resident_id("resident-2"), ""),
        ("", "", "", "王小四"),
        ("", "", "7", ""),
        ("138", "", "", ""),
    ]

    found = await office.faults(
        *((*row, "mediation", DAY, "调解") for row in rows),
        headings=("手机号", "卡号", "居民编号", "姓名", *HEADINGS[1:]),
    )

    assert found == [
        (2, "手机号", "several_residents"),
        (4, "姓名", "name_differs"),
        (5, "卡号", "resident_unknown"),
        (6, "姓名", "name_differs"),
        (7, "手机号", "who_contradicts"),
        (8, "姓名", "who_missing"),
        (9, "居民编号", "resident_unknown"),
        (10, "手机号", "resident_unknown"),
    ]


async def test_nobody_of_another_community_is_found(
    office: Office, elsewhere: Neighbourhood
) -> None:
    theirs = [elsewhere.residents["other-resident-1"], "mediation", DAY, "调解"]
    award_list_id = await office.propose(office.row("resident-1"))

    assert await office.faults(theirs) == [(2, "居民编号", "resident_unknown")]
    stranger = await elsewhere.caller("committee-2")
    for answer in (
        await stranger.get(f"{LISTS}/{award_list_id}"),
        await stranger.get(f"{LISTS}/{award_list_id}/rows"),
        await stranger.post(f"{LISTS}/{award_list_id}/approval"),
        await stranger.post(f"{LISTS}/{award_list_id}/withdrawal"),
    ):
        assert problem_code(answer) == "award_list_not_found"


async def test_the_same_file_is_taken_once_unless_it_was_turned_down(office: Office) -> None:
    content = office.file(office.row("resident-1"))
    first = (await office.send(content)).json()["award_list_id"]

    again = await office.send(content, by="committee-2")

    assert problem_code(again) == "award_list_known"
    assert again.json()["award_list_id"] == first
    assert (await office.decide(first, "refusal")).json()["state"] == "refused"
    assert (await office.send(content)).status_code == 201


async def test_a_long_file_takes_no_more_memory_than_a_short_one(
    office: Office, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "ROWS_AT_ONCE", 50)

    async def peak(rows: int) -> int:
        content = office.file(
            *(
                office.row("resident-1", day=f"2026-11-17 {number // 60:02}:{number % 60:02}")
                for number in range(1, rows + 1)
            )
        )
        tracemalloc.start()
        try:
            checked = await taking.check_list(
                Actor(1, 1, int(office.here.community_id), None, ()), content,
                aside=office.sessions, vault=vault, now=office.clock.now,
            )  # fmt: skip
            assert (checked.row_count, checked.faults.count) == (rows, 0)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    await peak(60)  # what is kept for good from the first time on
    assert await peak(900) < 1.3 * await peak(100)


async def test_a_fault_below_a_thousand_good_rows_undoes_them(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "ROWS_AT_ONCE", 2)
    names = [f"resident-{number}" for number in range(1, 7)]
    good = [office.row(name) for name in names]

    answer = await office.send(office.file(*good, office.row("resident-1"), ["17", "", "", ""]))
    stored = (await office.send(office.file(*good))).json()

    assert problem_code(answer) == "list_has_errors"
    report = answer.json()["report"]
    assert (report["row_count"], report["asked_points"], report["error_count"]) == (8, 120, 5)
    assert report["errors"][0]["message"].startswith("The same resident, rule and time as in row 2")
    assert await office.do("SELECT count(*) FROM award_lists") == 1
    assert await office.do("SELECT count(*) FROM award_list_rows") == 6
    assert (stored["row_count"], stored["asked_points"]) == (6, 120)


async def test_what_is_on_another_list_is_not_taken_again(office: Office) -> None:
    rows = [office.row("resident-1"), office.row("resident-2")]
    first = await office.propose(*rows)

    saved_anew = [*rows, office.row("resident-3")]
    on_its_way = await office.faults(*saved_anew)
    answer = await office.send(office.file(*saved_anew))
    await office.decide(first)
    await office.post()
    given = await office.faults(*saved_anew)
    at_another_time = await office.faults(office.row("resident-1", day=f"{DAY} 09:00"))
    await office.do(
        "INSERT INTO contribution_reversals (community_id, reversal_id, contribution_id,"
        " asked_points, taken_points, reason, reversed_by, created_at)"
        " SELECT community_id, 1, contribution_id, 20, 20, '', 1, now() FROM award_list_rows"
        " WHERE community_id = :community_id AND row_number = 2"
    )
    taken_back = await office.faults(*rows)

    assert on_its_way == given == [
        (2, "日期", "on_another_list"), (3, "日期", "on_another_list")
    ]  # fmt: skip
    assert problem_code(answer) == "list_has_errors"
    assert at_another_time == []
    assert taken_back == [(3, "日期", "on_another_list")]


async def test_what_was_on_a_refused_list_is_taken_again(office: Office) -> None:
    refused = await office.propose(office.row("resident-1"))
    await office.decide(refused, "refusal")

    assert await office.faults(office.row("resident-1", note="事由写清楚了")) == []


async def test_numbers_that_a_spreadsheet_rounded_are_told_as_such(office: Office) -> None:
    found = await office.faults(
        ("1.38E+10", "", "mediation", DAY, "调解"),
        ("", "2.2E+46", "mediation", DAY, "调解"),
        headings=("手机号", "卡号", *HEADINGS[1:]),
    )

    assert found == [(2, "手机号", "number_rounded"), (3, "卡号", "number_rounded")]


async def test_a_phone_that_a_workbook_keeps_as_a_number_is_understood(
    office: Office, vault: Vault
) -> None:
    await give_phone(office, vault, "resident-1", "+8613800000001")

    report = await office.check(
        xlsx_of(
            [("手机号", *HEADINGS[1:]), (13800000001.0, "mediation", date(2026, 11, 17), "调解")]
        )
    )

    assert report["errors"] == []


async def give_phone(office: Office, vault: Vault, name: str, phone: str) -> None:
    community_id, resident_id = office.here.community_id, office.here.resident_id(name)
    await office.do(
        "INSERT INTO resident_tokens (community_id, token, resident_id)"
        " VALUES (:community_id, :token, :resident_id)",
        token=personal.phone_token(vault, community_id, phone), resident_id=int(resident_id),
    )  # fmt: skip


async def give_card(office: Office, name: str, serial: str) -> None:
    await office.do(
        "INSERT INTO paper_cards (community_id, card_id, resident_id, serial, issued_by,"
        " issued_at, expires_at) VALUES (:community_id, 1, :resident_id, :serial, 1,"
        " CAST(:now AS timestamptz), CAST(:now AS timestamptz) + interval '5 years')",
        resident_id=int(office.here.resident_id(name)), serial=serial, now=office.clock.now,
    )  # fmt: skip
