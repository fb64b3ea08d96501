"""What is refused of witnesses."""

from app.core.problems import Forbidden, Invalid


class WitnessUnknown(Forbidden):
    """No witness is registered here with this name and key."""

    title_zh = "该见证方尚未登记"
    detail_en = "The operator registers a witness by its public key."
    detail_zh = "请将见证方公钥交由运营方登记。"


class WitnessClockWrong(Invalid):
    """The witness signed at a time that cannot be: set its clock, and sign again."""

    title_zh = "见证签名的时间有误，请校准时钟后重新签名"


class CosignatureWrong(Invalid):
    """This is not a countersignature of this checkpoint."""

    title_zh = "见证签名与该存证点不符"
