"""Where in a TOML file each key stands, so that a mistake can be shown by its line.

The standard library's parser says what a file means, but not where. This one only finds places,
and leans on the other having read the file: it checks nothing.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from contextlib import suppress

Path = tuple[str | int, ...]
# A key of a thousand parts would fill the memory; no book goes deeper.
DEEPEST = 10

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]+")


def find_lines(text: str) -> dict[Path, int]:
    """Return the line, counted from 1, of every table, key and list item of a valid TOML text.

    Tables of a list are told apart by their position: ("rules", 2, "points"). Of what is stated
    in several places, the first counts. Nothing is found past lists in lists in lists without end.
    """
    finder = _Finder(text)
    with suppress(RecursionError):
        finder.read()
    return finder.lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """Return the line of a path, or of the nearest table around it; 1 where there is none."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1


class _Finder:
    """Goes through a text once."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._ends = [position for position, char in enumerate(text) if char == "\n"]
        self._lengths: dict[Path, int] = {}

    def read(self) -> None:
        table: Path = ()
        while not self._is_over():
            if self._sees("["):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        """Read `[table]` or `[[table]]` and return the path that its keys belong to."""
        at = self._at
        is_list = self._text.startswith("[[", at)
        self._at += 2 if is_list else 1
        *above, last = self._keys()
        self._at += 2 if is_list else 1
        table: Path = ()
        for key in above:
            table = self._newest((*table, key))
        table = (*table, last)
        if is_list:
            self._lengths[table] = self._lengths.get(table, 0) + 1
            table = self._newest(table)
        self._note(table, at)
        return table

    def _newest(self, table: Path) -> Path:
        """Return a table, or the last one begun if it is a list of them."""
        length = self._lengths.get(table)
        return table if length is None else (*table, length - 1)

    def _pair(self, table: Path) -> None:
        at = self._at
        path = (*table, *self._keys())
        self._note(path, at)
        self._skip_blank()
        self._at += 1  # the equals sign
        self._skip_blank()
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._sees("["):
            self._list(path)
        elif self._sees("{"):
            self._inline_table(path)
        else:
            self._pass(_TEXT) or self._pass(_PLAIN)

    def _list(self, path: Path) -> None:
        self._at += 1
        position = 0
        while not self._closes("]"):
            self._note((*path, position), self._at)
            self._value((*path, position))
            position += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while not self._closes("}"):
            self._pair(path)

    def _closes(self, bracket: str) -> bool:
        """Go on to the next item, or past the closing bracket."""
        self._skip_blank()
        if self._sees(","):
            self._at += 1
            self._skip_blank()
        is_closed = self._at >= len(self._text) or self._sees(bracket)
        self._at += is_closed
        return is_closed

    def _keys(self) -> list[str]:
        """Read a key, dotted or not."""
        keys = []
        while True:
            self._skip_blank()
            keys.append(self._key())
            if not self._pass(_DOT):
                self._skip_blank()
                return keys

    def _key(self) -> str:
        begins = self._at
        if self._pass(_BARE_KEY):
            return self._text[begins : self._at]
        self._pass(_TEXT)
        stated = tomllib.loads(f"key = {self._text[begins : self._at]}")
        return str(stated["key"])

    def _note(self, path: Path, at: int) -> None:
        line = bisect_right(self._ends, at - 1) + 1
        for length in range(1, min(len(path), DEEPEST) + 1):
            self.lines.setdefault(path[:length], line)

    def _is_over(self) -> bool:
        self._skip_blank()
        return self._at >= len(self._text)

    def _sees(self, char: str) -> bool:
        return self._text.startswith(char, self._at)

    def _skip_blank(self) -> None:
        self._pass(_BLANK)

    def _pass(self, pattern: re.Pattern[str]) -> bool:
        """Go past what a pattern matches here; tell whether it did."""
        found = pattern.match(self._text, self._at)
        if found is None:
            return False
        self._at = found.end()
        return True
