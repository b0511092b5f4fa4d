"""YAML text → plain JSON data, by the YAML 1.2 core schema, from libyaml's events.

libyaml's event parser keeps its own stack and survives what makes composing loaders crash or run away; everything
above events is ours, so depth, aliases, merge keys, tags and duplicate keys are judged where they stand, with line
and column. ``on``, ``no``, ``12:30:45`` and dates stay text, ``012`` is twelve, keys are the text as written.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, NoReturn

import yaml

from specs.errors import DocumentRefused
from specs.findings import Finding

MAX_DEPTH = 200
MAX_NODES = 5_000_000
MAX_CHARACTERS = 256 << 20
"""Bounds on the document with every alias written out."""

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FIRST_OF_NUMBER = frozenset("+-.0123456789")
_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_MERGE = "<<"


class Weight(NamedTuple):
    """What a value would be, written out: values and characters."""

    nodes: int
    characters: int


def place_of(event: yaml.Event) -> tuple[int, int]:
    """Line and column of an event, from 1."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


class _Frame:
    """A mapping or sequence being read."""

    __slots__ = ("anchor", "characters", "has_key", "key", "keys", "merges", "name", "nodes", "value")

    def __init__(self, value: dict[str, Any] | list[Any], anchor: str | None, name: str) -> None:
        self.value = value
        self.anchor = anchor
        self.name = name
        self.has_key = False
        self.key: str = ""
        self.keys: dict[str, int] = {}
        self.merges: list[tuple[dict[str, Any], dict[str, Weight]]] = []
        self.nodes = 1
        self.characters = 0


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, Weight, str | None]] = {}
        self.open_anchors: set[str] = set()
        self.weights: dict[int, dict[str, Weight]] = {}
        self.findings: list[Finding] = []
        self.root: Any = None
        self.documents = 0

    def refuse(self, rule: str, text: str, event: yaml.Event) -> NoReturn:
        raise DocumentRefused([self.finding(rule, "error", text, event)])

    def finding(self, rule: str, level: Any, text: str, event: yaml.Event) -> Finding:
        line, column = place_of(event)
        return Finding(rule, level, text, "", self.file, line, column)

    def read(self, text: str) -> Any:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.ScalarEvent):
                self.scalar(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self.open(event)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self.close(event)
            elif isinstance(event, yaml.AliasEvent):
                self.alias(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    self.refuse("several-documents", "A second YAML document starts here; a file holds one.", event)
        return self.root

    def scalar(self, event: yaml.ScalarEvent) -> None:
        frame = self.stack[-1] if self.stack else None
        plain = event.implicit[0] and event.tag is None
        if frame is not None and isinstance(frame.value, dict) and not frame.has_key:
            self.anchor(event.anchor, event.value, Weight(1, len(event.value)), event.value)
            self.take_key(frame, event.value, event, merge=plain and event.value == _MERGE)
            return
        value = self.plain(event) if plain else self.tagged(event)
        if frame is not None and isinstance(value, int | float) and not isinstance(value, bool) and self.is_version(frame):
            text = f"{frame.key} is written as a number; it is read as the text {event.value[:20]!r}. Put it in quotes."
            self.findings.append(self.finding("version-number", "warning", text, event))
            value = event.value
        weight = Weight(1, len(event.value))
        self.anchor(event.anchor, value, weight, event.value)
        self.put(value, weight, event)

    def is_version(self, frame: _Frame) -> bool:
        """``openapi: 3.0`` and ``version: 3.10`` lose digits as numbers."""
        if len(self.stack) == 1:
            return frame.key in ("openapi", "swagger")
        return len(self.stack) == 2 and frame.key == "version" and frame.name == "info"

    def plain(self, event: yaml.ScalarEvent) -> Any:
        text = event.value
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _FIRST_OF_NUMBER:
            return text
        if len(text) > 400:
            return text
        if _INTEGER.match(text):
            return self.bounded(int(text), event)
        if _BASED.match(text):
            return self.bounded(int(text, 0), event)
        if _FLOAT.match(text):
            return self.finite(text, event)
        if _NOT_FINITE.match(text):
            self.refuse("not-finite", f"{text} is not a number JSON can hold. Put it in quotes, or leave it out.", event)
        return text

    def bounded(self, number: int, event: yaml.ScalarEvent) -> int | float:
        """Integers beyond 64 bits are floating point to JSON readers, and to the rest of the engine."""
        if -(1 << 63) <= number < (1 << 64):
            return number
        try:
            return float(number)
        except OverflowError:
            self.refuse("not-finite", "This number is too large for JSON readers.", event)

    def finite(self, text: str, event: yaml.ScalarEvent) -> float:
        number = float(text)
        if number in (float("inf"), float("-inf")):
            self.refuse("not-finite", "This number is too large for JSON readers.", event)
        return number

    def tagged(self, event: yaml.ScalarEvent) -> Any:
        if event.tag is None or event.tag == "!":
            return event.value
        kind = _TAGS.get(event.tag)
        if kind == "str":
            return event.value
        value = self.plain(event)
        matches = {
            "int": isinstance(value, int) and not isinstance(value, bool),
            "float": isinstance(value, int | float) and not isinstance(value, bool),
            "bool": isinstance(value, bool),
            "null": value is None,
        }
        if kind not in matches:
            self.refuse("yaml-tag", f"The tag {event.tag[:80]!r} is not read; JSON types only.", event)
        if not matches[kind]:
            self.refuse("yaml-tag", f"The value does not fit its tag !!{kind}.", event)
        return float(value) if kind == "float" else value

    def open(self, event: yaml.CollectionStartEvent) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        parent = self.stack[-1] if self.stack else None
        if parent is not None and isinstance(parent.value, dict) and not parent.has_key:
            self.refuse("key-not-text", "A key is a mapping or a list here; keys are text.", event)
        if event.tag not in (None, "!") and _TAGS.get(event.tag) != ("map" if mapping else "seq"):
            self.refuse("yaml-tag", f"The tag {event.tag[:80]!r} is not read; JSON types only.", event)
        if len(self.stack) >= MAX_DEPTH:
            self.refuse("too-deep", f"The document is nested more than {MAX_DEPTH} levels deep.", event)
        if event.anchor is not None:
            self.open_anchors.add(event.anchor)
        value: dict[str, Any] | list[Any] = {} if mapping else []
        self.stack.append(_Frame(value, event.anchor, parent.key if parent is not None else ""))
        if mapping:
            self.weights[id(value)] = {}

    def close(self, event: yaml.Event) -> None:
        frame = self.stack.pop()
        if isinstance(frame.value, dict):
            self.merge(frame)
        weight = Weight(frame.nodes, frame.characters)
        if frame.anchor is not None:
            self.open_anchors.discard(frame.anchor)
        self.anchor(frame.anchor, frame.value, weight, None)
        self.put(frame.value, weight, event)

    def alias(self, event: yaml.AliasEvent) -> None:
        name = str(event.anchor)
        if name in self.open_anchors:
            self.refuse("yaml-alias", f"The alias *{name[:80]} stands inside its own anchor: it would never end.", event)
        if name not in self.anchors:
            self.refuse("yaml-alias", f"The alias *{name[:80]} has no anchor before it.", event)
        value, weight, text = self.anchors[name]
        frame = self.stack[-1]
        if isinstance(frame.value, dict) and not frame.has_key:
            if text is None:
                self.refuse("key-not-text", "A key is a mapping or a list here; keys are text.", event)
            self.take_key(frame, text, event, merge=False)
        else:
            self.put(value, weight, event)

    def anchor(self, name: str | None, value: Any, weight: Weight, text: str | None) -> None:
        if name is not None:
            self.anchors[name] = (value, weight, text)

    def take_key(self, frame: _Frame, key: str, event: yaml.Event, *, merge: bool) -> None:
        line = place_of(event)[0]
        if frame.keys.setdefault(key, line) != line or key in frame.value:
            first = frame.keys[key]
            self.refuse("duplicate-key", f"The key {key[:80]!r} stands here a second time; the first is on line {first}.", event)
        frame.key, frame.has_key = (_MERGE + "\0" if merge else key), True

    def put(self, value: Any, weight: Weight, event: yaml.Event) -> None:
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        frame.nodes += weight.nodes
        frame.characters += weight.characters
        if frame.nodes > MAX_NODES or frame.characters > MAX_CHARACTERS:
            self.refuse("too-large", "With its aliases written out the document is too large from here on.", event)
        if isinstance(frame.value, list):
            frame.value.append(value)
            return
        frame.has_key = False
        if frame.key == _MERGE + "\0":
            self.take_merge(frame, value, event)
            return
        frame.characters += len(frame.key)
        frame.value[frame.key] = value
        self.weights[id(frame.value)][frame.key] = weight

    def take_merge(self, frame: _Frame, value: Any, event: yaml.Event) -> None:
        sources = value if isinstance(value, list) else [value]
        for source in sources:
            if not isinstance(source, dict):
                self.refuse("yaml-merge", "A merge key (<<) takes a mapping or a list of mappings.", event)
            frame.merges.append((source, self.weights[id(source)]))

    def merge(self, frame: _Frame) -> None:
        """Members of the mapping itself win, then earlier merge sources over later ones."""
        if not isinstance(frame.value, dict) or not frame.merges:
            return
        own = self.weights[id(frame.value)]
        for source, weights in frame.merges:
            for name, member in source.items():
                if name not in frame.value:
                    frame.value[name] = member
                    own[name] = weights[name]
        frame.nodes = 1 + sum(weight.nodes for weight in own.values())
        frame.characters = sum(weight.characters + len(name) for name, weight in own.items())


def read_yaml(text: str, file: str) -> tuple[Any, list[Finding]]:
    """The one document of the text and what was tolerated. Raises DocumentRefused with line and column.

    Mappings reached by alias are shared objects.
    """
    reader = _Reader(file)
    try:
        value = reader.read(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise DocumentRefused([Finding("not-yaml", "error", f"This is not YAML: {reason}.", "", file, line, column)]) from None
    except yaml.reader.ReaderError as error:
        line, column = _place_of_unreadable(text)
        reason = f"the character U+{ord(text[_unreadable(text)]):04X} is not allowed" if line else str(error.reason)
        raise DocumentRefused([Finding("not-yaml", "error", f"This is not YAML: {reason}.", "", file, line, column)]) from None
    if reader.documents == 0:
        raise DocumentRefused([Finding("empty", "error", "The file holds no document.", "", file, 1, 1)])
    return value, reader.findings


_UNREADABLE = re.compile("[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _unreadable(text: str) -> int:
    match = _UNREADABLE.search(text)
    return match.start() if match else -1


def _place_of_unreadable(text: str) -> tuple[int | None, int | None]:
    index = _unreadable(text)
    if index < 0:
        return None, None
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
