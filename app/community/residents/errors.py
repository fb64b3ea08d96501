"""What finding residents and keeping a phone refuse."""

from app.core.problems import Conflict, Invalid


class OneSearchTermNeeded(Invalid):
    """Search either by the beginning of a name or by a whole phone number."""

    title_zh = "请按姓名开头或完整手机号中的一项查询"


class WeChatNotLinked(Conflict):
    """You have not signed in with this mini-program yet."""

    title_zh = "您尚未用该小程序登录过"
    detail_en = "Sign in with WeChat there, then offer your phone number again."
    detail_zh = "请先在该小程序中微信登录，再提供手机号。"
