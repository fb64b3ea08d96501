"""Content checks of WeChat's double. A text says what it is: 违规 is risky, 疑似 for review."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.doubles.wechat_answers import ERRORS, Refusal, digest

RISKY_WORD = "违规"
DOUBTFUL_WORD = "疑似"
LONGEST_TEXT = 2500
LARGEST_PICTURE = 10 * 1024 * 1024
PICTURES_BEGIN_WITH = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"BM", b"GIF8")
LABELS = {"pass": 100, "review": 21000, "risky": 20006}
SCENES = {1, 2, 3, 4}
DOWNLOAD_FAILED = -1008


@dataclass(frozen=True)
class PictureCheck:
    """A picture that WeChat was asked about and has given no verdict on."""

    app_id: str
    media_url: str
    trace_id: str


def check_request(body: dict[str, Any]) -> None:
    if body.get("version") != 2:
        raise Refusal(47001)
    if body.get("scene") not in SCENES:
        raise Refusal(40129)


class ContentChecks:
    """Texts are judged at once; pictures wait in `waiting` for their verdict."""

    def __init__(self) -> None:
        self.checked_texts: list[str] = []
        self.waiting: list[PictureCheck] = []
        self._asked: set[tuple[str, str]] = set()

    def check_text(self, body: dict[str, Any]) -> dict[str, Any]:
        check_request(body)
        content = body.get("content")
        if not isinstance(content, str) or not content.strip():
            raise Refusal(44002)
        if len(content) > LONGEST_TEXT:
            raise Refusal(45002)
        self.checked_texts.append(content)
        suggest = "pass"
        if RISKY_WORD in content:
            suggest = "risky"
        elif DOUBTFUL_WORD in content:
            suggest = "review"
        return {
            "errcode": 0,
            "errmsg": "ok",
            "result": {"suggest": suggest, "label": LABELS[suggest]},
            "detail": [],
            "trace_id": f"text-{digest(content)[:20]}-{len(self.checked_texts)}",
        }

    def ask_about_picture(self, app_id: str, body: dict[str, Any]) -> dict[str, Any]:
        check_request(body)
        if body.get("media_type") != 2:
            raise Refusal(40004)
        media_url = body.get("media_url")
        if not isinstance(media_url, str) or not media_url.startswith(("http://", "https://")):
            raise Refusal(47001)
        if (app_id, media_url) in self._asked:
            raise Refusal(87020)
        self._asked.add((app_id, media_url))
        trace_id = f"media-{digest(media_url)[:20]}-{len(self._asked)}"
        self.waiting.append(PictureCheck(app_id, media_url, trace_id))
        return {"errcode": 0, "errmsg": "ok", "trace_id": trace_id}


async def verdict_on(
    check: PictureCheck, *, suggest: str, outside: httpx.AsyncClient
) -> dict[str, Any]:
    """Fetch the picture and return the event with the verdict, or with -1008."""
    event: dict[str, Any] = {
        "Event": "wxa_media_check",
        "appid": check.app_id,
        "trace_id": check.trace_id,
        "version": 2,
        "detail": [],
    }
    if not await is_fetched(check.media_url, outside):
        errmsg = ERRORS[DOWNLOAD_FAILED]
        return event | {"errcode": DOWNLOAD_FAILED, "errmsg": errmsg, "result": {}}
    verdict = {"suggest": suggest, "label": LABELS[suggest]}
    detail = [{"strategy": "content_model", "errcode": 0, "prob": 90, **verdict}]
    return event | {"errcode": 0, "errmsg": "ok", "result": verdict, "detail": detail}


async def is_fetched(media_url: str, outside: httpx.AsyncClient) -> bool:
    """Tell whether the address gives WeChat, who is nobody to us, a picture that it takes."""
    try:
        response = await outside.get(media_url)
    except httpx.HTTPError:
        return False
    picture = response.content
    return (
        response.status_code == 200
        and len(picture) <= LARGEST_PICTURE
        and picture.startswith(PICTURES_BEGIN_WITH)
    )
