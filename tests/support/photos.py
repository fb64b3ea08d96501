"""Sending real photos, each of them another picture."""

import itertools
from functools import cache
from io import BytesIO
from random import Random

import httpx
from PIL import Image

from tests.support.caller import Caller

_numbers = itertools.count(1)


@cache
def jpeg(number: int) -> bytes:
    """Return a small JPEG; two numbers give pictures that nobody takes for one another."""
    spots = Random(number)  # noqa: S311 - a picture, not a secret
    image = Image.new("L", (9, 8))
    image.putdata([spots.randrange(256) for _ in range(72)])
    file = BytesIO()
    image.resize((90, 80), Image.Resampling.NEAREST).convert("RGB").save(file, "JPEG", quality=90)
    return file.getvalue()


def nearly(photo: bytes) -> bytes:
    """Return the same picture as another file."""
    file = BytesIO()
    Image.open(BytesIO(photo)).save(file, "JPEG", quality=60)
    return file.getvalue()


async def post_photo(caller: Caller, content: bytes) -> httpx.Response:
    """Send a file as wx.uploadFile does."""
    return await caller.http.post(
        "/v1/photos",
        files={"file": ("photo.jpg", content, "image/jpeg")},
        headers=caller.headers(),
    )


async def send_photo(caller: Caller, content: bytes | None = None) -> str:
    """Send a photo that nobody has sent before, or this one; return its number."""
    answer = await post_photo(caller, content or jpeg(next(_numbers)))
    assert answer.status_code == 201, answer.text
    photo_id: str = answer.json()["photo_id"]
    return photo_id


async def let_check_pass(moderator: Caller, number: str) -> None:
    """Let a moderator pass a photo, or a text by the number of what it belongs to."""
    answer = await moderator.post(f"/v1/staff/content-checks/{number}/pass")
    assert answer.status_code == 200, answer.text
