"""Checkpoints as anybody reads them: signed, consistent with each other, fit for paper."""

import base64
from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import qr
from app.ledger.seals.endpoints import MASK
from app.ledger.seals.merkle import is_consistent
from app.ledger.seals.notes import (
    Checkpoint,
    KeyKind,
    NoteInvalid,
    cosign,
    cosignatures,
    open_checkpoint,
    parse_verifier_key,
    verifier_key,
)
from tests.ledger.seals.checker import Checker
from tests.support.awards import NEVER, give_lots
from tests.support.caller import Caller, problem_code
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.scanner import scan_png, scan_svg
from tests.support.shopping import consume, redeem

SIZES = [1, 3, 4, 9, 17, 18]


@pytest.fixture
async def grown(checker: Checker) -> Checker:
    """A book that was sealed at 1, 3, 4, 9, 17 and 18 lines."""
    wallets = sorted(checker.here.residents.values())
    for before, size in zip([0, *SIZES], SIZES, strict=False):
        lots = [(wallets[number % 6], 5, NEVER) for number in range(before, size)]
        async with checker.app.state.sessionmaker.begin() as session:
            await give_lots(session, checker.here, lots, now=checker.clock.now)
        assert await checker.seal() == size - before
        let_pass(checker.here, checker.clock, seconds=30)
    return checker


async def test_checkpoints_are_listed_newest_first_page_by_page(grown: Checker) -> None:
    sizes: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = await grown.read("/checkpoints", size=4, **cursor)
        sizes += [item["size"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sizes == SIZES[::-1]


async def test_every_checkpoint_says_in_json_what_was_signed(grown: Checker) -> None:
    keys = await grown.keys()
    origin = f"points.example.cn/communities/{grown.here.community_id}"
    for item in (await grown.read("/checkpoints"))["items"]:
        read = await grown.read(f"/checkpoints/{item['size']}")
        checkpoint = Checkpoint(origin, item["size"], base64.b64decode(item["root"]))
        assert open_checkpoint(item["note"], keys) == checkpoint
        assert (read["note"], read["root"], read["witnesses"]) == (item["note"], item["root"], [])
        assert read["origin"] == origin
        assert bytes.fromhex(read["printed_root"]) == checkpoint.root
        assert read["made_at"] == item["made_at"]


async def test_the_newest_checkpoint_can_be_asked_for_without_its_size(grown: Checker) -> None:
    newest = await grown.read("/checkpoints/latest")
    assert newest == await grown.read("/checkpoints/18")


@pytest.mark.parametrize("path", ["2", "19", "9223372036854775807", "2/qr.svg", "19/qr.png"])
async def test_a_checkpoint_that_was_never_made_is_unknown(grown: Checker, path: str) -> None:
    answer = await grown.ask(f"/checkpoints/{path}")
    assert (answer.status_code, problem_code(answer)) == (404, "checkpoint_unknown")


async def test_the_checkpoints_of_another_community_are_its_own(
    grown: Checker, elsewhere: Neighbourhood
) -> None:
    await elsewhere.give("resident-1", "survey")
    await grown.seal()
    address = f"/v1/public/communities/{elsewhere.community_id}/checkpoints"
    theirs = (await Caller(grown.here.http).get(address)).json()["items"]
    assert [item["size"] for item in theirs] == [1]
    assert theirs[0]["note"] != (await grown.read("/checkpoints/1"))["note"]
    assert (await Caller(grown.here.http).get(f"{address}/18")).status_code == 404


@pytest.mark.parametrize("path", ["/checkpoints/latest", "/seal-keys", "/book"])
async def test_a_community_without_a_sealed_book_has_nothing_to_show(
    checker: Checker, path: str
) -> None:
    answer = await checker.ask(path)
    code = "checkpoint_unknown" if "checkpoints" in path else "book_not_sealed"
    assert (answer.status_code, problem_code(answer)) == (404, code)
    assert (await checker.read("/checkpoints"))["items"] == []


async def test_from_each_checkpoint_to_each_later_one_nothing_was_changed(grown: Checker) -> None:
    heads = {size: await grown.checkpoint(size) for size in SIZES}
    for old, new in combinations_with_replacement(SIZES, 2):
        proof = await grown.read("/consistency", **{"from": old, "to": new})
        path = [base64.b64decode(found) for found in proof["path"]]
        assert (proof["from_size"], proof["to_size"]) == (old, new)
        assert is_consistent(old, new, heads[old].root, heads[new].root, path)
        if old < new:
            assert not is_consistent(old, new, bytes(32), heads[new].root, path)


async def test_consistency_is_proven_from_sizes_that_were_never_signed(grown: Checker) -> None:
    proof = await grown.read("/consistency", **{"from": 7, "to": 18})
    assert proof["path"]


@pytest.mark.parametrize(("old", "new"), [(4, 3), (1, 19), (19, 19), (1, 2**63 - 1)])
async def test_sizes_that_are_not_in_the_book_are_refused(
    grown: Checker, old: int, new: int
) -> None:
    answer = await grown.ask("/consistency", **{"from": old, "to": new})
    assert (answer.status_code, problem_code(answer)) == (422, "sizes_not_in_book")
    assert answer.json()["sealed_transfers"] == 18


@pytest.mark.parametrize("asked", [{}, {"from": 0, "to": 1}, {"from": 1}, {"from": 1, "to": -1}])
async def test_sizes_that_cannot_be_are_refused(checker: Checker, asked: dict[str, int]) -> None:
    answer = await checker.ask("/consistency", **asked)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")


async def test_a_witness_that_countersigned_stands_below_the_log(
    grown: Checker, session: AsyncSession
) -> None:
    witness = Ed25519PrivateKey.generate()
    key = verifier_key("witness.example.cn", KeyKind.WITNESS, witness)
    signed_at = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
    line = cosign(await grown.checkpoint(9), key.name, witness, now=signed_at)
    await session.execute(
        text("INSERT INTO cosignatures VALUES (:community_id, 9, :witness, :line, :signed_at)"),
        {"community_id": grown.here.community_id, "witness": key.name, "line": line,
         "signed_at": signed_at},
    )  # fmt: skip
    await session.commit()

    read = await grown.read("/checkpoints/9")

    assert read["witnesses"] == [{"witness": key.name, "signed_at": "2026-11-18T09:00:00Z"}]
    assert open_checkpoint(read["note"], await grown.keys()).size == 9
    assert [found.signed_at for found in cosignatures(read["note"], [key])] == [signed_at]
    assert (await grown.read("/checkpoints/17"))["witnesses"] == []
    line = (await grown.lines("resident-1"))["award"]
    receipt = (await grown.receipt("resident-1", line, size=18)).json()
    assert key.name not in receipt["proof"]


async def test_the_code_of_a_checkpoint_is_its_note_byte_for_byte(grown: Checker) -> None:
    note = (await grown.read("/checkpoints/18"))["note"]
    svg = await grown.ask("/checkpoints/18/qr.svg")
    png = await grown.ask("/checkpoints/18/qr.png")
    assert (svg.headers["content-type"], png.headers["content-type"]) == (
        "image/svg+xml",
        "image/png",
    )
    assert scan_svg(svg.text) == scan_png(png.content) == note
    # Drawing takes time, anybody may ask, and it is the same for ever.
    assert svg.text == qr.svg(note, mask=MASK)
    for picture in (svg, png):
        assert picture.headers["cache-control"] == "public, max-age=86400"


async def test_the_keys_name_the_tree_and_the_witnesses_of_the_settings(grown: Checker) -> None:
    listed = await grown.read("/seal-keys")
    assert listed["origin"] == f"points.example.cn/communities/{grown.here.community_id}"
    [key] = listed["keys"]
    assert (key["number"], key["revoked_at"]) == (1, None)
    assert parse_verifier_key(key["verifier_key"]).name == listed["origin"]
    assert listed["witnesses"] == grown.app.state.settings.witnesses


async def test_a_key_of_before_verifies_until_the_rotation_after_the_next(
    checker: Checker,
) -> None:
    await checker.here.give("resident-1", "survey")
    await checker.seal()
    [first] = await checker.keys()

    await checker.rotate()
    assert len(await checker.keys()) == 2
    by_both = (await checker.read("/checkpoints/latest"))["note"]
    for key in await checker.keys():
        assert open_checkpoint(by_both, [key]).size == 2
    code = await checker.ask("/checkpoints/2/qr.png")
    assert scan_png(code.content) == by_both

    await checker.rotate()
    by_the_youngest = (await checker.read("/checkpoints/latest"))["note"]
    with pytest.raises(NoteInvalid):
        open_checkpoint(by_the_youngest, [first])
    assert open_checkpoint(by_the_youngest, await checker.keys()).size == 3


async def test_a_revoked_key_stays_listed_with_its_end(
    checker: Checker, session: AsyncSession
) -> None:
    await checker.here.give("resident-1", "survey")
    await checker.seal()
    await checker.rotate()
    revoked_at = checker.clock.now + timedelta(minutes=1)
    await session.execute(
        text("UPDATE signing_keys SET revoked_at = :at WHERE purpose = 'seals' AND key_id = 1"),
        {"at": revoked_at},
    )
    await session.commit()

    first, second = (await checker.read("/seal-keys"))["keys"]

    assert datetime.fromisoformat(first["revoked_at"]) == revoked_at
    assert second["revoked_at"] is None
    assert datetime.fromisoformat(second["active_from"]) == checker.clock.now
    assert [key.name for key in await checker.keys()] == [first["verifier_key"].split("+")[0]]


async def test_what_the_book_comes_to_is_told_as_of_the_last_midnight(lively: Checker) -> None:
    today = await lively.read("/book")
    let_pass(lively.here, lively.clock, days=1)
    book = await lively.read("/book")
    await lively.here.give("resident-3", "survey")
    await lively.here.fine("resident-2")
    await lively.seal()

    assert await lively.read("/book") == book
    assert book["as_of"] == "2026-12-28T16:00:00Z"
    assert book["expired_points"] == 7
    assert book["shops_points"] == 0  # the meal was taken back
    assert book["corrected_points"] == 0
    assert book["penalty_points"] > today["penalty_points"] == 0
    gone = book["expired_points"] + book["penalty_points"] + book["shops_points"]
    assert book["circulating_points"] == book["issued_points"] - gone
    assert book["circulating_points"] > today["circulating_points"]

    let_pass(lively.here, lively.clock, days=1)
    assert (await lively.read("/book"))["circulating_points"] == await points_held(lively)


async def points_held(checker: Checker) -> int:
    """Return what wallets, savings and funds hold by their own rows."""
    statement = "SELECT sum(posted)::bigint FROM balances WHERE community_id = :community_id"
    async with checker.app.state.sessionmaker() as session:
        held = await session.scalar(text(statement), {"community_id": checker.here.community_id})
    return int(held)


async def test_what_a_shop_was_paid_is_not_in_circulation(grown: Checker) -> None:
    let_pass(grown.here, grown.clock, days=1)
    before = await grown.read("/book")
    for _ in range(3):
        await grown.here.give("resident-1", "legal_advice")
    voucher = await redeem(grown.here, "resident-1", grown.here.reward_id("canteen_meal"))
    assert (await consume(grown.here, voucher["token"])).status_code == 200
    await grown.seal()
    let_pass(grown.here, grown.clock, days=1)
    after = await grown.read("/book")
    spent = after["shops_points"] - before["shops_points"]
    issued = after["issued_points"] - before["issued_points"]
    assert spent > 0
    assert after["circulating_points"] - before["circulating_points"] == issued - spent
