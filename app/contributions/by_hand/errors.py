"""What postings by hand refuse."""

from app.core.problems import Conflict, Forbidden, Invalid, NotFound, constraint_problems
from app.ledger.errors import CheckerIsMaker


class OwnPosting(Forbidden):
    """Nobody may post points for themselves."""

    title_zh = "不能给自己加分或扣分"


class NotTheProposer(Forbidden):
    """Only who proposed a posting may withdraw it."""

    title_zh = "只有提出人可以撤回"


class ActInTheFuture(Invalid):
    """An act cannot be recorded before it was done."""

    title_zh = "行为时间不能晚于现在"


class PostingNotFound(NotFound):
    """There is no such posting in this community."""

    title_zh = "没有找到这笔手工记账"


class PostingDecided(Conflict):
    """This posting has been decided already."""

    title_zh = "这笔手工记账已处理"


class NotADeduction(Conflict):
    """Only a deduction can be repaired."""

    title_zh = "只有扣分可以修复"


class NothingLeftToReverse(Conflict):
    """All of this has been reversed already."""

    title_zh = "该笔积分已全部冲正"


constraint_problems |= {
    "ck_contributions_checked_by_another": CheckerIsMaker,
    "ck_contributions_manual_is_checked": CheckerIsMaker,
    "ck_manual_postings_checker_is_another": CheckerIsMaker,
}
