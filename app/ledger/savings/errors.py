"""What the points bank refuses."""

from app.core.problems import Conflict


class SavingsOff(Conflict):
    """This community keeps no points bank."""

    title_zh = "本社区未开通积分银行"
    detail_en = "Points saved before can still be withdrawn."
    detail_zh = "此前存入的积分仍可转出。"
