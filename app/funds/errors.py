"""What funds refuse."""

from app.core.problems import Conflict, NotFound, constraint_problems


class FundNotFound(NotFound):
    """There is no such fund in this community."""

    title_zh = "本社区没有这个基金"


class FundClosed(Conflict):
    """This fund takes no donations any more."""

    title_zh = "该基金已停止接受捐赠"


class FundCodeTaken(Conflict):
    """Another fund of this community has this code."""

    title_zh = "本社区已有使用该代码的基金"


constraint_problems |= {"uq_funds_code": FundCodeTaken}
