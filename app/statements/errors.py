"""Which statements are not made into a file."""

from app.core.problems import Invalid


class PeriodTooLong(Invalid):
    """A statement covers at most 366 days."""

    title_zh = "一份明细最多 366 天"
    detail_en = "You asked for {days} days; choose a shorter period."
    detail_zh = "您选择了 {days} 天，请缩短时间范围。"


class StatementTooLong(Invalid):
    """This period has too many lines for one statement."""

    title_zh = "该时间段的积分记录过多"
    detail_en = "A statement holds at most {most_lines} lines; choose a shorter period."
    detail_zh = "一份明细最多 {most_lines} 条，请缩短时间范围。"
