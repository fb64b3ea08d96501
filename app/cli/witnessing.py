"""`gridpoints witness`: watch a community's book from outside, and countersign its checkpoints."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import httpx
import typer

from app.cli.log_client import LogClient, Unanswered
from app.cli.note_keys import (
    WitnessKey,
    new_witness_key,
    parse_witness_key,
    trusted_keys,
)
from app.cli.plain import plain_app
from app.cli.verifying import printable
from app.cli.watching import Alarm, Seen, Witness
from app.cli.witness_memory import Memory, MemoryUnusable
from app.core.transactions import system_clock
from app.ledger.seals.notes import KeyKind, NoteInvalid, VerifierKey

ALARM, UNANSWERED = 1, 3

app = plain_app("Watch a community's book from outside and countersign it. 账本见证。")

Name = Annotated[
    str, typer.Argument(help="Your name under checkpoints, such as witness.example.cn/office.")
]
NewKeyFile = Annotated[
    Path, typer.Option("--file", help="Where to keep the private key; a new file.")
]
Url = Annotated[str, typer.Argument(help="The service's address, https://….")]
Community = Annotated[int, typer.Option(min=0, help="The community's number.")]
LogKeys = Annotated[
    list[str],
    typer.Option(
        "--log-key", metavar="KEY",
        help="A public key of the community's book, name+id+key, or @FILE; repeat for a rotation.",
    ),
]  # fmt: skip
KeyFile = Annotated[Path, typer.Option("--key-file", help="The file that new-key wrote.")]
State = Annotated[
    Path, typer.Option("--state", help="What is remembered of this book; do not lose it.")
]
# Caches may show the latest checkpoint for 10 seconds: asked more often, two of them could seem to
# go back.
Every = Annotated[float, typer.Option(min=15, help="Seconds between two looks.")]
Once = Annotated[bool, typer.Option("--once", help="Look once, as from cron.")]


@app.command(name="new-key")
def new_key(name: Name, file: NewKeyFile) -> None:
    """Make your key pair; print the public key, which the operator adds to GRIDPOINTS_WITNESSES."""
    try:
        key = new_witness_key(name)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except NoteInvalid:
        raise typer.BadParameter("a name has no spaces and no +.", param_hint="NAME") from None
    except OSError as failure:
        reason = f"{file}: {failure.strerror}; no key is ever overwritten."
        raise typer.BadParameter(reason, param_hint="--file") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as kept:
        kept.write(f"{key.written()}\n")
    typer.echo(str(key.public))


@app.command()
def watch(
    url: Url,
    community: Community,
    log_keys: LogKeys,
    key_file: KeyFile,
    state: State,
    every: Every = 60,
    *,
    once: Once = False,
) -> None:
    r"""Countersign each checkpoint that grew out of the last one seen. 持续见证社区账本。

    What was seen stands in the state file. If the book shrinks, differs from what was seen, or
    cannot prove that it begins with it, nothing is signed, both checkpoints are kept beside the
    state file as evidence, and the command ends with status 1: the book was rewritten, or
    somebody stands between you and it.

    This machine needs no address of its own: it asks, nobody calls it. One state file for each
    community. Get the book's key from the printed notice, not from the service.

    Exit status: 0 after --once, 1 alarm, 2 used wrongly, 3 no answer to --once.
    """  # noqa: D400 - both languages in the first line
    keys = _log_keys(log_keys, community)
    witness = Witness(_read_key(key_file), keys, Memory(state))
    try:
        with witness.memory.kept_to_ourselves():
            asyncio.run(_watch(witness, _address(url), community, every=every, once=once))
    except Alarm as alarm:
        _raise_alarm(alarm, witness.memory)
    except MemoryUnusable as unusable:
        raise typer.BadParameter(f"{unusable}.", param_hint="--state") from None
    except Unanswered as failure:
        typer.echo(printable(f"No answer: {failure}"), err=True)
        raise typer.Exit(UNANSWERED) from None


async def _watch(
    witness: Witness, url: str, community_id: int, *, every: float, once: bool
) -> None:
    async with httpx.AsyncClient() as http:
        log = LogClient(http, url, community_id)
        while True:
            try:
                _show(await witness.look(log, now=system_clock()))
            except Unanswered as failure:
                if once:
                    raise
                typer.echo(printable(f"No answer, trying again: {failure}"), err=True)
            if once:
                return
            await asyncio.sleep(every)


def _show(seen: Seen) -> None:
    if seen.is_first:
        typer.echo("First look: this checkpoint is taken as it is, later ones are held against it.")
    if seen.is_signed:
        typer.echo(f"Countersigned {seen.checkpoint.origin} at {seen.checkpoint.size} lines.")


def _raise_alarm(alarm: Alarm, memory: Memory) -> NoReturn:
    typer.echo(printable(f"ALARM 警报: {alarm}"), err=True)
    typer.echo("Nothing was signed. 未签名。", err=True)
    for note in alarm.notes:
        try:
            typer.echo(f"  evidence 证据: {memory.keep_evidence(note)}", err=True)
        except MemoryUnusable as unusable:
            typer.echo(f"{unusable}. Copy it from here:\n{note!r}", err=True)
    typer.echo("Keep these files, and show them to the community and the operator.", err=True)
    raise typer.Exit(ALARM)


def _log_keys(words: Sequence[str], community_id: int) -> list[VerifierKey]:
    keys = trusted_keys(words, KeyKind.LOG, "--log-key")
    names = {key.name for key in keys}
    if len(names) > 1 or not keys[0].name.endswith(f"/{community_id}"):
        reason = f"these are not all of community {community_id}: {', '.join(sorted(names))}."
        raise typer.BadParameter(reason, param_hint="--log-key")
    return keys


def _read_key(path: Path) -> WitnessKey:
    try:
        return parse_witness_key(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, NoteInvalid):
        reason = f"{path} cannot be read as a witness's private key."
        raise typer.BadParameter(reason, param_hint="--key-file") from None


def _address(url: str) -> str:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL("")
    is_plain = not address.query and not address.fragment and not address.userinfo
    if address.scheme not in {"http", "https"} or not address.host or not is_plain:
        raise typer.BadParameter("give the service's address, https://….", param_hint="URL")
    return url
