"""Somebody who calls the API: signed in for real, with short ways to write a request."""

import itertools
from typing import Any

import httpx

_keys = itertools.count(1)


def fresh_key() -> str:
    """Return an Idempotency-Key that no other request of this run has."""
    return f"key-{next(_keys):08d}"


class Caller:
    """A client with an access token; answers are httpx responses."""

    def __init__(self, http: httpx.AsyncClient, tokens: dict[str, Any] | None = None) -> None:
        self.http = http
        self.tokens = tokens or {}

    def headers(self, key: str | None = None) -> dict[str, str]:
        headers = {"Accept-Language": "en"}
        if self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
        if key is not None:
            headers["Idempotency-Key"] = key
        return headers

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.http.get(path, params=params, headers=self.headers())

    async def post(
        self, path: str, body: dict[str, Any] | None = None, *, key: str | None = None
    ) -> httpx.Response:
        return await self.http.post(path, json=body or {}, headers=self.headers(key))

    async def put(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return await self.http.put(path, json=body, headers=self.headers())

    async def delete(self, path: str) -> httpx.Response:
        return await self.http.delete(path, headers=self.headers())

    async def post_once(self, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Post with a fresh Idempotency-Key."""
        return await self.post(path, body, key=fresh_key())


async def sign_in(http: httpx.AsyncClient, ticket: str) -> Caller:
    """Sign in by name through the local provider."""
    answer = await http.post("/v1/auth/local", json={"ticket": ticket})
    assert answer.status_code == 200, answer.text
    return Caller(http, answer.json())


def problem_code(answer: httpx.Response) -> str:
    """Return the code of a refusal, after checking that it is one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    code: str = answer.json()["code"]
    return code
