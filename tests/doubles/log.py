"""A community's log as a witness sees it: honest, unless a test makes it lie."""

import json
from collections.abc import Callable

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.ledger.seals.merkle import consistency_path, leaf_hash, root_of
from app.ledger.seals.notes import (
    Checkpoint,
    KeyKind,
    VerifierKey,
    sign_checkpoint,
    verifier_key,
)
from app.ledger.seals.receipts import encode

COMMUNITY = 7
ORIGIN = f"points.example.cn/communities/{COMMUNITY}"
ADDRESS = "https://points.example.cn"
# As it is before a test puts the double in its place.
Client = httpx.AsyncClient
Answer = Callable[[httpx.Request], httpx.Response]


class DoubleLog:
    """Answers as the public API does; what is in `instead` answers for a path's last word."""

    def __init__(self, lines: int = 3) -> None:
        self.private_key = Ed25519PrivateKey.generate()
        self.leaves = [leaf_hash(b"%d" % number) for number in range(lines)]
        self.asked: list[str] = []
        self.posted: list[str] = []
        self.shows_posted = True
        self.instead: dict[str, Answer] = {}

    @property
    def key(self) -> VerifierKey:
        return verifier_key(ORIGIN, KeyKind.LOG, self.private_key)

    def grow(self, lines: int) -> None:
        start = len(self.leaves)
        self.leaves += [leaf_hash(b"%d" % number) for number in range(start, start + lines)]
        self.posted = []

    def shrink(self, lines: int) -> None:
        del self.leaves[-lines:]
        self.posted = []

    def rewrite(self, number: int) -> None:
        """Change a line as somebody with the database and the key could."""
        self.leaves[number] = leaf_hash(b"rewritten")
        self.posted = []

    def note(self) -> str:
        checkpoint = Checkpoint(ORIGIN, len(self.leaves), root_of(self.leaves))
        return sign_checkpoint(checkpoint, [self.private_key])

    def client(self) -> httpx.AsyncClient:
        return Client(transport=httpx.MockTransport(self.send))

    def send(self, request: httpx.Request) -> httpx.Response:
        """Answer as a network does: what is sent is yet to be read."""
        answer = self.answer(request)
        stream = httpx.ByteStream(answer.content)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=stream)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        assert path.startswith(f"/v1/public/communities/{COMMUNITY}/")
        word = path.rpartition("/")[2]
        self.asked.append(word)
        if word in self.instead:
            return self.instead[word](request)
        match word:
            case "latest":
                lines = "".join(self.posted) if self.shows_posted else ""
                return httpx.Response(200, json={"note": self.note() + lines})
            case "consistency":
                return httpx.Response(200, json=self.proof(request))
            case "cosignatures":
                self.posted.append(json.loads(request.content)["line"])
                return httpx.Response(200, json={})
            case _:
                return httpx.Response(404, json={"code": "path_unknown"})

    def proof(self, request: httpx.Request) -> dict[str, object]:
        old, new = (int(request.url.params[name]) for name in ("from", "to"))
        hashes = [root_of(self.leaves[start:end]) for start, end in consistency_path(old, new)]
        return {"from_size": old, "to_size": new, "path": [encode(found) for found in hashes]}
