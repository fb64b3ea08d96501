"""What the ledger refuses."""

from app.core.problems import Conflict, Forbidden, NotFound, constraint_problems


class InsufficientPoints(Conflict):
    """You do not have enough points for this."""

    title_zh = "积分不足"
    detail_en = "You have {available_points} points to spend; this takes {needed_points}."
    detail_zh = "您当前可用 {available_points} 分，本次需要 {needed_points} 分。"


class AccountUnknown(Conflict):
    """This account is not in the book."""

    title_zh = "账户不存在或已停用"


class HoldNotOpen(Conflict):
    """These points are no longer reserved."""

    title_zh = "积分冻结已结束"


class TransferUnknown(NotFound):
    """There is no such movement of points in this community."""

    title_zh = "找不到这笔积分流水"


class NotReversible(Conflict):
    """This movement of points cannot be reversed."""

    title_zh = "该笔积分不能冲正"
    detail_en = "Awards, deductions, redemptions and lapsed points can be reversed."
    detail_zh = "只有加分、扣分、兑换和过期（折半）的积分可以冲正。"


class MoreThanOriginal(Conflict):
    """This is more than is left of the original."""

    title_zh = "超过原笔积分的余额"
    detail_en = "{left_points} points of it have not been reversed; this asks for {asked_points}."
    detail_zh = "原笔积分还可冲正 {left_points} 分，本次要求 {asked_points} 分。"


class AlreadyPosted(Conflict):
    """This has been posted already."""

    title_zh = "该笔积分已入账"


class BalanceRefused(Conflict):
    """This would break the balance of the account."""

    title_zh = "账户余额不允许此操作"


class CheckerIsMaker(Forbidden):
    """What is posted by hand is checked by somebody else than who proposed it."""

    title_zh = "手工记账须由他人复核"


constraint_problems |= {
    "uq_transfers_source": AlreadyPosted,
    "pk_transfers": AlreadyPosted,
    "ck_balances_posted_is_lots_less_debt": BalanceRefused,
    "ck_balances_debt_not_negative": BalanceRefused,
    "ck_balances_held_within_lots": BalanceRefused,
    "ck_balances_debt_within_floor": BalanceRefused,
    "ck_lots_remaining_within_granted": BalanceRefused,
    "ck_lots_held_within_remaining": BalanceRefused,
    "ck_holds_captured_within_points": BalanceRefused,
    "ck_reversed_points_not_more_than_original": AlreadyPosted,
    "ck_transfers_checker_is_another": CheckerIsMaker,
    "ck_transfers_manual_is_checked": CheckerIsMaker,
}
