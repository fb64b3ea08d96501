"""What campaigns refuse."""

from app.core.problems import Conflict, Invalid, NotFound, constraint_problems


class CampaignNotFound(NotFound):
    """There is no such campaign in this community."""

    title_zh = "没有找到这个主题活动"


class CampaignCodeTaken(Conflict):
    """This community already has a campaign of this code."""

    title_zh = "该主题活动代码已被使用"


class CampaignInThePast(Invalid):
    """A campaign never starts in the past."""

    title_zh = "主题活动不能从过去的日期开始"


class CampaignNamesUnknown(Invalid):
    """A rule, category or grid that the campaign names is not there."""

    title_zh = "主题活动涉及的规则、分类或网格不存在"
    detail_en = "Not found: {names}."
    detail_zh = "没有找到：{names}。"


class CampaignEndsEarlier(Conflict):
    """A campaign can only end earlier than planned, and not before now."""

    title_zh = "主题活动只能提前结束，且不能早于现在"


constraint_problems |= {
    "uq_campaigns_code": CampaignCodeTaken,
    "ck_campaigns_never_back_in_time": CampaignInThePast,
}
