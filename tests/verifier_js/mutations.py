"""Ways to change a receipt: some that mean nothing, most that must be refused."""

import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from app.ledger.seals.notes import KeyKind, Signature, cosign, verifier_key
from tests.verifier_js.sealed import (
    LOG,
    ORIGIN,
    WITNESS,
    checkpoint,
    private_key,
    proof,
    signed,
    write,
)

Json = dict[str, Any]

# As JSON: Python's own reader takes more than the RFC does, and tells numbers apart.
VALUES = (
    "null", "true", "0", "-0", "1", "-1", "1.0", "1e0", "01", "+1", "0x1", "1.", ".5", "NaN",
    "Infinity", "9007199254740991", "9007199254740992", "-9007199254740993", "1" * 400, '""',
    '"1"', '"3"', '"\\u0033"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00\\ud83d"', '"\\u12"',
    '"\\x41"', '"\\/"', '"a\tb"', '"a\x7f\u2028\ufeff"', "'a'", "[]", "{}", "[1]", '{"a":1}', '"',
    '{"__proto__":null}', "undefined", "",
)  # fmt: skip
NAMES = (
    "", "memo", "points", "__proto__", "toString", "constructor", "length", "entry", "salt",
    "Points", "pоints", "hidden", "version",
)  # fmt: skip
SPACES = (" ", "\n", "\t", "\r\n", "\u00a0", "\ufeff", "\x0b", "\x0c", "\u2028", "/**/", "\0")
# Between what Python, JavaScript and RFC 8259 call a space lies a difference or two.
ODD = ("\x1c", "\x85", "\xa0", "\u180e", "\u200b", "\u2028", "\u3000", "\ufeff", "+", " ", "", "é")
INDEXES = ("-1", "00", "01", "1e1", " 1", "１", "21", "4294967301", "99999999999999999999", "")


def mutated(random: Random, found: Json) -> str:
    """Return a receipt that is changed in one way or another, or in two."""
    changed = copy.deepcopy(found)
    if random.random() < 0.5:
        random.choice(IN_OBJECTS)(random, changed)
        return write(changed)
    return random.choice(IN_TEXT)(random, write(changed))


def _objects(found: Json) -> list[Json]:
    inner = [value for value in found.values() if isinstance(value, dict)]
    return [found] + [deeper for value in inner for deeper in _objects(value)]


def _swap_values(random: Random, found: Json) -> None:
    holder = random.choice(_objects(found))
    if holder:
        first, second = random.choices(list(holder), k=2)
        holder[first], holder[second] = holder[second], holder[first]


def _drop_a_name(random: Random, found: Json) -> None:
    holder = random.choice(_objects(found))
    if holder:
        del holder[random.choice(list(holder))]


def _add_a_name(random: Random, found: Json) -> None:
    random.choice(_objects(found))[random.choice(NAMES)] = random.choice([None, 1, "1", {}])


def _reorder(random: Random, found: Json) -> None:
    for holder in _objects(found):
        items = list(holder.items())
        random.shuffle(items)
        holder.clear()
        holder.update(items)


def _change_proof_lines(random: Random, found: Json) -> None:
    lines = found["proof"].split("\n")
    at = random.randrange(len(lines))
    lines[at : at + random.randrange(2)] = random.choices(
        [*lines, "", "—", "index 5", f"— a{random.choice(ODD)}b AAAAAAA="], k=random.randrange(3)
    )
    found["proof"] = "\n".join(lines)


def _change_index(random: Random, found: Json) -> None:
    index = random.choice([*INDEXES, *map(str, range(21))])
    found["proof"] = re.sub("index [0-9]+", f"index {index}", found["proof"])


def _add_a_signature(random: Random, found: Json) -> None:
    name = f"other{random.choice(ODD)}log"
    body = random.randbytes(random.choice([1, 4, 64, 72]))
    found["proof"] += str(Signature(name, random.randbytes(4), body)) * random.choice(
        [1, 1, 61, 62]
    )


def _countersign_again(random: Random, found: Json) -> None:
    days = random.choice([0, 1, 365 * 7000])
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)
    size = random.choice([21, 21, 20])
    found["proof"] += cosign(checkpoint(size), WITNESS, private_key("witness"), now=now)


def _lead_nowhere(random: Random, found: Json) -> None:
    size = random.randrange(8, 21)
    found["proof"] = proof(random.randrange(size), size, signed(checkpoint(size)))


def _replace_a_value(random: Random, text: str) -> str:
    values = list(re.finditer(r'(?<=": )("(?:[^"\\]|\\.)*"|-?\d+|null|\{\})', text))
    at = random.choice(values)
    return text[: at.start()] + random.choice(VALUES) + text[at.end() :]


def _name_twice(random: Random, text: str) -> str:
    at = random.choice(list(re.finditer(r'"(\w+)": ("[^"]*"|-?\d+|null)(?=,?\n)', text)))
    name = at[1] if random.randrange(2) else f"\\u{ord(at[1][0]):04x}{at[1][1:]}"
    return f'{text[: at.start()]}"{name}": {at[2]},{text[at.start() :]}'


def _add_space(random: Random, text: str) -> str:
    at = random.choice([0, len(text), *(found.start() for found in re.finditer("[{}:,\n]", text))])
    return text[:at] + random.choice(SPACES) + text[at:]


def _escape(random: Random, text: str) -> str:
    escapes = [r"\u{:04x}", r"\u{:04X}", r"\U{:04x}", r"\x{:02x}", r"\u{:03x}"]
    at = random.choice(list(re.finditer(r"(?<=\w)[a-z0-9](?=\w)", text)))
    return text[: at.start()] + random.choice(escapes).format(ord(at[0])) + text[at.end() :]


def _change_a_character(random: Random, text: str) -> str:
    at = random.randrange(len(text))
    new = random.choice(["", "0", "a", '"', "\\", ",", "}", "\n", "\x00", "é", "𠮷", text[at] * 2])
    return text[:at] + new + text[at + 1 :]


def _tell_of_a_comma(random: Random, text: str) -> str:
    at = random.choice([found.start() for found in re.finditer("[{},]", text)])
    return text[:at] + "," + text[at:]


def _cut(random: Random, text: str) -> str:
    return random.choice(
        [text[: random.randrange(len(text))], text + "{}", f"[{text}]", text + text]
    )


IN_OBJECTS: Sequence[Callable[[Random, Json], None]] = (
    _swap_values, _drop_a_name, _add_a_name, _reorder, _change_proof_lines, _change_index,
    _add_a_signature, _countersign_again, _lead_nowhere,
)  # fmt: skip
IN_TEXT: Sequence[Callable[[Random, str], str]] = (
    _replace_a_value, _replace_a_value, _name_twice, _add_space, _escape, _change_a_character,
    _tell_of_a_comma, _cut,
)  # fmt: skip


def _with(*path: str, value: Any) -> Callable[[Json], str]:
    def forge(found: Json) -> str:
        holder = found
        for name in path[:-1]:
            holder = holder[name]
        holder[path[-1]] = value
        return write(found)

    return forge


def _in_proof(pattern: str, new: str) -> Callable[[Json], str]:
    def forge(found: Json) -> str:
        changed = re.sub(pattern, new, found["proof"], count=1)
        assert changed != found["proof"]
        return write(found | {"proof": changed})

    return forge


def _in_book_of(community: int) -> Callable[[Json], str]:
    def forge(found: Json) -> str:
        entry = found["entry"] | {"community": str(community)}
        return write(found | {"entry": entry})

    return forge


def _cosigned(time: int) -> Callable[[Json], str]:
    """Countersign at a time that no date has."""

    def forge(found: Json) -> str:
        text = f"cosignature/v1\ntime {time}\n{checkpoint(21).text}"
        key = verifier_key(WITNESS, KeyKind.WITNESS, private_key("witness"))
        body = time.to_bytes(8, "big") + private_key("witness").sign(text.encode())
        return write(found | {"proof": found["proof"] + str(Signature(WITNESS, key.key_id, body))})

    return forge


def _signed_with(text: str) -> Callable[[Json], str]:
    """Let the log sign a note that is not a checkpoint of three lines."""

    def forge(found: Json) -> str:
        head = checkpoint(21)
        key = verifier_key(head.origin, KeyKind.LOG, LOG)
        line = str(Signature(key.name, key.key_id, LOG.sign(text.encode())))
        return write(found | {"proof": proof(5, 21, f"{text}\n{line}")})

    return forge


FORGERIES: Mapping[str, Sequence[Callable[[Json], str]]] = {
    "not_a_receipt": [
        lambda _: "",
        lambda _: "{",
        lambda _: "null",
        lambda _: "[" * 30_000,
        lambda _: '{"a":' * 10_000,
        lambda _: '"' + "\\u0041" * 10_000,
        lambda found: json.dumps(found) + "\ufeff",
        lambda found: "\ufeff" + json.dumps(found),
        lambda found: json.dumps(found).replace('"points": 5', '"points": 5, "points": 5'),
        lambda found: json.dumps(found).replace('"points": 5', '"points": 5.0'),
        _with("extra", value=1),
        _with("opened", "memo", "salt", value="00"),
    ],
    "format_unknown": [_with("format", value="gridpoints-receipt@v2")],
    "entry_unknown": [
        _with("entry", "version", value=2),
        _with("entry", "points", value="5"),
        _with("entry", "more", value="5"),
        _with("entry", "hidden", value={}),
        _with("entry", "hidden", "memo", value=None),
    ],
    "value_wrong": [
        _with("opened", "memo", "value", value="changed"),
        _with("opened", "toString", value={"salt": "0" * 64, "value": ""}),
    ],
    "proof_malformed": [
        _in_proof("@v1", "@v2"),
        _in_proof("index 5", "index 05"),
        _in_proof("\n\n", "\nAAAA\n\n"),
        _with("proof", value=""),
        _with("proof", value="c2sp.org/tlog-proof@v1\nindex 0"),
        _in_proof("\n\n", f"\n{'A' * 43}="  * 64 + "\n\n"),
    ],
    "checkpoint_malformed": [
        _in_proof("\n21\n", "\n021\n"),
        _in_proof("\n$", ""),
        _in_proof("\n$", "\r\n"),
        _in_proof("—", "-"),
        _signed_with(checkpoint(21).text + "more\n"),
        _signed_with(checkpoint(21).text.replace(ORIGIN, "")),
    ],
    "not_signed": [_in_proof("points", "point"), _in_proof(r"(?s)— .*\n", "— a AAAAAAA=\n")],
    "signature_wrong": [_in_proof("\n21\n", "\n22\n")],
    "cosignature_wrong": [_cosigned(253402300800), _cosigned(2**63), _cosigned(2**64 - 1)],
    "other_community": [_in_book_of(4), _in_book_of(33)],
    "not_included": [
        _with("entry", "points", value=6),
        _with("entry", "hidden", "maker", value="0" * 64),
        _with("entry", "kind", value=None),
        _in_proof("index 5", "index 4"),
        _in_proof("index 5", "index 21"),
        _in_proof("\n\n", f"\n{'A' * 43}=\n\n"),
    ],
}  # fmt: skip
