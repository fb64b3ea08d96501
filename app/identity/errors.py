"""What sign-in refuses."""

from app.core.problems import Conflict, Forbidden, Invalid, Unauthenticated, constraint_problems


class RefreshTokenInvalid(Unauthenticated):
    """This refresh token is not valid; sign in again."""

    title_zh = "登录状态无效，请重新登录"


class RefreshTokenReused(Unauthenticated):
    """This refresh token was used before; for safety the device was signed out."""

    title_zh = "登录凭证被重复使用，为安全起见已退出登录，请重新登录"


class LocalSignInOff(Forbidden):
    """The local identity provider is switched off here."""

    title_zh = "本服务未开启本地登录"
    detail_en = "It is for the demo only; sign in with WeChat."
    detail_zh = "本地登录仅供演示，请使用微信登录。"


class UnknownWeChatApp(Invalid):
    """This service does not know that mini-program."""

    title_zh = "未配置该小程序"


class NotAMember(Forbidden):
    """You do not belong to this community."""

    title_zh = "您不是该社区成员"


class SignedInTwice(Conflict):
    """You signed in twice at the same moment; try again."""

    title_zh = "登录请求重复，请重试"


constraint_problems |= {"pk_identities": SignedInTwice, "pk_refresh_tokens": SignedInTwice}
