"""What explanations refuse."""

from app.core.problems import NotFound


class ContributionNotFound(NotFound):
    """There is no such award or deduction of yours."""

    title_zh = "没有找到您的这笔积分记录"
