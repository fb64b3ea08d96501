"""Access tokens of WeChat's double: stable ones, as POST /cgi-bin/stable_token gives them."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.doubles.wechat_answers import Refusal

TOKEN_LIFETIME = timedelta(hours=2)
RENEWED_BEFORE = timedelta(minutes=5)
FORCED_AT_MOST_EVERY = timedelta(seconds=30)
FORCED_A_DAY = 20


@dataclass(frozen=True)
class Token:
    text: str
    app_id: str
    expires_at: datetime


class Tokens:
    """The tokens of all apps. `asked` counts how often an app asked for one."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.asked: list[str] = []
        self._known: dict[str, Token] = {}
        self._latest: dict[str, Token] = {}
        self._forced_at: dict[str, list[datetime]] = {}

    def give(self, app_id: str, *, is_forced: bool) -> dict[str, Any]:
        """Return the app's token: the same one until shortly before its end, unless forced."""
        self.asked.append(app_id)
        now = self.clock()
        token = self._latest.get(app_id)
        if is_forced:
            self._count_forced(app_id, now)
            self.invalidate(app_id)
            token = None
        if token is None or now >= token.expires_at - RENEWED_BEFORE:
            token = Token(f"80_{secrets.token_urlsafe(96)}", app_id, now + TOKEN_LIFETIME)
            self._known[token.text] = self._latest[app_id] = token
        return {
            "access_token": token.text,
            "expires_in": int((token.expires_at - now).total_seconds()),
        }

    def invalidate(self, app_id: str) -> None:
        """Forget every token of the app, as when its secret was changed."""
        self._latest.pop(app_id, None)
        self._known = {text: token for text, token in self._known.items() if token.app_id != app_id}

    def app_id_of(self, text: str) -> str:
        if not text:
            raise Refusal(41001)
        if text not in self._known:
            raise Refusal(40001)
        if self.clock() >= self._known[text].expires_at:
            raise Refusal(42001)
        return self._known[text].app_id

    def _count_forced(self, app_id: str, now: datetime) -> None:
        forced = [at for at in self._forced_at.get(app_id, []) if now - at < timedelta(days=1)]
        if len(forced) >= FORCED_A_DAY:
            raise Refusal(45009)
        if forced and now - forced[-1] < FORCED_AT_MOST_EVERY:
            raise Refusal(45011)
        self._forced_at[app_id] = [*forced, now]
