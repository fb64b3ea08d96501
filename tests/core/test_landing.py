"""The page behind a printed code's link."""

from datetime import timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from app.core.codes import Code, CodeKind, sign_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

HEADINGS = {
    CodeKind.ACTIVITY_POSTER: "活动签到码",
    CodeKind.ACTIVITY_ROTATING: "活动签到码",
    CodeKind.RESIDENT: "居民个人码",
    CodeKind.PAPER_CARD: "纸质积分卡",
    CodeKind.VOUCHER: "兑换券",
    CodeKind.VERIFICATION: "核销凭证",
}
FOREIGN = "不是本平台的二维码"


def a_token(app: FastAPI, clock: Clock, kind: CodeKind = CodeKind.ACTIVITY_POSTER) -> str:
    code = Code(kind, 7, 181930429120512, clock.now + timedelta(minutes=5))
    token: str = app.state.keys.sign_code(code, now=clock.now)
    return token


def heading(page: httpx.Response) -> str:
    return page.text.split("<h1>")[1].split("</h1>")[0]


@pytest.mark.parametrize("kind", CodeKind)
async def test_a_code_says_what_it_is_and_what_to_do(
    http: httpx.AsyncClient, app: FastAPI, clock: Clock, kind: CodeKind
) -> None:
    page = await http.get(f"/c/{a_token(app, clock, kind)}")
    assert page.status_code == 200
    assert heading(page) == HEADINGS[kind]
    assert "181930429120512" not in page.text


async def test_a_lapsed_code_says_so(http: httpx.AsyncClient, app: FastAPI, clock: Clock) -> None:
    token = a_token(app, clock)
    clock.advance(minutes=5)
    page = await http.get(f"/c/{token}")
    assert page.status_code == 200
    assert heading(page) == "二维码已过期"


async def test_a_code_of_somebody_else_is_not_ours(http: httpx.AsyncClient, clock: Clock) -> None:
    code = Code(CodeKind.VOUCHER, 7, 1, clock.now + timedelta(days=1))
    token = sign_code(code, key_id=1, private_key=Ed25519PrivateKey.generate())
    page = await http.get(f"/c/{token}")
    assert page.status_code == 404
    assert heading(page) == FOREIGN


@pytest.mark.parametrize(
    "path",
    ["/c/x", "/c/%3Cscript%3Ealert(1)", f"/c/{'a' * 5000}", "/c/%00", "/c/签到"],
)
async def test_what_is_no_code_is_not_ours_and_not_repeated(
    http: httpx.AsyncClient, path: str
) -> None:
    page = await http.get(path)
    assert page.status_code == 404
    assert heading(page) == FOREIGN
    assert "<script" not in page.text


async def test_the_page_runs_no_script_and_is_not_kept(
    http: httpx.AsyncClient, app: FastAPI, clock: Clock
) -> None:
    for token in (a_token(app, clock), "x"):
        page = await http.get(f"/c/{token}")
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        policy = page.headers["Content-Security-Policy"]
        assert policy == "default-src 'none'; style-src 'unsafe-inline'"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "src=" not in page.text
        assert "href=" not in page.text
        assert "http" not in page.text


async def test_the_link_on_a_poster_leads_to_the_page(here: Neighbourhood, clock: Clock) -> None:
    activity = await here.announce(clock.now)
    worker = await here.caller("worker-1")
    code = await worker.get(f"/v1/staff/activities/{activity['activity_id']}/code")
    page = await here.http.get(httpx.URL(code.json()["link"]).path)
    assert page.status_code == 200
    assert heading(page) == "活动签到码"
    assert activity["title"] not in page.text
