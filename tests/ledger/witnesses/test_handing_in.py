"""Handing in countersignatures: whose are taken, and what is kept."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import Settings
from app.ledger.seals.notes import KeyKind, cosignatures, verifier_key
from app.ledger.witnesses.schemas import LONGEST_LINE
from app.ledger.witnesses.trusted import WitnessesUnusable
from app.main import create_app
from tests.ledger.witnesses.conftest import Register
from tests.ledger.witnesses.office import Office
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood
from tests.support.sealing import seal_all


async def count_lines(session: AsyncSession) -> int:
    return await session.scalar(text("SELECT count(*) FROM cosignatures")) or 0


async def test_a_countersignature_is_kept_and_shown_below_the_checkpoint(office: Office) -> None:
    checkpoint = await office.seal(2)
    line = office.sign(checkpoint)

    answer = await office.hand_in(line, size=2)

    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "witness": "office.example.cn",
        "line": line,
        "signed_at": "2026-11-18T07:00:00Z",
    }
    for name in ("latest", "2"):
        shown = (await office.http.get(f"{office.public}/checkpoints/{name}")).json()
        assert shown["note"].endswith(f"\n{line}")
        (found,) = cosignatures(shown["note"], [office.key.public])
        assert (found.witness, found.signed_at) == ("office.example.cn", office.clock.now)
        assert [row["witness"] for row in shown["witnesses"]] == ["office.example.cn"]


async def test_the_first_line_of_a_witness_stands(office: Office, session: AsyncSession) -> None:
    checkpoint = await office.seal()
    first = office.sign(checkpoint)
    later = office.sign(checkpoint, at=office.clock.now + timedelta(minutes=1))
    assert first != later

    answers = [await office.hand_in(line, size=1) for line in (first, first.strip(), later)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert {answer.json()["line"] for answer in answers} == {first}
    assert await count_lines(session) == 1


@pytest.mark.parametrize("minutes", [-11, 11, 60 * 24 * 365 * 100])
async def test_a_witness_whose_clock_is_wrong_may_sign_again_when_it_is_right(
    office: Office, session: AsyncSession, minutes: int
) -> None:
    checkpoint = await office.seal()
    wrong = office.sign(checkpoint, at=office.clock.now + timedelta(minutes=minutes))

    refused = await office.hand_in(wrong, size=1)
    taken = await office.hand_in(office.sign(checkpoint), size=1)

    assert (refused.status_code, problem_code(refused)) == (422, "witness_clock_wrong")
    assert taken.json()["line"] == office.sign(checkpoint)
    assert await count_lines(session) == 1


async def test_two_witnesses_stand_below_one_checkpoint(office: Office, register: Register) -> None:
    other = office.named("library.example.cn")
    register(office, other)
    checkpoint = await office.seal()

    for witness in (other, office):
        assert (await witness.hand_in(witness.sign(checkpoint), size=1)).status_code == 200

    found = cosignatures(await office.note(), [office.key.public, other.key.public])
    assert sorted(row.witness for row in found) == ["library.example.cn", "office.example.cn"]


async def test_a_stranger_is_refused_also_under_a_name_that_is_known(
    office: Office, session: AsyncSession
) -> None:
    checkpoint = await office.seal()

    for stranger in (office.named("stranger.example.cn"), office.named("office.example.cn")):
        answer = await stranger.hand_in(stranger.sign(checkpoint), size=1)
        assert (answer.status_code, problem_code(answer)) == (403, "witness_unknown")
    assert await count_lines(session) == 0


async def test_what_does_not_sign_this_checkpoint_is_refused(
    office: Office, session: AsyncSession, elsewhere: Neighbourhood
) -> None:
    one = await office.seal()
    two = await office.seal()
    await elsewhere.give("resident-1", "volunteer_hour")
    await seal_all(office.app, now=office.clock.now)
    theirs = Office(office.app, elsewhere, office.clock, office.key, office.folder)
    line = office.sign(two)
    flipped = line[:-9] + ("A" if line[-9] != "A" else "B") + line[-8:]

    for wrong in (
        office.sign(one),
        office.sign(await theirs.latest()),
        flipped,
        f"— {office.key.name} {line.split()[2][:16]}",
        line.replace("— ", "- "),
        line + line,
        "",
        "—",
    ):
        answer = await office.hand_in(wrong, size=2)
        assert (answer.status_code, problem_code(answer)) == (422, "cosignature_wrong"), wrong
    assert await count_lines(session) == 0


async def test_a_line_longer_than_any_is_not_looked_at(office: Office) -> None:
    await office.seal()

    for wrong in ("x" * (LONGEST_LINE + 1), None, 5, ["—"], "\ud800"):
        answer = await office.http.post(
            f"{office.public}/checkpoints/1/cosignatures",
            content=json.dumps({"line": wrong}),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 422, wrong


async def test_a_checkpoint_that_was_never_made_is_unknown(
    office: Office, elsewhere: Neighbourhood
) -> None:
    checkpoint = await office.seal(2)
    line = office.sign(checkpoint)
    theirs = Office(office.app, elsewhere, office.clock, office.key, office.folder)

    for answer in (
        await office.hand_in(line, size=1),
        await office.hand_in(line, size=2**63 - 1),
        await theirs.hand_in(line, size=2),
    ):
        assert (answer.status_code, problem_code(answer)) == (404, "checkpoint_unknown")
    for size in (0, -1, 2**63):
        assert (await office.hand_in(line, size=size)).status_code == 422


def test_the_settings_name_the_witnesses(settings: Settings, office: Office) -> None:
    key = office.key.public

    app = create_app(settings.model_copy(update={"witnesses": [str(key)]}))

    assert list(app.state.witnesses) == [key]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("office.example.cn+00000000+AAAA", "key 2 cannot be read: the key is not"),
        ("", "key 2 cannot be read"),
        ("a log's", "key 2 is a log's"),
        ("a private key", "key 2 cannot be read"),
        ("a book's", "key 2 has the name of a book"),
    ],
)
def test_another_key_in_the_settings_stops_the_start_and_is_not_shown(
    settings: Settings, office: Office, text: str, reason: str
) -> None:
    private_key = office.key.private_key
    keys = {
        "a log's": str(verifier_key("log", KeyKind.LOG, private_key)),
        "a private key": office.key.written(),
        "a book's": str(verifier_key("a.cn/communities/1", KeyKind.WITNESS, private_key)),
    }
    given = keys.get(text, text)

    with pytest.raises(WitnessesUnusable, match=reason) as raised:
        create_app(settings.model_copy(update={"witnesses": [str(office.key.public), given]}))

    assert not given or given not in str(raised.value)
