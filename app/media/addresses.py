"""Addresses at which a photo can be fetched for a while, by whoever has them.

An object store signs them itself; for a folder they lead to `/v1/photos/file/…` and carry a
token of ours. Nothing is asked of the database or the network, so a list costs no more than
its signatures. Another picture of the same photo, as after a redaction, has another address: a
phone may show the copy it has of the old one.
"""

from datetime import datetime, timedelta

from app.media.keeper import file_mark
from app.media.links import WINDOW_SECONDS, PhotoLink, read_link, sign_link
from app.media.storage import PhotoStore

SHOWN_FOR = timedelta(hours=1)
# WeChat fetches a picture within its 30 minutes, usually at once.
CHECKED_FOR = timedelta(hours=2)


class PhotoLinks:
    """Makes and reads links; hand one out only to those who may see the photo."""

    def __init__(self, store: PhotoStore, secret: bytes, base_url: str) -> None:
        self._store = store
        self._secret = secret
        self._base_url = base_url.rstrip("/")

    async def url(
        self,
        community_id: int,
        photo_id: int,
        served_key: str,
        *,
        now: datetime,
        lasting: timedelta = SHOWN_FOR,
    ) -> str:
        """Return an address for `lasting`, and up to 15 minutes longer."""
        seconds = int(lasting.total_seconds())
        presigned = await self._store.presigned_url(served_key, seconds + WINDOW_SECONDS)
        if presigned is not None:
            return presigned
        token = sign_link(
            self._secret,
            community_id=community_id,
            photo_id=photo_id,
            variant="served",
            expires_at=now + lasting,
        )
        return f"{self._base_url}/v1/photos/file/{token}?file={file_mark(served_key)}"

    async def url_for_check(
        self, community_id: int, photo_id: int, served_key: str, *, attempt: int, now: datetime
    ) -> str:
        """Return an address for WeChat, another for each attempt: it takes none twice."""
        url = await self.url(community_id, photo_id, served_key, now=now, lasting=CHECKED_FOR)
        is_ours = url.startswith(f"{self._base_url}/v1/photos/file/")
        return f"{url}&attempt={attempt}" if is_ours else url

    def read(self, token: str, *, now: datetime) -> PhotoLink:
        """Return what a token opens; raises PhotoLinkInvalid or PhotoLinkExpired."""
        return read_link(self._secret, token, now=now)
