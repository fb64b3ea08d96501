"""What rules refuse."""

from app.core.problems import Conflict, Invalid, NotFound, constraint_problems


class RuleNotFound(NotFound):
    """There is no such rule in force in this community."""

    title_zh = "本社区没有这条生效中的积分规则"


class RuleCodeTaken(Conflict):
    """This community already has a rule of this code."""

    title_zh = "该规则代码已被使用"


class TooManyUnits(Invalid):
    """This rule does not allow so many units at once."""

    title_zh = "数量超出该规则的上限"
    detail_en = "At most {max_units} at once."
    detail_zh = "单次最多 {max_units}。"


class EffortMissing(Invalid):
    """This rule needs to know whether the effort was low, medium or high."""

    title_zh = "该规则需要注明强度：低、中或高"


class NotForYou(Conflict):
    """This rule is for another group of residents."""

    title_zh = "该规则不适用于您所属的人群"


class OtherMode(Invalid):
    """This rule counts only online, or only in person."""

    title_zh = "该规则的参与方式（线上/线下）不符"


class RuleOfOtherDirection(Invalid):
    """This rule gives points where points should be taken, or the other way round."""

    title_zh = "该规则的加分/扣分方向不符"


constraint_problems |= {
    "uq_rules_code": RuleCodeTaken,
    "uq_rule_versions_version": RuleCodeTaken,
}
