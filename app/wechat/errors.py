"""What can go wrong with WeChat: for the person, for now, or for us."""

from app.core.problems import Forbidden, Unauthenticated, Unavailable


class WeChatCodeInvalid(Unauthenticated):
    """The WeChat sign-in code is used up or too old; ask for a new one."""

    title_zh = "微信登录凭证已失效，请重新登录"


class WeChatAccountBlocked(Forbidden):
    """WeChat refuses sign-in for this account."""

    title_zh = "该微信账号存在风险，暂时无法登录"


class WeChatUnavailable(Unavailable):
    """WeChat does not answer at the moment.

    Raised with the extension `retry_after_seconds`.
    """

    title_zh = "微信服务繁忙，请稍后再试"


class PushForged(Forbidden):
    """The push does not carry WeChat's signature."""

    title_zh = "消息推送未通过签名校验"


class WeChatMisconfigured(Exception):
    """WeChat refuses us, not the person: wrong app id or secret, address not listed.

    No caller can act on it, so it is no problem but a fault of ours, and worth an alarm.
    """

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(f"WeChat answered {errcode}: {errmsg}")
        self.errcode = errcode
        self.errmsg = errmsg


class OpenIdNotRecent(Exception):
    """WeChat checks content only of somebody who was in the mini-program within 2 hours.

    Nobody else can be asked for; a person of the staff has to look instead.
    """


class PhotoAskedBefore(Exception):
    """WeChat was asked about this address already, and its verdict is on the way."""
