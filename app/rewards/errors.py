"""What rewards refuse."""

from app.core.problems import Conflict, Gone, NotFound, constraint_problems


class RewardNotFound(NotFound):
    """There is no such reward in this community."""

    title_zh = "本社区没有这件商品"


class RewardNotOnSale(Conflict):
    """This reward is not on offer any more."""

    title_zh = "该商品已下架"


class OutOfStock(Conflict):
    """This reward is out of stock."""

    title_zh = "该商品已兑完"


class LimitReached(Conflict):
    """You have redeemed this reward as often as allowed."""

    title_zh = "您已达到该商品的兑换上限"
    detail_en = "At most {per_resident_limit} each."
    detail_zh = "每人限兑 {per_resident_limit} 份。"


class VoucherNotFound(NotFound):
    """There is no such voucher."""

    title_zh = "没有找到这张券"


class VoucherUsed(Conflict):
    """This voucher has been used."""

    title_zh = "该券已核销"


class VoucherCancelled(Gone):
    """This voucher was cancelled."""

    title_zh = "该券已取消"


class VoucherExpired(Gone):
    """This voucher has expired; its points were given back."""

    title_zh = "该券已过期，积分已退回"


constraint_problems |= {"ck_rewards_stock_not_negative": OutOfStock}
