"""What activities and check-ins refuse."""

from app.core.problems import Conflict, Forbidden, Invalid, NotFound


class ActivityNotFound(NotFound):
    """There is no such activity in this community."""

    title_zh = "本社区没有这项活动"


class ActivityIsCancelled(Conflict):
    """This activity was cancelled."""

    title_zh = "该活动已取消"


class CheckInNotOpen(Conflict):
    """Check-in has not opened yet."""

    title_zh = "签到尚未开始"
    detail_en = "It opens at {opens_at}."
    detail_zh = "签到开始时间：{opens_at}。"


class CheckInClosed(Conflict):
    """Check-in has closed."""

    title_zh = "签到已结束"
    detail_en = "It closed at {closed_at}."
    detail_zh = "签到截止时间：{closed_at}。"


class NotYourActivity(Forbidden):
    """This activity belongs to a grid you do not work in."""

    title_zh = "该活动不在您负责的网格内"


class ActivityTimesWrong(Invalid):
    """An activity ends after it starts, within a week, and check-in surrounds its start."""

    title_zh = "活动时间有误：结束须晚于开始，且不超过七天"


class NoDailyCheckIn(NotFound):
    """This community has no daily check-in."""

    title_zh = "本社区未开启每日签到"
