"""What can be wrong with asking for a seal."""

from app.core.problems import Conflict, Invalid, NotFound


class BookNotSealed(NotFound):
    """Nothing of this community's book is sealed yet, or there is no such community."""

    title_zh = "该社区的积分账本尚未开始存证"


class CheckpointUnknown(NotFound):
    """There is no such checkpoint of this community."""

    title_zh = "没有这个存证点"


class SigningKeyRevoked(Conflict):
    """Every key that signed this checkpoint was revoked since: nobody is to trust it from now on.

    Hang up a newer one.
    """

    title_zh = "签署该存证点的密钥已停用，请改用较新的存证点"


class NotSealedYet(Conflict):
    """This movement of points is not sealed yet; that takes less than a minute."""

    title_zh = "这笔积分尚未存证，通常一分钟内完成"
    detail_en = "Try again in {retry_after_seconds} seconds."
    detail_zh = "请在 {retry_after_seconds} 秒后重试。"


class SealedLater(Conflict):
    """This movement of points was sealed after that checkpoint was made."""

    title_zh = "这笔积分是在该存证点之后存证的"
    detail_en = "It is number {line_number} in the book; that checkpoint covers fewer."
    detail_zh = "这笔积分在账本中是第 {line_number} 笔，该存证点还没有包含它。"


class SizesNotInBook(Invalid):
    """Consistency is proven from a size to a larger one, and no further than is sealed."""

    title_zh = "存证编号有误"
    detail_en = "Ask for 1 ≤ from ≤ to ≤ {sealed_transfers}."
    detail_zh = "起始编号不能大于终止编号，终止编号不能大于 {sealed_transfers}。"
