"""Asking a community's log for checkpoints and proofs, and trusting nothing it answers."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import httpx

from app.ledger.seals.merkle import HASH_BYTES, MOST_HASHES
from app.ledger.seals.notes import NoteInvalid, decode

TIMEOUT_SECONDS = 10
MOST_ANSWER_BYTES = 65_536
# Compressed, a small answer could be a large one.
HEADERS = {"Accept-Encoding": "identity", "Cache-Control": "no-cache", "Accept-Language": "en"}
TRY_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


class Unanswered(Exception):
    """The log did not answer as it should; later it may. The message says what happened."""


class ProofRefused(Exception):
    """The log gives no proof, or something that is none."""


class LogClient:
    """The public part of the API, for one community."""

    def __init__(self, http: httpx.AsyncClient, url: str, community_id: int) -> None:
        self._http = http
        self._prefix = f"{url.rstrip('/')}/v1/public/communities/{community_id}"

    async def get_latest(self) -> str:
        """Return the latest checkpoint as a note, unchecked; raises Unanswered."""
        path = "/checkpoints/latest"
        status, answer = await self._ask("GET", path)
        note = answer.get("note") if isinstance(answer, dict) else None
        if status != HTTPStatus.OK or not isinstance(note, str):
            raise Unanswered(f"GET {path}: {_told(status, answer)}")
        return note

    async def get_consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """Return the hashes that should prove it; raises Unanswered, ProofRefused."""
        path = f"/consistency?from={old_size}&to={new_size}"
        status, answer = await self._ask("GET", path)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in TRY_LATER:
            raise Unanswered(f"GET {path}: {_told(status, answer)}")
        if status != HTTPStatus.OK:
            raise ProofRefused(f"the log refuses a proof: {_told(status, answer)}")
        hashes = answer.get("path") if isinstance(answer, dict) else None
        if not isinstance(hashes, list):
            raise ProofRefused("the log's answer is not a proof")
        return _read_hashes(hashes)

    async def post_cosignature(self, size: int, line: str) -> None:
        """Hand in a countersignature; raises Unanswered."""
        path = f"/checkpoints/{size}/cosignatures"
        status, answer = await self._ask("POST", path, {"line": line})
        if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise Unanswered(f"POST {path}: {_told(status, answer)}")

    async def _ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Return status and JSON; a redirect is an answer like any other, and not followed."""
        try:
            async with self._http.stream(
                method, self._prefix + path, json=body, headers=HEADERS,
                timeout=TIMEOUT_SECONDS, follow_redirects=False,
            ) as answer:  # fmt: skip
                content = await _read(answer)
        except httpx.HTTPError as failure:
            reason = f"{type(failure).__name__} {failure}".strip()
            raise Unanswered(f"{method} {path}: {reason}") from failure
        try:
            return answer.status_code, json.loads(content)
        except (ValueError, RecursionError):
            return answer.status_code, None


async def _read(answer: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in answer.aiter_raw():
        content += chunk
        if len(content) > MOST_ANSWER_BYTES:
            raise Unanswered(f"the answer is longer than {MOST_ANSWER_BYTES} bytes")
    return bytes(content)


def _read_hashes(texts: Sequence[object]) -> list[bytes]:
    # To either side of where the old tree ends; one with more is of no tree there can be.
    if len(texts) > 2 * MOST_HASHES:
        raise ProofRefused("the proof is longer than any")
    try:
        hashes = [decode(text) for text in texts if isinstance(text, str)]
    except NoteInvalid as wrong:
        raise ProofRefused(f"the proof: {wrong}") from wrong
    if len(hashes) != len(texts) or any(len(found) != HASH_BYTES for found in hashes):
        raise ProofRefused("the proof holds something that is not a hash")
    return hashes


def _told(status: int, answer: object) -> str:
    """Return the status, with the problem's code where there is one that looks like a code."""
    code = answer.get("code") if isinstance(answer, dict) else None
    is_code = isinstance(code, str) and code.isascii() and code.replace("_", "").isalpha()
    return f"{status} {code}" if is_code else str(status)
