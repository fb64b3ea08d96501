"""Counts what goes over the wire: a relay in front of PostgreSQL's socket.

A statement is an Execute or a simple Query, BEGIN and COMMIT included; a round trip ends with a
ReadyForQuery. What a driver does behind its user's back is counted as well.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.embedded import ServerAddress

HEADER = 5  # a letter, and the length with itself
EXECUTE, QUERY, READY = b"E", b"Q", b"Z"


@dataclass(slots=True)
class Count:
    """What has gone through since the relay began."""

    statements: int = 0
    round_trips: int = 0

    def see(self, letter: bytes, *, is_answer: bool) -> None:
        if is_answer:
            self.round_trips += letter == READY
        else:
            self.statements += letter in (EXECUTE, QUERY)


@dataclass(frozen=True, slots=True)
class Relay:
    """Where to connect instead, and what was counted there."""

    address: ServerAddress
    count: Count

    def so_far(self) -> Count:
        return replace(self.count)


@contextmanager
def running_relay(server: ServerAddress, folder: Path) -> Iterator[Relay]:
    """Relay from a socket in a new folder, in a thread of its own, until the block ends."""
    folder.mkdir()
    relay = Relay(ServerAddress(folder, server.port), Count())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(_listen(relay, server), loop).result()
        yield relay
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listen(relay: Relay, server: ServerAddress) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_unix_connection(_path(server))
        await asyncio.gather(
            _pass_on(reader, behind_writer, relay.count, is_answer=False),
            _pass_on(behind_reader, writer, relay.count, is_answer=True),
        )

    await asyncio.start_unix_server(serve, _path(relay.address))


def _path(address: ServerAddress) -> Path:
    return address.socket_dir / f".s.PGSQL.{address.port}"


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Count, *, is_answer: bool
) -> None:
    """Pass on message by message; the first of a client has no letter."""
    letter_bytes = 1 if is_answer else 0
    with suppress(EOFError, ConnectionError):
        while True:
            head = await reader.readexactly(letter_bytes + HEADER - 1)
            length = int.from_bytes(head[letter_bytes:], "big")
            body = await reader.readexactly(length - (HEADER - 1))
            count.see(head[:letter_bytes], is_answer=is_answer)
            letter_bytes = 1
            writer.write(head + body)
            await writer.drain()
    writer.close()
