"""What gifts are refused for."""

from app.core.problems import Conflict


class GiftsOff(Conflict):
    """Residents of this community do not give points to each other."""

    title_zh = "本社区未开通积分赠送"


class GiftToOneself(Conflict):
    """This is your own code."""

    title_zh = "不能给自己赠送积分"


class GiftLimitReached(Conflict):
    """This is more than you may still give this month."""

    title_zh = "超过本月可赠送的积分"
    detail_en = "You may give {left_points} more points this month."
    detail_zh = "您本月还可赠送 {left_points} 分。"
