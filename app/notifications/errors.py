"""What the inbox refuses."""

from app.core.problems import NotFound


class MessageNotFound(NotFound):
    """There is no such message in your inbox."""

    title_zh = "没有找到该消息"
