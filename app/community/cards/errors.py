"""What paper cards refuse."""

from app.core.problems import Conflict, Gone, Invalid, NotFound, constraint_problems


class CardHolderLeft(Gone):
    """The resident of this card has left."""

    title_zh = "持卡居民已迁出或注销"


class CardNotFound(NotFound):
    """There is no such card that you may withdraw."""

    title_zh = "没有可由您停用的积分卡"


class CardInUse(Conflict):
    """This resident has a card in use; reissue it, or withdraw it first."""

    title_zh = "该居民已有使用中的积分卡，请补办或先停用旧卡"


class ClaimedCardWithdrawn(Conflict):
    """The card scanned for this request has been withdrawn since; let them scan the new one."""

    title_zh = "申请所扫的积分卡已停用，请居民改扫新卡"


class CardsMissing(NotFound):
    """Some of these residents have no card in use that you may print."""

    title_zh = "部分居民没有可由您打印的积分卡"


class NoCardsToPrint(NotFound):
    """There are no cards in use here that you may print."""

    title_zh = "此处没有可由您打印的积分卡"


class TooManyCards(Invalid):
    """These are too many cards for one sheet."""

    title_zh = "一次打印的积分卡过多"
    detail_en = "At most {most} cards; name the residents instead of the building."
    detail_zh = "最多 {most} 张，请按居民分批打印。"


constraint_problems |= {"uq_paper_cards_in_use": CardInUse}
