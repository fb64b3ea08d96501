"""Files drawn once the transaction is over, one at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from app.core.problems import Unavailable

# However many ask, one document is in memory: the largest take half a GB, a core and 4 seconds.
_drawer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="drawing")
# Whoever hangs up leaves their file in the queue: nobody is to wait behind hundreds of those.
MOST_WAITING = 16


class DrawingBusy(Unavailable):
    """Many files are being made just now; try again in a moment."""

    title_zh = "正在生成的文件较多，请稍后再试"
    detail_en = "Try again in {retry_after_seconds} seconds."
    detail_zh = "请在 {retry_after_seconds} 秒后重试。"


class _Queue:
    waiting = 0


def files_waiting() -> int:
    """Return how many files of this process are being drawn or wait for it."""
    return _Queue.waiting


class DrawnFile(Response):
    """A file drawn in a thread while the answer is sent: the drawing takes seconds.

    Made inside the transaction, so that one that is refused (DrawingBusy) leaves no trace.
    """

    def __init__(
        self, draw: Callable[[], bytes], *, media_type: str, filename: str | None = None
    ) -> None:
        if files_waiting() >= MOST_WAITING:
            raise DrawingBusy(retry_after_seconds=10)
        super().__init__(media_type=media_type)
        self._draw = draw
        # Names in the clear: not for a cache to keep.
        self._file_headers = {"Cache-Control": "no-store"}
        if filename is not None:
            self._file_headers["Content-Disposition"] = attachment(filename)

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content = await self._drawn()
        drawn = Response(content, media_type=self.media_type, headers=self._file_headers)
        await drawn(scope, receive, send)

    async def _drawn(self) -> bytes:
        _Queue.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(_drawer, self._draw)
        finally:
            _Queue.waiting -= 1


def attachment(filename: str) -> str:
    """Return the header for a file to keep, its name in any script (RFC 6266 and 5987)."""
    ending = filename.rpartition(".")[2]
    return f"attachment; filename=\"file.{ending}\"; filename*=UTF-8''{quote(filename, safe='')}"
