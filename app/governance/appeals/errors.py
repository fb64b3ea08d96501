"""What appeals refuse."""

from app.core.problems import Conflict, Forbidden, Invalid, NotFound, constraint_problems


class AppealSubjectNotFound(NotFound):
    """There is nothing of yours here to appeal against."""

    title_zh = "没有找到您可以申诉的记录"


class AppealNotFound(NotFound):
    """There is no such appeal."""

    title_zh = "没有找到这件申诉"


class AppealTooLate(Conflict):
    """The time to appeal against this is over."""

    title_zh = "已超过申诉期限"
    detail_en = "The last day for it was {last_day}."
    detail_zh = "申诉的最后一天是 {last_day}。"


class AppealAlreadyFiled(Conflict):
    """An appeal against this has been filed already."""

    title_zh = "该事项已提出过申诉"


class AppealClosed(Conflict):
    """This appeal has been decided or withdrawn already."""

    title_zh = "该申诉已办结或已撤回"


class FilesThemselves(Conflict):
    """This resident has an account and files appeals on their own phone."""

    title_zh = "该居民已绑定手机账号，请由本人提出申诉"


class YouWereInvolved(Forbidden):
    """You took part in what this appeal is against; somebody else must decide it."""

    title_zh = "您参与过该事项的处理，须由其他人裁定"


class OwnHouseholdAppeal(Forbidden):
    """Nobody decides an appeal of their own household."""

    title_zh = "不能裁定本户居民的申诉"


class CorrectionMissing(Invalid):
    """Say what is to be put right."""

    title_zh = "请填写更正内容"


class CorrectionUnfit(Invalid):
    """This cannot be corrected in that way."""

    title_zh = "更正内容与申诉类型或裁定不符"


class LessThanBefore(Conflict):
    """An appeal never makes it worse: the correction would give less than what stands."""

    title_zh = "申诉不加重：更正后的积分少于现有积分"
    detail_en = "It would give {points} points; {standing_points} stand."
    detail_zh = "更正后为 {points} 分，现有 {standing_points} 分。"


constraint_problems |= {
    "uq_appeals_subject": AppealAlreadyFiled,
    "ck_appeals_decided_by_uninvolved": YouWereInvolved,
    "ck_appeals_not_of_the_household": OwnHouseholdAppeal,
}
