"""What WeChat pushed to us (global: an event names no community)."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class WeChatPush(Model):
    """An event as it came, sealed; stored before it is acted on, once however often it comes."""

    __tablename__ = "wechat_pushes"

    push_key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    app_id: Mapped[str]
    event: Mapped[str]
    trace_id: Mapped[str | None]
    sealed_payload: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "trace_id"), Index(None, "received_at"))
