"""A short text that matches a regular expression, for the plain subset documents use; ``None`` for the rest."""

from __future__ import annotations

import functools

from specs.schema.compiling import SchemaUnusable, compile_schema
from specs.schema.keywords import dump_keyword

CLASSES = {"d": "0123456789", "w": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", "s": " "}
LETTERS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
ANY = "".join(chr(code) for code in range(0x20, 0x7F))
PREFERRED = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_ ./:@"
LONGEST = 4_096


class _Unsupported(Exception):
    """The pattern uses something this reader does not know."""


@functools.lru_cache(maxsize=1024)
def matching_text(pattern: str, minimum: int = 0) -> str | None:
    """A text of at least ``minimum`` characters that matches, checked by the validator itself; else ``None``."""
    for repeat in (0, 1, max(minimum, 1)):
        try:
            text = _Reader(pattern, repeat).alternatives()
        except (_Unsupported, IndexError, ValueError, RecursionError):
            return None
        if minimum <= len(text) <= LONGEST and _matches(pattern, text):
            return text
    return None


def _matches(pattern: str, text: str) -> bool:
    try:
        return compile_schema(dump_keyword("pattern", pattern)).is_valid(text)
    except SchemaUnusable:
        return False


class _Reader:
    """Recursive descent over the pattern that writes one matching text; open repetitions run ``repeat`` times or once more."""

    def __init__(self, pattern: str, repeat: int) -> None:
        self.pattern = pattern
        self.repeat = repeat
        self.at = 0

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        character = self.pattern[self.at]
        self.at += 1
        return character

    def alternatives(self) -> str:
        first = self.sequence()
        while self.peek() == "|":
            self.take()
            self.sequence()
        return first

    def sequence(self) -> str:
        out = ""
        while self.peek() not in {"", "|", ")"}:
            text = self.atom()
            low, high = self.quantifier()
            out += text * min(max(low, min(self.repeat, high)), LONGEST)
        return out

    def quantifier(self) -> tuple[int, int]:
        bounds = {"*": (0, LONGEST), "+": (1, LONGEST), "?": (0, 1)}.get(self.peek())
        if bounds:
            self.take()
        elif self.peek() == "{":
            body = self.pattern[self.at + 1 : self.pattern.index("}", self.at)]
            self.at += len(body) + 2
            low, comma, high = body.partition(",")
            bounds = (int(low or 0), int(high) if high else LONGEST if comma else int(low))
        else:
            return 1, 1
        if self.peek() in {"?", "+"}:
            self.take()
        return bounds

    def atom(self) -> str:
        character = self.take()
        if character in "^$":
            return ""
        if character == ".":
            return "a"
        if character == "[":
            return _choose(self.members())
        if character == "(":
            return self.group()
        if character == "\\":
            escaped = self.escape()
            return _choose(escaped) if escaped else ""
        return character

    def group(self) -> str:
        if self.peek() == "?":
            if self.pattern.startswith("?:", self.at):
                self.at += 2
            elif self.pattern.startswith(("?P<", "?<"), self.at) and not self.pattern.startswith(("?<=", "?<!"), self.at):
                self.at = self.pattern.index(">", self.at) + 1
            else:
                raise _Unsupported
        text = self.alternatives()
        if self.take() != ")":
            raise _Unsupported
        return text

    def escape(self) -> str:
        """The characters an escape stands for; empty for an anchor."""
        character = self.take()
        if character in "bBAZz":
            return ""
        if character.lower() in CLASSES:
            members = CLASSES[character.lower()]
            return members if character.islower() else "".join(one for one in ANY if one not in members)
        if character in {"x", "u"}:
            width = 2 if character == "x" else 4
            code = self.pattern[self.at : self.at + width]
            self.at += width
            return chr(int(code, 16))
        if character.isalnum() and character not in LETTERS:
            raise _Unsupported
        return LETTERS.get(character, character)

    def members(self) -> str:
        negated = self.peek() == "^"
        if negated:
            self.take()
        found = ""
        while self.peek() != "]" or not found:
            one = self.take()
            one = self.escape() if one == "\\" else one
            if self.peek() == "-" and self.pattern[self.at + 1] != "]" and len(one) == 1:
                self.take()
                last = self.take()
                last = self.escape() if last == "\\" else last
                found += "".join(chr(code) for code in range(ord(one), min(ord(last), ord(one) + 500) + 1))
            else:
                found += one
        self.take()
        return "".join(one for one in ANY if one not in found) if negated else found


def _choose(members: str) -> str:
    if not members:
        raise _Unsupported
    return next((one for one in PREFERRED if one in members), members[0])
