"""What duties refuse."""

from app.core.problems import Conflict, Forbidden, Invalid, NotFound, constraint_problems


class RuleNotMonthly(Invalid):
    """Only a rule that gives points by the month can be a duty."""

    title_zh = "只有按月计分的加分规则才能设为岗位职责"


class OwnDuty(Forbidden):
    """Nobody assigns a duty to themselves or to somebody of their household."""

    title_zh = "不能给自己或家人安排岗位职责"


class DutyInThePast(Invalid):
    """A duty begins this month or later; earlier months go onto an award list."""

    title_zh = "岗位职责须从本月起算，以往月份请通过名单申报"


class DutyNotFound(NotFound):
    """There is no such duty in this community."""

    title_zh = "没有找到这项岗位职责"


class DutyEnded(Conflict):
    """This duty has been ended already."""

    title_zh = "这项岗位职责已结束"


class DutyEndsBeforeStart(Invalid):
    """A duty ends on the day it begins or later."""

    title_zh = "结束日期不能早于开始日期"


class DutyHeld(Conflict):
    """This resident holds this duty already."""

    title_zh = "该居民已担任此岗位"


constraint_problems |= {
    "ck_duties_ends_after_start": DutyEndsBeforeStart,
    "uq_duties_held": DutyHeld,
}
