"""What setting the point policy refuses."""

from app.core.problems import Conflict, constraint_problems


class PointPolicyChangedMeanwhile(Conflict):
    """Somebody changed the point policy at the same moment; read it first."""

    title_zh = "刚刚有人修改了积分规则，请先查看"


constraint_problems |= {"pk_point_policies": PointPolicyChangedMeanwhile}
