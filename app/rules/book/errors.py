"""What rule books refuse."""

from app.core.problems import Conflict, Invalid


class RuleBookFaulty(Invalid):
    """The rule book has mistakes; each is named with its line."""

    title_zh = "规则书有误，请按行号逐条修改"


class NothingToPropose(Conflict):
    """The rules in force already say this."""

    title_zh = "与现行规则一致，没有需要公示的改动"


class RulesInUse(Conflict):
    """Rules that have given points change by public notice only."""

    title_zh = "已有积分往来，规则的改动须经公示"
