"""A second organisation that runs `gridpoints witness` against a double."""

from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner, Result

from app.cli.commands import app
from app.cli.log_client import LogClient
from app.cli.note_keys import parse_witness_key
from app.cli.watching import Witness
from app.cli.witness_memory import Memory
from app.ledger.seals.notes import Checkpoint, parse_note
from tests.doubles.log import ADDRESS, COMMUNITY, DoubleLog

NOW = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
NAME = "witness.example.cn/office"


class Office:
    """A second organisation with a key and a folder, watching a log."""

    def __init__(self, folder: Path, log: DoubleLog) -> None:
        self.log = log
        self.state = folder / "state" / "book.note"
        self.state.parent.mkdir()
        self.key_file = folder / "witness.key"
        made = run("new-key", NAME, "--file", str(self.key_file))
        assert made.exit_code == 0, made.stderr
        self.key = parse_witness_key(self.key_file.read_text(encoding="utf-8"))

    def watch(self, *words: str, log_keys: tuple[str, ...] | None = None) -> Result:
        """Run `gridpoints witness watch`, once."""
        keys = log_keys or (str(self.log.key),)
        trusted = [word for key in keys for word in ("--log-key", key)]
        return run(
            "watch", ADDRESS, "--community", str(COMMUNITY), *trusted,
            "--key-file", str(self.key_file), "--state", str(self.state), "--once", *words,
        )  # fmt: skip

    async def look(self) -> None:
        """Look once, without the command around it."""
        witness = Witness(self.key, [self.log.key], Memory(self.state))
        async with self.log.client() as http:
            await witness.look(LogClient(http, ADDRESS, COMMUNITY), now=NOW)

    def remembered(self) -> Checkpoint:
        checkpoint, _ = parse_note(self.state.read_text(encoding="utf-8"))
        return checkpoint

    def evidence(self) -> set[str]:
        return {path.read_text() for path in self.state.parent.glob("*.evidence-*")}


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["witness", *words])
