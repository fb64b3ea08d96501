"""What endpoints take from the application's state, as annotated dependencies."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.config import Settings
from app.core.signing import KeyRing


async def get_keys(request: Request) -> KeyRing:
    keys: KeyRing = request.app.state.keys
    return keys


async def get_settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


Keys = Annotated[KeyRing, Depends(get_keys)]
CurrentSettings = Annotated[Settings, Depends(get_settings)]
