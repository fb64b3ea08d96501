"""What rule books refuse."""

from app.core.problems import Conflict, Invalid


class RuleBookFaulty(Invalid):
    """The rule book has mistakes; each is named with its line."""

    title_zh = "规则书有误，请按行号逐条修改"


class NothingToPropose(Conflict):
    """The rules in force already say this."""

    title_zh = "与现行规则一致，没有需要公示的改动"


class RuleChangeComing(Conflict):
    """A change of this rule is adopted, but not in force yet; a file of today would undo it."""

    title_zh = "该规则已有一项变更通过，尚未生效"
    detail_en = (
        "It concerns {rule_code}. Export the book again once it is in force, or propose a change "
        "of this rule by itself."
    )
    detail_zh = "涉及规则 {rule_code}。请在其生效后重新导出规则书，或单独提出对该规则的变更。"


class RulesInUse(Conflict):
    """Rules that have given points change by public notice only."""

    title_zh = "已有积分往来，规则的改动须经公示"
