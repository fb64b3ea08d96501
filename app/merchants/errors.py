"""What voucher verification refuses."""

from app.core.problems import Conflict, Forbidden, Invalid, NotFound, constraint_problems


class NotYourShop(Forbidden):
    """You are not a clerk of this shop."""

    title_zh = "您不是该商家的核销员"


class VoucherOfOtherShop(Forbidden):
    """This voucher is for another shop."""

    title_zh = "该券不能在本店使用"


class RequestNumberReused(Invalid):
    """This out_request_no was used for another request."""

    title_zh = "out_request_no 已用于其他请求"


class RequestUnknown(NotFound):
    """No request of this number was carried out; it is safe to send it again."""

    title_zh = "该请求未被执行，可放心重试"


class VerificationNotFound(NotFound):
    """There is no such confirmation of this shop."""

    title_zh = "没有找到本店的这笔核销"


class VerificationCancelled(Conflict):
    """This confirmation has been taken back already."""

    title_zh = "该笔核销已撤销"


class VoidWindowClosed(Conflict):
    """It is too late to take this confirmation back."""

    title_zh = "已超过可撤销时间"
    detail_en = "A shop may do so for {void_minutes} minutes."
    detail_zh = "核销后 {void_minutes} 分钟内可撤销。"


constraint_problems |= {"uq_verifications_cancelled": VerificationCancelled}
