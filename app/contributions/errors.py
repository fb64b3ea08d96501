"""What contributions refuse."""

from app.core.problems import Conflict, Unavailable, constraint_problems


class AlreadyRecorded(Conflict):
    """This has been recorded already."""

    title_zh = "该行为已登记过"


class AlreadyReversed(Conflict):
    """This award has been taken back already."""

    title_zh = "该笔积分已收回"


class ResidentHasPhone(Conflict):
    """This resident speaks for themself; staff write down only for residents without a phone."""

    title_zh = "该居民可用手机自行填写，不能代填"


class RuleChanged(Unavailable):
    """The rule changed at this very moment; try again."""

    title_zh = "积分规则刚刚更新，请重试"


constraint_problems |= {
    "uq_contributions_source": AlreadyRecorded,
    "pk_contributions": AlreadyRecorded,
    "pk_contribution_reversals": AlreadyReversed,
}
