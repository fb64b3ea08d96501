"""What can stand between people and their data, or the end of their account."""

from app.core.problems import Conflict, Gone, NotFound, constraint_problems


class DataExportNotFound(NotFound):
    """There is no such copy of your data."""

    title_zh = "没有找到这份个人信息副本"


class DataExportWaiting(Conflict):
    """A copy of your data is being made."""

    title_zh = "个人信息副本正在生成"
    detail_en = "You will find a message in your inbox when it is ready."
    detail_zh = "生成后会在消息里通知您，请稍后下载。"


class DataExportDestroyed(Gone):
    """This copy of your data has been destroyed."""

    title_zh = "这份个人信息副本已销毁"
    detail_en = "A copy is kept for a few days only; ask for another one."
    detail_zh = "副本只保留几天，需要时请重新申请。"


class ClosureNotFound(NotFound):
    """You have not asked for your account to be closed."""

    title_zh = "您没有申请注销账号"


class ClosureDue(Conflict):
    """It is too late: your account is being closed."""

    title_zh = "账号注销已开始，无法撤回"


constraint_problems["uq_data_exports_waiting"] = DataExportWaiting
