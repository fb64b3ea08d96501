"""The floors' scripts: what PostgreSQL alone does, as separate statements or in one function.

A script in `floor/` is written by hand as separate statements. The function does word for word the
same: it is made of the script, each of its variables a parameter.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent / "floor"
WHO = "who"
DAYS = frozenset({"day", "week", "month", "lapses"})
_variable = re.compile(r"(?<!:):([a-z][a-z_]*)")
_ending = re.compile(r"(?:;| \\gset)$")
_alias = re.compile(r"\bAS ([a-z_]+)\b")


@dataclass(frozen=True, slots=True)
class Script:
    """What pgbench computes before a transaction, and the statements of it."""

    settings: str
    statements: list[str]
    is_transaction: bool

    @property
    def text(self) -> str:
        """Return it as separate statements."""
        body = "".join(f"{statement}\n" for statement in self.statements)
        return self.settings + (f"BEGIN;\n{body}COMMIT;\n" if self.is_transaction else body)


def read_script(name: str) -> Script:
    """Read a script of this folder, `who.sql` before it."""
    lines = [
        line
        for part in (WHO, name)
        for line in (SCRIPTS / f"{part}.sql").read_text("utf-8").splitlines()
        if not line.startswith("--")
    ]
    settings = [f"{line}\n" for line in lines if line.startswith("\\set")]
    rest = [line for line in lines if not line.startswith("\\set")]
    statements = list(_statements(rest))
    inner = [statement for statement in statements if statement not in ("BEGIN;", "COMMIT;")]
    return Script("".join(settings), inner, is_transaction=len(inner) < len(statements))


def _statements(lines: list[str]) -> Iterator[str]:
    statement: list[str] = []
    for line in lines:
        statement.append(line)
        if _ending.search(line):
            yield "\n".join(statement)
            statement = []


@dataclass(frozen=True, slots=True)
class Function:
    """A script as a function: how it is made, and how pgbench calls it."""

    definition: str
    call: str


def as_function(name: str, script: Script) -> Function:
    """Return the function that does what the script does, in the same order."""
    picked: dict[str, None] = {}
    body = []
    for statement in script.statements:
        words = _ending.sub("", statement)
        body.append(f"    {_step(words, statement, picked)};\n")
    used = dict.fromkeys(
        variable for statement in script.statements for variable in _variable.findall(statement)
    )
    given = [variable for variable in used if variable not in picked]
    parameters = ", ".join(
        f"p_{variable} {'date' if variable in DAYS else 'bigint'}" for variable in given
    )
    declared = "".join(f"    p_{variable} bigint;\n" for variable in picked)
    definition = (
        f"CREATE FUNCTION floor_{name}({parameters}) RETURNS void LANGUAGE plpgsql AS $$\n"
        f"DECLARE\n{declared}BEGIN\n{''.join(body)}END $$"
    )
    arguments = ", ".join(f":{variable}" for variable in given)
    return Function(definition, f"{script.settings}SELECT floor_{name}({arguments});\n")


def _step(words: str, statement: str, picked: dict[str, None]) -> str:
    """Return a statement as PL/pgSQL has it; what is picked goes to a variable."""
    inner = _variable.sub(r"p_\1", words)
    if statement.endswith("\\gset"):
        variable = _picked_by(words)
        picked[variable] = None
        if words.startswith("SELECT"):
            return f"p_{variable} := ({inner})"
        return f"{inner} INTO p_{variable}"
    if words.startswith(("SELECT", "WITH")):
        return f"PERFORM * FROM ({inner}) AS read"
    return inner


def _picked_by(words: str) -> str:
    """Return the name of the only column: the last one named, of a RETURNING, else the first."""
    at = words.rfind("RETURNING")
    match = _alias.search(words, max(at, 0))
    if match is None:
        raise ValueError(f"A statement picks a column without a name: {words}")
    return match[1]
