"""What postings by hand refuse."""

from app.core.problems import Conflict, Forbidden, Invalid, NotFound, constraint_problems
from app.ledger.errors import CheckerIsMaker


class OwnPosting(Forbidden):
    """Nobody posts points for themselves, or decides on those of their household."""

    title_zh = "不能给自己加分或扣分，也不能审核家人的加分或扣分"


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


class DeductionNotFound(NotFound):
    """There is no such deduction of yours."""

    title_zh = "没有找到这笔扣分"


class AlreadyAnswered(Conflict):
    """This deduction has been answered already."""

    title_zh = "这笔扣分已提交过申辩"


class NotHeardYet(Conflict):
    """Nothing is taken before the resident has answered in person, or their time is over."""

    title_zh = "申辩期未满且居民本人尚未申辩，暂不能扣分"


class RepairTooLarge(Invalid):
    """A repair cannot give back more than the deduction takes."""

    title_zh = "修复积分不能超过所扣积分"
    detail_en = "The deduction takes {most_points} points."
    detail_zh = "本次扣分为 {most_points} 分。"


class NotADeduction(Conflict):
    """Only a deduction can be repaired."""

    title_zh = "只有扣分可以修复"


class NothingLeftToReverse(Conflict):
    """All of this has been reversed already."""

    title_zh = "该笔积分已全部冲正"


constraint_problems |= {
    "ck_contributions_checked_by_another": CheckerIsMaker,
    "ck_contributions_manual_is_checked": CheckerIsMaker,
    "ck_manual_postings_answered_by_another": CheckerIsMaker,
    "ck_manual_postings_checker_is_another": CheckerIsMaker,
    "ck_manual_postings_heard_first": NotHeardYet,
}
