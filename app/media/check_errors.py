"""What content checks and the care of photos refuse."""

from app.core.problems import Conflict, Forbidden, Gone, NotFound, constraint_problems


class ContentCheckNotFound(NotFound):
    """There is nothing to check under this number."""

    title_zh = "没有找到这条待审核内容"


class ContentCheckDecided(Conflict):
    """Somebody has decided on this already."""

    title_zh = "该内容已由其他工作人员审核"


class OwnContent(Forbidden):
    """Your own content is for somebody else to decide on."""

    title_zh = "不能审核自己发布的内容"


class PhotoStillUsed(Conflict):
    """This photo belongs to a report and cannot be deleted by itself."""

    title_zh = "该照片已用于上报事项，不能单独删除"


class PhotoChanged(Conflict):
    """This photo was changed meanwhile; look at it again."""

    title_zh = "照片刚刚被修改，请刷新后重试"


class OriginalDestroyed(Gone):
    """The original of this photo has been destroyed; only the shown picture is left."""

    title_zh = "原始照片已按期销毁，仅保留展示图"


constraint_problems["ck_content_checks_not_own_content"] = OwnContent
