"""What an operator types: a table of commands, each of which is loaded when it is asked for.

The whole application takes seconds to load, and most commands need little of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command
from typing_extensions import override

from app.cli.errors import CannotServe
from app.cli.loading import loading
from app.cli.plain import plain_app
from app.core.embedded import EmbeddedPostgresError
from app.core.sealing import MasterKeyUnusable


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: the module of app.cli whose Typer app it is, and what the list says of it."""

    module: str
    summary: str


COMMANDS: Mapping[str, Entry] = {
    "serve": Entry("serving", "Start the API; with its own database, jobs and a demo if no other."),
    "worker": Entry("working", "Run background jobs; start as many as you like beside `serve`."),
    "migrate": Entry("migrating", "Bring the database's schema up to date."),
    "demo": Entry("demonstrating", "Create the demo community, once, and show how to sign in."),
    "openapi": Entry("describing", "Write the OpenAPI documents: one whole, one per caller."),
    "verify": Entry("verifying", "Check a receipt offline, with nothing but public keys."),
    "audit": Entry("auditing", "Recompute every book from its transfers."),
    "community": Entry("communities", "Make communities (社区) from presets; grant roles in them."),
    "rules": Entry("rule_books", "Check, export and import a community's rule book (积分规则书)."),
    "keys": Entry("keys", "List, rotate and revoke signing keys."),
    "witness": Entry("witnessing", "Watch a community's book from outside. 账本见证。"),
}


class _Commands(TyperGroup):
    """The commands by name; a module is imported when its command runs or shows its own help."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # The names only, to be listed, and for "Did you mean …?": none is looked up in here.
        names: Any = dict.fromkeys(COMMANDS)
        self.commands = names

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        with loading():
            module = import_module(f"app.cli.{entry.module}")
        command = get_command(module.app)
        command.name = cmd_name
        return command

    @override
    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


app = plain_app("GridPoints 网格积分: points for a self-governing neighbourhood.")


@app.callback(cls=_Commands)
def gridpoints() -> None:
    """Do nothing by itself: what there is to do are the commands."""


def main() -> None:
    """Run the command line; an expected failure is one sentence, not a traceback."""
    try:
        app()
    except (EmbeddedPostgresError, MasterKeyUnusable, CannotServe) as reason:
        typer.echo(f"gridpoints: {reason}", err=True)
        raise SystemExit(1) from reason
