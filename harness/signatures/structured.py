"""Structured Fields (RFC 8941) as far as HTTP Message Signatures need them, read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.signatures.encodings import decode

Bare = str | int | bool | bytes
_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_INTEGER = re.compile(r"-?[0-9]{1,15}(?![0-9.])")
_BYTES = re.compile(r":([A-Za-z0-9+/=]*):")
_BOOLEAN = re.compile(r"\?([01])")
_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")


@dataclass(frozen=True, slots=True)
class Item:
    """A value with its parameters."""

    value: Bare
    parameters: dict[str, Bare]


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a dictionary: an item, or the items of an inner list. ``text`` is how it was written, from the value on."""

    items: tuple[Item, ...]
    parameters: dict[str, Bare]
    listed: bool
    text: str


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def skip(self, characters: str) -> None:
        while self.at < len(self.text) and self.text[self.at] in characters:
            self.at += 1

    def next_is(self, character: str) -> bool:
        if self.at < len(self.text) and self.text[self.at] == character:
            self.at += 1
            return True
        return False

    def bare(self) -> Bare:
        if found := self.take(_STRING):
            return re.sub(r"\\(.)", r"\1", found[1])
        if found := self.take(_INTEGER):
            return int(found[0])
        if found := self.take(_BYTES):
            return decode(found[1], "base64") if found[1] else b""
        if found := self.take(_BOOLEAN):
            return found[1] == "1"
        if found := self.take(_TOKEN):
            return found[0]
        raise ValueError(f"nothing readable at character {self.at + 1}")

    def parameters(self) -> dict[str, Bare]:
        found: dict[str, Bare] = {}
        while self.next_is(";"):
            self.skip(" ")
            key = self.key()
            found[key] = self.bare() if self.next_is("=") else True
        return found

    def key(self) -> str:
        if found := self.take(_KEY):
            return found[0]
        raise ValueError(f"no name at character {self.at + 1}")

    def inner_list(self) -> tuple[Item, ...]:
        items: list[Item] = []
        while True:
            self.skip(" ")
            if self.next_is(")"):
                return tuple(items)
            items.append(Item(self.bare(), self.parameters()))
            if self.at >= len(self.text) or self.text[self.at] not in " )":
                raise ValueError("an inner list does not end")


def dictionary(text: str) -> dict[str, Member]:
    """The members of a dictionary, in order. Raises ValueError; a name that comes twice is refused rather than overwritten."""
    reader, found = _Reader(text.strip(" ")), {}
    while reader.at < len(reader.text):
        key = reader.key()
        if key in found:
            raise ValueError(f"{key} is there twice")
        if not reader.next_is("="):
            raise ValueError(f"{key} has no value")
        start = reader.at
        listed = reader.next_is("(")
        items = reader.inner_list() if listed else (Item(reader.bare(), {}),)
        parameters = reader.parameters()
        found[key] = Member(items, parameters, listed, reader.text[start : reader.at])
        reader.skip(" \t")
        if reader.at < len(reader.text):
            if not reader.next_is(","):
                raise ValueError(f"a comma is missing at character {reader.at + 1}")
            reader.skip(" \t")
            if reader.at >= len(reader.text):
                raise ValueError("it ends with a comma")
    return found
