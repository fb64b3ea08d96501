"""What an audit cannot tell."""

from app.core.problems import NotFound


class NoAuditYet(NotFound):
    """This community's book has not been audited yet."""

    title_zh = "该社区的账本还没有核对过"
