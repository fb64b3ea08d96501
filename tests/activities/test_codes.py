"""The codes of activities and residents: issued, drawn, scanned, refused, withdrawn."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from app.core.codes import Code, CodeKind, read_code, sign_code
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.scanner import scan_png, scan_svg

FORGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


async def scan(here: Neighbourhood, code: str, *, name: str = "resident-1") -> httpx.Response:
    resident = await here.caller(name)
    return await resident.post("/v1/me/check-ins", {"code": code})


async def get_code(
    here: Neighbourhood, activity: dict[str, Any], form: str = "poster"
) -> dict[str, Any]:
    worker = await here.caller("worker-1")
    path = f"/v1/staff/activities/{activity['activity_id']}/code"
    answer = await worker.get(path, form=form)
    assert answer.status_code == 200, answer.text
    code: dict[str, Any] = answer.json()
    return code


def sign(app: FastAPI, code: Code, *, now: datetime) -> str:
    """Sign a code as this service would, however odd."""
    token: str = app.state.keys.sign_code(code, now=now)
    return token


async def test_a_poster_holds_a_day_longer_than_check_in(here: Neighbourhood, clock: Clock) -> None:
    activity = await here.announce(clock.now)
    code = await get_code(here, activity)
    closes_at = datetime.fromisoformat(activity["check_in_closes_at"])
    assert datetime.fromisoformat(code["expires_at"]) == closes_at + timedelta(days=1)
    assert code["refresh_in_seconds"] is None
    assert code["link"].endswith(f"/c/{code['token']}")


async def test_a_poster_fetched_again_is_the_same_poster(here: Neighbourhood, clock: Clock) -> None:
    activity = await here.announce(clock.now)
    first = await get_code(here, activity)
    clock.advance(minutes=10)
    assert await get_code(here, activity) == first


async def test_a_rotating_code_holds_for_thirty_seconds_and_is_fetched_anew_after_fifteen(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now)

    code = await get_code(here, activity, "rotating")
    clock.advance(seconds=1)
    following = await get_code(here, activity, "rotating")

    assert datetime.fromisoformat(code["expires_at"]) == clock.now + timedelta(seconds=29)
    assert code["refresh_in_seconds"] == 15
    assert following["token"] != code["token"]


@pytest.mark.parametrize(("seconds", "status"), [(29, 201), (30, 410)])
async def test_a_rotating_code_is_scanned_in_time_or_not(
    here: Neighbourhood, clock: Clock, seconds: int, status: int
) -> None:
    activity = await here.announce(clock.now)
    token = await here.poster(activity, "rotating")
    clock.advance(seconds=seconds)
    answer = await scan(here, token)
    assert answer.status_code == status
    if status == 410:
        assert problem_code(answer) == "code_expired"


async def test_a_code_is_read_bare_as_link_or_as_scan_code_path(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    code = await get_code(here, activity)
    token, link = code["token"], code["link"]
    forms = [
        token,
        f" {token}\n",
        link,
        f"{link}?from=wechat",
        f"pages/check-in/index?code={token}",
        f"pages/check-in/index?scene={quote(token, safe='')}",
        f"pages/check-in/index?q={quote(link, safe='')}",
    ]
    statuses = [(await scan(here, form)).status_code for form in forms]
    assert statuses == [201] + [200] * 6


@pytest.mark.parametrize("form", ["poster", "rotating"])
async def test_the_pictures_carry_the_link(here: Neighbourhood, clock: Clock, form: str) -> None:
    activity = await here.announce(clock.now)
    worker = await here.caller("worker-1")
    path = f"/v1/staff/activities/{activity['activity_id']}/code"

    png = await worker.get(f"{path}.png", form=form)
    svg = await worker.get(f"{path}.svg", form=form)

    link = (await get_code(here, activity, form))["link"]
    assert (png.headers["content-type"], svg.headers["content-type"]) == (
        "image/png", "image/svg+xml",
    )  # fmt: skip
    assert {png.headers["cache-control"], svg.headers["cache-control"]} == {"no-store"}
    assert scan_png(png.content) == scan_svg(svg.text) == link
    assert (await scan(here, scan_svg(svg.text))).status_code == 201


async def test_the_pictures_of_a_personal_code_carry_its_link(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    png = await resident.get("/v1/me/code.png")
    svg = await resident.get("/v1/me/code.svg")
    link = (await resident.get("/v1/me/code")).json()["link"]
    assert scan_png(png.content) == scan_svg(svg.text) == link


async def test_other_kinds_of_picture_are_not_drawn(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    answer = await resident.get("/v1/me/code.gif")
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")


async def test_a_poster_tells_its_activity_and_a_personal_code_its_resident(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    resident = await here.caller("resident-1")
    poster, _ = read_code(await here.poster(activity))
    rotating, _ = read_code(await here.poster(activity, "rotating"))
    personal, _ = read_code((await resident.get("/v1/me/code")).json()["token"])
    assert [code.kind for code in (poster, rotating, personal)] == [
        CodeKind.ACTIVITY_POSTER, CodeKind.ACTIVITY_ROTATING, CodeKind.RESIDENT,
    ]  # fmt: skip
    assert poster.subject_id == rotating.subject_id == int(activity["activity_id"])
    assert personal.subject_id == int(here.resident_id("resident-1"))
    assert personal.expires_at == clock.now + timedelta(seconds=120)


@pytest.mark.parametrize(
    "nonsense",
    ["hello", "https://example.com/c/", "A" * 111, "", "A" * 2001, "https://u.wechat.com/abc",
     "\u4e8c\u7ef4\u7801"],
    ids=["word", "empty link", "letters", "nothing", "too long", "other link", "chinese"],
)  # fmt: skip
async def test_what_is_no_code_of_ours_is_unreadable(here: Neighbourhood, nonsense: str) -> None:
    answer = await scan(here, nonsense)
    expected = "code_unreadable" if 0 < len(nonsense) <= 2000 else "request_invalid"
    assert (answer.status_code, problem_code(answer)) == (422, expected)


async def test_a_forged_code_is_refused(here: Neighbourhood, clock: Clock) -> None:
    activity = await here.announce(clock.now)
    code, key_id = read_code(await here.poster(activity))
    by_a_stranger = sign_code(code, key_id=key_id, private_key=FORGER)
    under_no_key = sign_code(code, key_id=200, private_key=FORGER)
    for forged in (by_a_stranger, under_no_key):
        answer = await scan(here, forged)
        assert (answer.status_code, problem_code(answer)) == (403, "code_forged")


async def test_a_code_with_one_character_changed_is_refused(
    here: Neighbourhood, clock: Clock
) -> None:
    token = await here.poster(await here.announce(clock.now))
    for place in (3, 12, 60, 100):
        other = "A" if token[place] != "A" else "B"
        answer = await scan(here, token[:place] + other + token[place + 1 :])
        assert problem_code(answer) in {"code_forged", "code_unreadable"}, place


@pytest.mark.parametrize(
    ("hours", "refusal"), [(2, (409, "check_in_closed")), (26, (410, "code_expired"))]
)
async def test_a_poster_scanned_late_says_that_check_in_closed_and_after_a_day_has_expired(
    here: Neighbourhood, clock: Clock, hours: int, refusal: tuple[int, str]
) -> None:
    activity = await here.announce(clock.now)
    token = await here.poster(activity)
    let_pass(here, clock, hours=hours)
    answer = await scan(here, token)
    assert (answer.status_code, problem_code(answer)) == refusal


async def test_a_code_of_another_community_is_refused(
    here: Neighbourhood, elsewhere: Neighbourhood, clock: Clock
) -> None:
    token = await elsewhere.poster(await elsewhere.announce(clock.now))
    answer = await scan(here, token)
    assert (answer.status_code, problem_code(answer)) == (403, "code_of_other_community")
    assert (await scan(elsewhere, token)).status_code == 201


async def test_an_activity_of_another_community_under_our_name_is_not_found(
    here: Neighbourhood, elsewhere: Neighbourhood, app: FastAPI, clock: Clock
) -> None:
    code, _ = read_code(await elsewhere.poster(await elsewhere.announce(clock.now)))
    token = sign(app, replace(code, community_id=here.community_id), now=clock.now)
    answer = await scan(here, token)
    assert (answer.status_code, problem_code(answer)) == (404, "activity_not_found")


@pytest.mark.parametrize(
    "kind", [CodeKind.RESIDENT, CodeKind.PAPER_CARD, CodeKind.VOUCHER, CodeKind.VERIFICATION]
)
async def test_a_code_of_another_kind_is_refused(
    here: Neighbourhood, app: FastAPI, clock: Clock, kind: CodeKind
) -> None:
    code, _ = read_code(await here.poster(await here.announce(clock.now)))
    answer = await scan(here, sign(app, replace(code, kind=kind), now=clock.now))
    assert (answer.status_code, problem_code(answer)) == (422, "code_of_other_kind")


async def test_a_withdrawn_poster_is_refused_and_a_new_one_works(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    worker = await here.caller("worker-1")
    path = f"/v1/staff/activities/{activity['activity_id']}/revoke-code"
    old = await here.poster(activity)

    for _ in range(2):
        revoked = await worker.post(path, {"code": old})
        assert (revoked.status_code, revoked.json()) == (200, {"revoked": True})
    answer = await scan(here, old)
    new = await here.poster(activity)

    assert (answer.status_code, problem_code(answer)) == (410, "code_revoked")
    assert new != old
    assert (await scan(here, new)).status_code == 201


async def test_each_withdrawn_poster_is_followed_by_another_one(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    worker = await here.caller("worker-1")
    path = f"/v1/staff/activities/{activity['activity_id']}/revoke-code"
    posters = []
    for _ in range(3):
        posters.append(await here.poster(activity))
        await worker.post(path, {"code": posters[-1]})
    assert len(set(posters)) == 3
    refusals = [problem_code(await scan(here, poster)) for poster in posters]
    assert refusals == ["code_revoked"] * 3


async def test_a_withdrawn_rotating_code_leaves_the_poster_alone(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    poster, rotating = await here.poster(activity), await here.poster(activity, "rotating")
    worker = await here.caller("worker-1")
    await worker.post(
        f"/v1/staff/activities/{activity['activity_id']}/revoke-code", {"code": rotating}
    )
    assert problem_code(await scan(here, rotating)) == "code_revoked"
    assert (await scan(here, poster)).status_code == 201


async def test_only_a_code_of_the_activity_named_is_withdrawn(
    here: Neighbourhood, clock: Clock
) -> None:
    first, second = await here.announce(clock.now), await here.announce(clock.now)
    worker = await here.caller("worker-1")
    resident = await here.caller("resident-1")
    personal = (await resident.get("/v1/me/code")).json()["token"]
    for code in (await here.poster(second), personal):
        path = f"/v1/staff/activities/{first['activity_id']}/revoke-code"
        answer = await worker.post(path, {"code": code})
        assert (answer.status_code, problem_code(answer)) == (422, "code_of_other_kind")


async def test_codes_of_a_grids_activity_are_its_own_workers_and_the_committees(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now, grid_id=str(here.places.grids[0]))
    path = f"/v1/staff/activities/{activity['activity_id']}"
    token = await here.poster(activity)
    other = await here.caller("worker-2")

    refusals = [
        await other.get(f"{path}/code"),
        await other.get(f"{path}/code.png"),
        await other.post(f"{path}/revoke-code", {"code": token}),
    ]

    assert [(row.status_code, problem_code(row)) for row in refusals] == [
        (403, "not_your_activity")
    ] * 3
    committee = await here.caller("committee-1")
    assert (await committee.get(f"{path}/code")).status_code == 200


async def test_residents_and_clerks_get_no_codes_of_activities(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    path = f"/v1/staff/activities/{activity['activity_id']}/code"
    for name in ("resident-1", "clerk-1"):
        answer = await (await here.caller(name)).get(path)
        assert (answer.status_code, problem_code(answer)) == (403, "forbidden")


async def test_codes_of_an_unknown_activity_are_not_found(
    here: Neighbourhood, elsewhere: Neighbourhood, clock: Clock
) -> None:
    activity = await elsewhere.announce(clock.now)
    worker = await here.caller("worker-1")
    for number in (activity["activity_id"], "1"):
        answer = await worker.get(f"/v1/staff/activities/{number}/code")
        assert (answer.status_code, problem_code(answer)) == (404, "activity_not_found")
