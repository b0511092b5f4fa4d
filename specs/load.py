"""Bytes → document: strict UTF-8, JSON or YAML 1.2, bounded in depth and size, no key twice.

Runs inside the child process of ``specs.sandbox``; nothing here is fit for hostile text in a process that matters.
What is refused is refused with file, line, column and reason.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import orjson

from specs.errors import DocumentRefused
from specs.findings import Finding
from specs.places import Place, json_duplicates, locate_json, locate_yaml
from specs.shape import Tokens, pointer_of, tokens_of
from specs.yaml_text import MAX_DEPTH, read_yaml

_MARKUP = re.compile(r"\s*<(!doctype|html|\?xml)", re.IGNORECASE)
_SHOWN = frozenset(("example", "examples"))
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_SAYS_VERSION = re.compile(rb"""(?:^|[{,\s])["']?(?:openapi|swagger)["']?\s*:\s*["']?[0-9]""", re.MULTILINE)


def looks_like_openapi(data: bytes) -> bool:
    """Whether a file says ``openapi:`` or ``swagger:`` with a number, anywhere. Cheap, and safe on hostile bytes."""
    return _SAYS_VERSION.search(data) is not None


@dataclass(slots=True)
class Loaded:
    """One file, read. ``value`` is plain JSON data with text keys; parts may be shared objects: never change them in place."""

    file: str
    text: str
    language: str
    value: Any
    findings: list[Finding] = field(default_factory=list)

    def places(self, pointers: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], Place]:
        """Where each pointer (as tokens) stands: line and column from 1; a pointer that is not there gets its nearest parent."""
        locate = locate_json if self.language == "json" else locate_yaml
        return locate(self.text, pointers)


def place_findings(findings: list[Finding], loaded: dict[str, Loaded]) -> list[Finding]:
    """The findings with line and column, for those that name a file and a pointer in it."""
    wanted: dict[str, list[Tokens]] = {}
    for finding in findings:
        if finding.line is None and finding.file in loaded:
            wanted.setdefault(finding.file, []).append(tokens_of(finding.pointer))
    places = {file: loaded[file].places(pointers) for file, pointers in wanted.items()}
    return [_placed(finding, places) for finding in findings]


def _placed(finding: Finding, places: dict[str, dict[Tokens, Place]]) -> Finding:
    if finding.line is not None or finding.file not in places:
        return finding
    place = places[finding.file][tokens_of(finding.pointer)]
    return Finding(finding.rule, finding.level, finding.text, finding.pointer, finding.file, place.line, place.column)


def load(data: bytes, file: str) -> Loaded:
    """Read one file. Raises DocumentRefused; what was tolerated is in ``findings``."""
    findings: list[Finding] = []
    text = _decode(data, file, findings)
    if not text.strip():
        _refuse("empty", "The file is empty.", file, 1, 1)
    if _MARKUP.match(text):
        _refuse(
            "not-a-document", "This is an HTML or XML page, not a JSON or YAML document (a sign-in page saved by mistake?).", file, 1, 1
        )
    loaded = Loaded(file, text, "json", None, findings)
    looks_json = text.lstrip()[0] in "{["
    if posixpath.splitext(file)[1].lower() == ".json" or looks_json:
        try:
            loaded.value = _read_json(data, text, file)
        except _NotJson as error:
            if not looks_json or file.lower().endswith(".json"):
                _refuse("not-json", f"This is not JSON: {error.reason}.", file, error.line, error.column)
            loaded.language = "yaml"
    else:
        loaded.language = "yaml"
    if loaded.language == "yaml":
        loaded.value, more = read_yaml(text, file)
        findings.extend(more)
    _settle_nul(loaded)
    return loaded


class _NotJson(Exception):
    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(reason)
        self.reason, self.line, self.column = reason, line, column


def _refuse(rule: str, text: str, file: str, line: int | None, column: int | None, pointer: str = "") -> NoReturn:
    raise DocumentRefused([Finding(rule, "error", text, pointer, file, line, column)])


def _decode(data: bytes, file: str, findings: list[Finding]) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or (len(data) > 1 and 0 in data[:2]):
        _refuse("not-utf8", "The file is UTF-16 or UTF-32; only UTF-8 is read.", file, 1, 1)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line_start = data.rfind(b"\n", 0, error.start) + 1
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[line_start : error.start].decode("utf-8", "replace")) + 1
        _refuse("not-utf8", f"The byte 0x{data[error.start]:02x} here is not UTF-8; only UTF-8 is read.", file, line, column)
    if text.startswith("\ufeff"):
        text = text[1:]
        findings.append(Finding("byte-order-mark", "info", "The file starts with a byte order mark; it is left out.", "", file, 1, 1))
    if (nul := text.find("\x00")) >= 0:
        _refuse("nul", "The file holds a NUL character.", file, text.count("\n", 0, nul) + 1, nul - text.rfind("\n", 0, nul))
    return text


def _read_json(data: bytes, text: str, file: str) -> Any:
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        reason = error.msg.partition(": line ")[0]
        raise _NotJson(reason, error.lineno, error.colno) from None
    if _deeper_than(value, MAX_DEPTH):
        _refuse("too-deep", f"The document is nested more than {MAX_DEPTH} levels deep.", file, *_first_line_deeper_than(text, MAX_DEPTH))
    if _has_duplicates(text):
        raise DocumentRefused(
            [
                Finding(
                    "duplicate-key",
                    "error",
                    f"The key {tokens[-1][:80]!r} stands here a second time; the first is on line {first.line}.",
                    pointer_of(tokens),
                    file,
                    second.line,
                    second.column,
                )
                for tokens, first, second in json_duplicates(text)[:50]
            ]
        )
    return value


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    depth = 0
    while level:
        depth += 1
        if depth > limit:
            return True
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
    return False


def _first_line_deeper_than(text: str, limit: int) -> tuple[int, int]:
    depth = 0
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(match[0], 0)
        if depth > limit:
            break
    return text.count("\n", 0, match.start()) + 1, match.start() - text.rfind("\n", 0, match.start())


def _has_duplicates(text: str) -> bool:
    found = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        if not found and len(pairs) > 1 and len({name for name, _value in pairs}) != len(pairs):
            found = True

    json.loads(text, object_pairs_hook=look)
    return found


def _settle_nul(loaded: Loaded) -> None:
    """PostgreSQL cannot keep ``\\u0000`` in JSON. In an example it is shown as U+2400 and said; anywhere else it is refused."""
    if "\\" not in loaded.text or not re.search(r"\\(u0000|0|x00|U0{8})", loaded.text):
        return
    if not _ESCAPED_NUL.search(orjson.dumps(loaded.value)):
        return
    found: list[Tokens] = []
    loaded.value = _without_nul(loaded.value, (), found)
    places = loaded.places(found)
    for tokens in found:
        line, column = places[tokens]
        if not _SHOWN.intersection(tokens):
            _refuse("nul", "The text here holds a NUL character.", loaded.file, line, column, pointer_of(tokens))
        text = "The example here holds a NUL character, which cannot be stored; it is shown as \u2400."
        loaded.findings.append(Finding("nul", "warning", text, pointer_of(tokens), loaded.file, line, column))


def _without_nul(value: Any, tokens: Tokens, found: list[Tokens]) -> Any:
    if isinstance(value, str) and "\x00" in value:
        found.append(tokens)
        return value.replace("\x00", "\u2400")
    if isinstance(value, list):
        return [_without_nul(item, (*tokens, str(index)), found) for index, item in enumerate(value)]
    if isinstance(value, dict):
        for name in value:
            if "\x00" in name:
                found.append(tokens)
        return {name.replace("\x00", "\u2400"): _without_nul(item, (*tokens, name), found) for name, item in value.items()}
    return value
