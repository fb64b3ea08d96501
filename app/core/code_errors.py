"""Why a code was refused: the problems of `app.core.codes` and of the rooms that use it."""

from app.core.problems import Forbidden, Gone, Invalid


class CodeUnreadable(Invalid):
    """This is not one of our codes."""

    title_zh = "无法识别这个二维码"


class CodeForged(Forbidden):
    """This code was not issued by us."""

    title_zh = "这个二维码不是由本平台发出的"


class CodeExpired(Gone):
    """This code has expired."""

    title_zh = "二维码已过期，请换一个新的再扫"


class CodeRevoked(Gone):
    """This code has been withdrawn."""

    title_zh = "这个二维码已停用"


class CodeOfOtherCommunity(Forbidden):
    """This code belongs to another community."""

    title_zh = "这是其他小区的二维码"


class CodeOfOtherKind(Invalid):
    """This code is not meant to be scanned here."""

    title_zh = "请换个入口扫码，这里不能使用这种二维码"
