"""How a statement names its lines and accounts to residents."""

from typing import Final

from app.ledger.models import TransferKind
from app.ledger.statement.schemas import OwnAccount

KIND_TITLES: Final = {
    TransferKind.AWARD: "获得积分",
    TransferKind.DEDUCTION: "扣除积分",
    TransferKind.SPEND: "兑换使用",
    TransferKind.REVERSAL: "撤销",
    TransferKind.EXPIRY: "过期清零",
    TransferKind.DECAY: "衰减",
    TransferKind.SAVING: "存入",
    TransferKind.WITHDRAWAL: "取出",
    TransferKind.DONATION: "捐赠",
    TransferKind.GIFT: "赠送",
    TransferKind.SETTLEMENT: "结算",
    TransferKind.CORRECTION: "更正",
}

ACCOUNT_TITLES: Final = {OwnAccount.WALLET: "积分钱包", OwnAccount.SAVINGS: "积分银行"}
