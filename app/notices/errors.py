"""What public notices refuse."""

from app.core.problems import Conflict, Forbidden, Invalid, NotFound, constraint_problems


class NoticeNotFound(NotFound):
    """There is no such public notice in this community."""

    title_zh = "没有找到这条公示"


class NoticeClosed(Conflict):
    """The time of this notice is over."""

    title_zh = "公示期已结束，不能再留言或提出异议"


class NoticeWithdrawn(Conflict):
    """This notice was withdrawn: nothing will come of it."""

    title_zh = "该公示已撤回"


class NoticeHasNoLines(Invalid):
    """What this notice is about takes effect as a whole; leave `about_id` out."""

    title_zh = "该公示为整体内容，不能针对单独一项提出"


class TooManyRemarks(Conflict):
    """You have said all that one person may say to one notice."""

    title_zh = "您对这条公示的留言和异议已达上限"
    detail_en = "At most {most} per notice."
    detail_zh = "每条公示最多 {most} 条。"


class RemarkNotFound(NotFound):
    """There is no such comment or objection to this notice."""

    title_zh = "没有找到这条留言或异议"


class RemarkAnswered(Conflict):
    """This remark has been answered already."""

    title_zh = "这条留言或异议已答复"


class OwnRemark(Forbidden):
    """Nobody answers their own comment or objection."""

    title_zh = "不能答复自己提出的留言或异议"


class OwnAward(Forbidden):
    """Nobody answers what is said of an award of their own household."""

    title_zh = "不能答复针对本人或本户积分的留言或异议"


class JudgementMissing(Invalid):
    """Say whether the objection is upheld."""

    title_zh = "请注明异议是否成立"


class CommentNotJudged(Invalid):
    """Only an objection can be upheld or dismissed."""

    title_zh = "留言无需判定是否成立"


constraint_problems |= {"ck_notice_remarks_answered_by_another": OwnRemark}
