"""Where WeChat pushes to: its own protocol, so neither JSON answers nor tokens of ours."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse

from app.core.access import public
from app.core.dependencies import CurrentSettings
from app.core.openapi import problem_responses
from app.core.personal import CurrentVault
from app.core.problem_handlers import BodyTooLarge
from app.core.transactions import Now, Session
from app.wechat import receiving
from app.wechat.errors import PushForged

# The longest event is a page of text; who sends more is not WeChat.
MAX_BODY_BYTES = 65_536

router = APIRouter(tags=["wechat"], dependencies=[Depends(public)])


@router.get(
    "/wechat/push",
    response_class=PlainTextResponse,
    responses=problem_responses(PushForged),
)
async def confirm_push_address(request: Request, settings: CurrentSettings) -> PlainTextResponse:
    """Prove to WeChat that this address is ours: its `echostr` comes back as it is."""
    return PlainTextResponse(receiving.answer_handshake(request.query_params, settings.wechat_push))


@router.post(
    "/wechat/push",
    response_class=PlainTextResponse,
    responses=problem_responses(PushForged, BodyTooLarge),
)
async def receive_push(
    request: Request, session: Session, settings: CurrentSettings, vault: CurrentVault, now: Now
) -> PlainTextResponse:
    """Take an event from WeChat, signed and encrypted by the app's push secrets.

    The answer is the text `success`, as WeChat's protocol wants it, before anything is done.
    """
    body = await _read_body(request)
    app_id, payload = receiving.read_push(body, request.query_params, settings.wechat_push)
    await receiving.receive_push(session, vault, app_id, payload, now=now)
    return PlainTextResponse("success")


async def _read_body(request: Request) -> bytes:
    """Return the body of somebody who has not proved yet to be WeChat."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(max_bytes=MAX_BODY_BYTES)
    return bytes(body)
