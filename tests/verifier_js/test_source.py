"""What the JavaScript verifier is written in: it has to run where mini-programs run."""

import re

from tests.verifier_js.node import VERIFIER, run_node

# Node brings a parser of its own that can be told which year's language to accept.
PARSE = """
const { parse } = require("internal/deps/acorn/acorn/dist/acorn");
const source = require("fs").readFileSync(0, "utf8");
try {
    parse(source, { ecmaVersion: Number(process.argv[1]), sourceType: "script" });
    console.log("parsed");
} catch (refused) {
    console.log(refused.message);
}
"""

WITHOUT_BIGINT = """
delete globalThis.BigInt;
const { sha256 } = require(process.argv[1]);
try {
    sha256("");
} catch (refused) {
    console.log(refused.code);
}
"""


def parsed(source: str, year: int) -> str:
    return run_node("--expose-internals", "-e", PARSE, str(year), given=source).strip()


def test_it_is_written_in_the_language_of_2017() -> None:
    source = VERIFIER.read_text(encoding="utf-8")
    assert parsed(source, 2017) == "parsed"
    assert parsed(f"{source}\nconst one = 1n;", 2020) == "parsed"
    assert parsed(f"{source}\nconst one = 1n;", 2017) != "parsed"


def test_it_has_no_power_operator_which_compilers_replace_by_one_for_floats_only() -> None:
    source = VERIFIER.read_text(encoding="utf-8")
    code = re.sub(r"/\*\*.*?\*/", "", source, flags=re.DOTALL)
    assert len(code) > 15_000
    assert "**" not in code
    assert "Math.pow" not in code


def test_it_can_be_read_in_one_sitting() -> None:
    lines = VERIFIER.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 600
    assert [line for line in lines if len(line) > 100] == []


def test_an_old_phone_is_told_so_and_not_before_it_asks() -> None:
    assert run_node("-e", WITHOUT_BIGINT, VERIFIER).strip() == "not_supported"
