"""What the cases room refuses."""

from app.core.problems import Conflict, Forbidden, Invalid, NotFound, constraint_problems


class CaseNotFound(NotFound):
    """There is no such case that you may see."""

    title_zh = "没有找到该事件"


class CategoryNotFound(NotFound):
    """There is no such category in this community."""

    title_zh = "本社区没有这个事件类别"


class StatusNotFound(NotFound):
    """There is no such status for the present step of the case."""

    title_zh = "当前环节没有这个处理状态"


class CasePhotoNotFound(NotFound):
    """One of the photos is not yours, or no longer there; send it again."""

    title_zh = "照片不存在或不是您上传的，请重新上传"


class PhotoInUse(Conflict):
    """This photo belongs to a case already."""

    title_zh = "这张照片已用于其他事件"


class PlaceMissing(Invalid):
    """Say where it is: a position on the map, or a building."""

    title_zh = "请在地图上选点，或选择楼栋"


class NoGridHere(Invalid):
    """This place lies in no grid of the community, so nobody could see to it."""

    title_zh = "该位置不在本社区任何网格内，请重新选点或选择楼栋"


class ResidentUnnamed(Invalid):
    """Say for whom: either a resident's number or the code of their phone or card."""

    title_zh = "请选择居民，或扫描居民码 / 纸质积分卡（二选一）"


class CaseMovedOn(Conflict):
    """The case has moved on; this is no longer possible.

    Raised with the extensions `state` and `stands_at`, its status as people read it.
    """

    title_zh = "事件状态已变化，无法执行此操作"
    detail_en = "The case is now “{stands_at}”; look at it again."
    detail_zh = "该事件当前为“{stands_at}”，请刷新后再操作。"


class OwnCase(Forbidden):
    """Nobody handles what they have reported themselves; another worker must."""

    title_zh = "不能处理自己上报的事件，请由其他网格员处理"


class OwnCaseJoined(Conflict):
    """You have reported this yourself; there is nothing to join."""

    title_zh = "这是您自己上报的事件，无需再次附议"


class DuplicateOfItself(Invalid):
    """A case can only be joined to another open case."""

    title_zh = "只能并入另一件未办结的事件"


class ConfirmationClosed(Conflict):
    """The time to confirm or object is over; report it anew if it is still there."""

    title_zh = "确认期已过；如问题仍在，请重新上报"


class BouncedTooOften(Forbidden):
    """This case has been passed on too often; the committee decides whose it is."""

    title_zh = "该事件已多次转派，须由居委会指定办理网格"


class GridHasNoSuchWorker(Invalid):
    """This person is not a worker of that grid."""

    title_zh = "该人员不是此网格的网格员"


constraint_problems |= {
    "pk_case_photos": PhotoInUse,
    "ck_cases_not_its_own_duplicate": DuplicateOfItself,
}
