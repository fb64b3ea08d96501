"""Content security: WeChat's opinion on texts and pictures that residents publish.

PASS is no proof and REVIEW is for a person to decide.
Source: developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/sec-center/sec-check
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from pydantic import BaseModel, ConfigDict

from app.wechat.calls import Answer, Calls, fault
from app.wechat.errors import OpenIdNotRecent, PhotoAskedBefore

LONGEST_PIECE = 2500
# A word cut in two by the end of a piece is whole in the next one.
OVERLAP = 50

NOT_RECENT = 61010
_VERSION = 2
_IMAGE = 2

# WeChat has no opinion, and asking again would not change that.
UNDECIDED = {
    40003: "open_id_unknown",
    43104: "open_id_of_another_app",
    44002: "empty",
    47001: "unreadable",
    NOT_RECENT: "open_id_not_recent",
}


class Scene(IntEnum):
    """Where a text or picture is to appear."""

    PROFILE = 1
    COMMENT = 2
    FORUM = 3
    DIARY = 4


class Suggest(StrEnum):
    PASS = "pass"  # noqa: S105 - no secret
    REVIEW = "review"
    RISKY = "risky"


SEVERITY = {Suggest.PASS: 0, Suggest.REVIEW: 1, Suggest.RISKY: 2}


def suggest_of(word: str) -> Suggest:
    """Return what WeChat suggests; a word we do not know is for a person to decide."""
    return Suggest(word) if word in set(Suggest) else Suggest.REVIEW


@dataclass(frozen=True, slots=True)
class ContentVerdict:
    """WeChat's opinion on a text.

    `label` is 100 for normal, else WeChat's number for what is wrong with it. `reason` says why
    there is no opinion; then `suggest` is REVIEW, without label or trace id.
    """

    suggest: Suggest
    label: int | None
    trace_id: str | None
    reason: str | None = None


class _Result(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    suggest: str
    label: int


class _TextAnswer(Answer):
    result: _Result | None = None
    trace_id: str = ""


class _PhotoAnswer(Answer):
    trace_id: str = ""


def pieces_of(text: str) -> Iterator[str]:
    """Yield overlapping pieces, each short enough to be checked; one for a short text."""
    start = 0
    yield text[:LONGEST_PIECE]
    while start + LONGEST_PIECE < len(text):
        start += LONGEST_PIECE - OVERLAP
        yield text[start : start + LONGEST_PIECE]


async def check_text(calls: Calls, text: str, *, open_id: str, scene: Scene) -> ContentVerdict:
    """Return the worst verdict on the pieces of a text. See WeChatClient.check_text."""
    verdicts: list[ContentVerdict] = []
    for piece in pieces_of(text):
        verdicts.append(await _check_piece(calls, piece, open_id=open_id, scene=scene))
        if verdicts[-1].suggest == Suggest.RISKY:
            break
    return max(verdicts, key=lambda verdict: SEVERITY[verdict.suggest])


async def _check_piece(calls: Calls, piece: str, *, open_id: str, scene: Scene) -> ContentVerdict:
    body = {"openid": open_id, "scene": int(scene), "version": _VERSION, "content": piece}
    answer = await calls.ask("/wxa/msg_sec_check", body, _TextAnswer)
    if answer.errcode in UNDECIDED:
        return ContentVerdict(Suggest.REVIEW, None, None, reason=UNDECIDED[answer.errcode])
    if answer.errcode != 0 or answer.result is None:
        raise fault(answer)
    return ContentVerdict(
        suggest_of(answer.result.suggest), answer.result.label, answer.trace_id or None
    )


async def ask_about_photo(calls: Calls, media_url: str, *, open_id: str, scene: Scene) -> str:
    """Return the trace id of a check under way. See WeChatClient.ask_about_photo."""
    body = {
        "media_url": media_url,
        "media_type": _IMAGE,
        "version": _VERSION,
        "scene": int(scene),
        "openid": open_id,
    }
    answer = await calls.ask("/wxa/media_check_async", body, _PhotoAnswer)
    match answer.errcode:
        case 0 if answer.trace_id:
            return answer.trace_id
        case 61010:
            raise OpenIdNotRecent
        case 87020:
            raise PhotoAskedBefore
        case _:
            raise fault(answer)
