"""What repair tasks refuse."""

from app.core.problems import Conflict, Forbidden, Gone, NotFound, constraint_problems
from app.ledger.errors import CheckerIsMaker


class RepairTaskNotFound(NotFound):
    """There is no such repair task for you."""

    title_zh = "没有找到这项积分修复任务"


class RepairTaskLapsed(Gone):
    """The time for this repair task is over."""

    title_zh = "积分修复任务已过期"


class RepairNotOpen(Conflict):
    """This repair task does not wait for a report."""

    title_zh = "该修复任务当前不能提交"


class RepairNotReported(Conflict):
    """This repair task does not wait for a decision."""

    title_zh = "该修复任务当前没有待确认的提交"


class OwnRepair(Forbidden):
    """Nobody decides on a repair of their own, or of their household."""

    title_zh = "不能确认自己或家人的积分修复"


constraint_problems |= {"ck_repair_tasks_checker_is_another": CheckerIsMaker}
