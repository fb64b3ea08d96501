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


class RuleOfOtherDirection(Invalid):
    """This rule gives points where points should be taken, or the other way round."""

    title_zh = "该规则的加分/扣分方向不符"


constraint_problems |= {
    "uq_rules_code": RuleCodeTaken,
    "uq_campaigns_code": RuleCodeTaken,
    "uq_rule_versions_version": RuleCodeTaken,
}
