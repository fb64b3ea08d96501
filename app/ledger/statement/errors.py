"""What statements refuse."""

from app.core.problems import Invalid


class PeriodBackwards(Invalid):
    """The period ends before it begins, or has not begun yet."""

    title_zh = "开始日期不能晚于结束日期或今天"
