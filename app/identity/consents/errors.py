"""What consents refuse."""

from app.core.problems import Conflict, Forbidden, Invalid, NotFound, constraint_problems


class ConsentRequired(Forbidden):
    """This needs your consent first."""

    title_zh = "需要您先同意相关条款"
    detail_en = "Read version {version} of the privacy policy and agree to the purpose named."
    detail_zh = "请阅读第 {version} 版隐私政策，并同意其中的相应用途。"


class PrivacyPolicyNotFound(NotFound):
    """This community has published no privacy policy."""

    title_zh = "该社区尚未发布隐私政策"


class PolicyVersionUnknown(Invalid):
    """There is no such version of the privacy policy yet."""

    title_zh = "没有这个版本的隐私政策"
    detail_en = "The newest is version {newest_version}."
    detail_zh = "最新为第 {newest_version} 版。"


class PolicyReplaced(Conflict):
    """The privacy policy has been replaced; read the newest version and decide on that."""

    title_zh = "隐私政策已更新，请阅读新版本后再决定"
    detail_en = "The newest is version {newest_version}."
    detail_zh = "最新为第 {newest_version} 版。"


class PurposeUnknown(Invalid):
    """The privacy policy names no such purpose."""

    title_zh = "隐私政策中没有这个用途"


class PurposeRequired(Conflict):
    """The service cannot do without this purpose; close your account to end it."""

    title_zh = "这是使用本服务所必需的用途，如需撤回请注销账号"
    detail_en = "Closing the account deletes your personal data; other purposes can be withdrawn."
    detail_zh = "注销账号后将删除您的个人信息；其他用途可以单独撤回。"


class PolicyPublishedMeanwhile(Conflict):
    """Somebody published another version at the same moment; read it first."""

    title_zh = "刚刚有人发布了新版本，请先查看"


class ConsentGivenMeanwhile(Conflict):
    """You gave this consent at the same moment elsewhere."""

    title_zh = "您刚刚已在别处同意"


constraint_problems |= {
    "pk_privacy_policies": PolicyPublishedMeanwhile,
    "uq_consents_standing": ConsentGivenMeanwhile,
}
