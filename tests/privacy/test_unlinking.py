"""Once an account is closed, no sealed line of it can be told to be theirs, late ones neither."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.models import TransferKind
from app.ledger.unlinking.jobs import erase_salts
from app.privacy.closing import service
from tests.ledger.unlinking.leaving import Line, read_lines
from tests.privacy.office import Office
from tests.privacy.purse import fill, move, save
from tests.support.neighbourhood import Neighbourhood
from tests.support.sealing import seal_all
from tests.support.shopping import consume, redeem, withdraw

OWN = {"debit_account", "credit_account"}


async def seal_and_erase(office: Office) -> int:
    """Run both jobs, a minute later; return how many transfers were unlinked."""
    office.later(minutes=1)
    await seal_all(office.app, now=office.clock.now)
    return await erase_salts(office.sessionmaker, now=office.clock.now)


async def lines_of(office: Office, *accounts: int) -> list[Line]:
    lines = await read_lines(office.sessionmaker, office.here.community_id)
    return [
        line
        for line in lines
        if {line.row.debit_account_id, line.row.credit_account_id} & set(accounts)
    ]


def tells_of(line: Line, person_id: int, *accounts: int) -> bool:
    """Tell whether a line still opens an account or the person, or what it was for."""
    row, opened = line.row, line.opens()
    theirs = {
        "debit_account": row.debit_account_id in accounts,
        "credit_account": row.credit_account_id in accounts,
        "maker": row.maker_id == person_id,
        "checker": row.checker_id == person_id,
        "memo": True,
        "source": True,
    }
    return any(theirs[name] for name in opened)


async def test_a_closed_account_is_unlinked_with_the_lines_that_closed_it(
    office: Office, here: Neighbourhood
) -> None:
    person_id = await office.person_id()
    wallet = int(here.resident_id("resident-1"))
    await fill(office, 100)
    await fill(office, 10, "resident-2")
    savings = await save(office, 30)
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    assert (await consume(here, voucher["token"])).is_success
    assert await seal_and_erase(office) == 0
    before = await lines_of(office, wallet, savings)
    assert all(tells_of(line, person_id, wallet, savings) for line in before)

    await office.close()
    assert await seal_and_erase(office) == len(before) + 2

    after = await lines_of(office, wallet, savings)
    assert [line.entry for line in after[: len(before)]] == [line.entry for line in before]
    assert [line.row.memo for line in after[len(before) :]] == ["注销清零"] * 2
    assert all(line.is_as_sealed for line in after)
    assert not any(tells_of(line, person_id, wallet, savings) for line in after)
    (neighbours,) = await lines_of(office, int(here.resident_id("resident-2")))
    assert neighbours.opens() >= OWN
    await office.assert_books_balance()
    assert await seal_and_erase(office) == 0


async def test_points_that_come_back_late_and_lapse_are_unlinked_as_well(
    office: Office, here: Neighbourhood
) -> None:
    wallet = int(here.resident_id("resident-1"))
    person_id = await office.person_id()
    await fill(office, 80)
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    await office.ask_for_closure()
    office.later(days=7)
    used = await consume(here, voucher["token"])
    await office.close_accounts()
    assert await seal_and_erase(office) == 3

    undone = await withdraw(here, used.json()["verification_id"])
    assert undone.is_success, undone.text
    assert await seal_and_erase(office) == 1
    await office.close_accounts()
    assert await seal_and_erase(office) == 1

    lines = await lines_of(office, wallet)
    assert [line.row.kind for line in lines] == ["award", "spend", "expiry", "reversal", "expiry"]
    assert not any(tells_of(line, person_id, wallet) for line in lines)
    await office.assert_books_balance()


async def test_a_neighbours_gift_is_theirs_to_prove_until_they_close_their_account_too(
    office: Office, here: Neighbourhood
) -> None:
    leaver, neighbour = (int(here.resident_id(f"resident-{number}")) for number in (1, 2))
    await fill(office, 20)
    await move(office, TransferKind.GIFT, 20, from_account=leaver, to_account=neighbour)
    await office.close("resident-1")
    await seal_and_erase(office)
    (gift,) = await lines_of(office, neighbour)
    assert gift.opens() & OWN == {"credit_account"}
    await office.close("resident-2")
    await seal_and_erase(office)
    gift, _ = await lines_of(office, neighbour)
    assert gift.opens() & OWN == set()
    assert gift.is_as_sealed


async def test_an_account_that_is_not_closed_after_all_keeps_its_salts(
    office: Office, here: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(office, 5)
    await office.ask_for_closure()
    office.later(days=7)

    async def die(*_: AsyncSession, **__: object) -> None:
        raise RuntimeError("the machine stopped")

    with monkeypatch.context() as broken:
        broken.setattr(service, "_leave_the_service", die)
        assert await office.close_accounts() == 0
    assert await seal_and_erase(office) == 0
    (line,) = await lines_of(office, int(here.resident_id("resident-1")))
    assert line.opens() >= OWN
    assert await office.close_accounts() == 1
    assert await seal_and_erase(office) == 2
