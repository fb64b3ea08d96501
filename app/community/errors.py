"""What the community room refuses."""

from app.core.problems import Conflict, Forbidden, NotFound, constraint_problems


class CommunityNotFound(NotFound):
    """There is no such community."""

    title_zh = "没有这个社区"


class BuildingNotFound(NotFound):
    """There is no such building in this community."""

    title_zh = "本社区没有这栋楼"


class GridNotFound(NotFound):
    """There is no such grid in this community."""

    title_zh = "本社区没有这个网格"


class ResidentNotFound(NotFound):
    """There is no such resident in this community."""

    title_zh = "本社区没有这位居民"


class JoinRequestNotFound(NotFound):
    """There is no such request to join that you may decide."""

    title_zh = "没有可由您处理的入住申请"


class JoinRequestDecided(Conflict):
    """This request has been decided already."""

    title_zh = "该申请已处理"


class JoinRequestPending(Conflict):
    """You have asked to join already; a worker will decide soon."""

    title_zh = "您已提交申请，请等待网格员审核"


class AlreadyAResident(Conflict):
    """You are a resident of this community already."""

    title_zh = "您已是本社区居民"


class OwnJoinRequest(Forbidden):
    """Nobody may decide their own request."""

    title_zh = "不能审核自己的申请"


class ResidentClaimed(Conflict):
    """This resident has an account already, or has left."""

    title_zh = "该居民已绑定账号或已迁出"


constraint_problems |= {
    "uq_join_requests_pending": JoinRequestPending,
    "uq_residents_person": AlreadyAResident,
    "ck_join_requests_not_own_request": OwnJoinRequest,
    "fk_join_requests_community_id_building_id": BuildingNotFound,
}
