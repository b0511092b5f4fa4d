"""Where a pointer stands in the text: line and column, found again only when somebody asks.

Nothing is recorded while loading. JSON is walked along the wanted pointers only, everything beside them is skipped at
C speed; YAML is read again as events.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from json import JSONDecoder
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NamedTuple

import yaml

from specs.shape import Tokens

Trie = dict[str, Any]
_SPACE = re.compile(r"[ \t\n\r]*")


class Place(NamedTuple):
    """Line and column, both from 1, column in characters."""

    line: int
    column: int


def _trie(pointers: Iterable[Tokens]) -> tuple[Trie, list[Tokens]]:
    root: Trie = {}
    wanted = list(dict.fromkeys(pointers))
    for tokens in wanted:
        node = root
        for token in tokens:
            node = node.setdefault(token, {})
    return root, wanted


def _nearest(wanted: list[Tokens], found: dict[Tokens, Place]) -> dict[Tokens, Place]:
    places: dict[Tokens, Place] = {}
    for tokens in wanted:
        nearest = tokens
        while nearest and nearest not in found:
            nearest = nearest[:-1]
        places[tokens] = found.get(nearest, Place(1, 1))
    return places


class _JsonWalk:
    """A descent through JSON text known to be sound. Offsets first, lines at the end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.skip = JSONDecoder().scan_once  # type: ignore[attr-defined]
        self.found: dict[Tokens, int] = {}
        self.duplicates: list[tuple[Tokens, int, int]] = []
        self.everything = False

    def space(self, index: int) -> int:
        match = _SPACE.match(self.text, index)
        return match.end() if match else index

    def value(self, index: int, trie: Trie | None, tokens: Tokens) -> int:
        """Walk the value that starts at ``index``; the index after it."""
        opening = self.text[index]
        if opening in "{[" and (trie or self.everything):
            return self.object(index, trie or {}, tokens) if opening == "{" else self.array(index, trie or {}, tokens)
        return int(self.skip(self.text, index)[1])

    def object(self, index: int, trie: Trie, tokens: Tokens) -> int:
        index = self.space(index + 1)
        seen: dict[str, int] = {}
        while self.text[index] != "}":
            start = index
            name, index = scanstring(self.text, index + 1, False)
            if self.everything and seen.setdefault(name, start) != start:
                self.duplicates.append(((*tokens, name), seen[name], start))
            below = trie.get(name)
            if below is not None:
                self.found.setdefault((*tokens, name), start)
            index = self.space(self.space(index) + 1)
            index = self.space(self.value(index, below, (*tokens, name) if below is not None or self.everything else tokens))
            if self.text[index] == ",":
                index = self.space(index + 1)
        return index + 1

    def array(self, index: int, trie: Trie, tokens: Tokens) -> int:
        index = self.space(index + 1)
        position = 0
        while self.text[index] != "]":
            name = str(position)
            below = trie.get(name)
            if below is not None:
                self.found.setdefault((*tokens, name), index)
            index = self.space(self.value(index, below, (*tokens, name) if below is not None or self.everything else tokens))
            if self.text[index] == ",":
                index = self.space(index + 1)
            position += 1
        return index + 1


class _Lines:
    def __init__(self, text: str) -> None:
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, offset: int) -> Place:
        line = bisect_right(self.starts, offset)
        return Place(line, offset - self.starts[line - 1] + 1)


def locate_json(text: str, pointers: Iterable[Tokens]) -> dict[Tokens, Place]:
    """Places in JSON text that has been loaded without error. A member's place is that of its name."""
    trie, wanted = _trie(pointers)
    walk = _JsonWalk(text)
    walk.value(walk.space(0), trie, ())
    lines = _Lines(text)
    return _nearest(wanted, {tokens: lines.place(offset) for tokens, offset in walk.found.items()})


def json_duplicates(text: str) -> list[tuple[Tokens, Place, Place]]:
    """Every member name that stands twice in one object: its pointer, where it stood first, where again."""
    walk = _JsonWalk(text)
    walk.everything = True
    walk.value(walk.space(0), None, ())
    lines = _Lines(text)
    return [(tokens, lines.place(first), lines.place(second)) for tokens, first, second in walk.duplicates]


class _YamlFrame:
    __slots__ = ("key", "mapping", "position", "tokens", "trie")

    def __init__(self, *, mapping: bool, trie: Trie | None, tokens: Tokens) -> None:
        self.mapping, self.trie, self.tokens = mapping, trie, tokens
        self.key: str | None = None
        self.position = 0


def locate_yaml(text: str, pointers: Iterable[Tokens]) -> dict[Tokens, Place]:
    """Places in YAML text that has been loaded without error. What came by alias or merge has its user's place."""
    trie, wanted = _trie(pointers)
    found: dict[Tokens, Place] = {}
    stack: list[_YamlFrame] = []
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            stack.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        below, tokens = (trie, ()) if not stack else _step(stack[-1], event, found)
        if isinstance(event, yaml.CollectionStartEvent):
            stack.append(_YamlFrame(mapping=isinstance(event, yaml.MappingStartEvent), trie=below, tokens=tokens))
    return _nearest(wanted, found)


def _step(frame: _YamlFrame, event: yaml.NodeEvent, found: dict[Tokens, Place]) -> tuple[Trie | None, Tokens]:
    """Note one key, member or item of a frame; the part of the trie and the tokens of what the event opens."""
    if frame.mapping and frame.key is None:
        frame.key = getattr(event, "value", "")
        below = frame.trie.get(frame.key) if frame.trie is not None else None
        if below is not None:
            found.setdefault((*frame.tokens, frame.key), _mark(event))
        return None, ()
    if frame.mapping:
        name, frame.key = frame.key or "", None
    else:
        name, frame.position = str(frame.position), frame.position + 1
    below = frame.trie.get(name) if frame.trie is not None else None
    if below is None:
        return None, ()
    tokens = (*frame.tokens, name)
    if not frame.mapping:
        found.setdefault(tokens, _mark(event))
    return below, tokens


def _mark(event: yaml.NodeEvent) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
