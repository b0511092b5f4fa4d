"""Findings of the validator → violations in plain words. Values are shown short and masked, bodies never."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from specs.schema.convert import COMPONENT, escape
from specs.violations import Level, Location, Violation

SENSITIVE = re.compile(r"(?i)pass|pwd|secret|token|api.?key|auth|credential|session|cookie|signature|\bpin\b|ssn|card|iban|private")
LONGEST_TEXT = 32
LONGEST_LIST = 10
TYPE_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
FORMAT_WORDS = {"byte": "base64 text", "date-time": "date and time (RFC 3339)", "date": "date (RFC 3339)", "time": "time (RFC 3339)"}
UNCHECKABLE = (jsonschema_rs.ValidationErrorKind.BacktrackLimitExceeded, jsonschema_rs.ValidationErrorKind.RegexEngineFailure)
Error = jsonschema_rs.ValidationError
Say = Callable[[Any, Any], tuple[str, str, str]]


def shown(value: Any, name: str = "") -> str:
    """A value for a person: numbers as they are, short harmless text in quotes, everything else by its kind and size."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        text = repr(value)
        return text if len(text) <= LONGEST_TEXT else "a very long number"
    if isinstance(value, str):
        harmless = len(value) <= LONGEST_TEXT and value.isprintable() and not SENSITIVE.search(name)
        return f'"{value}"' if harmless else f"text of {_counted(len(value), 'character')}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return "an object"


def kind_shown(value: Any, name: str = "") -> str:
    """As ``shown``, with the kind where it matters: ``text "abc"``."""
    return f"text {shown(value, name)}" if isinstance(value, str) and shown(value, name).startswith('"') else shown(value, name)


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _types(value: Any) -> str:
    names = value if isinstance(value, list) else [value]
    return _either([TYPE_WORDS.get(str(name), str(name)) for name in names])


def _options(values: Sequence[Any]) -> str:
    texts = [shown(value).strip('"') for value in values[:LONGEST_LIST]]
    return ", ".join(texts) + (f" … ({len(values)} in all)" if len(values) > LONGEST_LIST else "")


def _counted(number: Any, noun: str) -> str:
    plural = {"property": "properties"}.get(noun, f"{noun}s")
    return f"{number} {noun if number == 1 else plural}"


def _limit(words: str) -> Say:
    return lambda kind, value: (f"must be {words} {kind.limit}, got {shown(value)}", f"{words} {kind.limit}", shown(value))


def _size(words: str, noun: str) -> Say:
    def say(kind: Any, value: Any) -> tuple[str, str, str]:
        return f"must have {words} {_counted(kind.limit, noun)}, got {len(value)}", f"{words} {_counted(kind.limit, noun)}", str(len(value))

    return say


def _sample_type(kind: Any, value: Any) -> tuple[str, str, str]:
    words = _types(kind.types)
    return f"must be {words}, got {kind_shown(value)}", words, kind_shown(value)


def _pattern(kind: Any, value: Any) -> tuple[str, str, str]:
    pattern = kind.pattern if len(kind.pattern) <= 120 else f"{kind.pattern[:120]}…"
    return f"must match the pattern `{pattern}`", pattern, shown(value)


def _enum(kind: Any, value: Any) -> tuple[str, str, str]:
    if len(kind.options) == 1:
        return f"must be {shown(kind.options[0])}, got {shown(value)}", shown(kind.options[0]), shown(value)
    return f"must be one of {_options(kind.options)}, got {shown(value)}", _options(kind.options), shown(value)


def _constant(kind: Any, value: Any) -> tuple[str, str, str]:
    return f"must be {shown(kind.expected_value)}, got {shown(value)}", shown(kind.expected_value), shown(value)


def _fixed(message: str, expected: str = "") -> Say:
    return lambda kind, value: (message, expected, "")


SENTENCES: dict[str, Say] = {
    "type": _sample_type,
    "enum": _enum,
    "const": _constant,
    "minimum": _limit("at least"),
    "maximum": _limit("at most"),
    "exclusiveMinimum": _limit("more than"),
    "exclusiveMaximum": _limit("less than"),
    "multipleOf": lambda kind, value: (
        f"must be a multiple of {kind.multiple_of}, got {shown(value)}",
        f"a multiple of {kind.multiple_of}",
        shown(value),
    ),
    "minLength": _size("at least", "character"),
    "maxLength": _size("at most", "character"),
    "minItems": _size("at least", "item"),
    "maxItems": _size("at most", "item"),
    "minProperties": _size("at least", "property"),
    "maxProperties": _size("at most", "property"),
    "pattern": _pattern,
    "format": lambda kind, value: (
        f"must be a valid {FORMAT_WORDS.get(kind.format, kind.format)}, got {shown(value)}",
        kind.format,
        shown(value),
    ),
    "uniqueItems": _fixed("must not have the same item twice", "distinct items"),
    "contains": _fixed("has no item of the kind it must contain"),
    "not": _fixed("must not have this form"),
    "falseSchema": _fixed("must not be present"),
    "propertyNames": _fixed("has a property name that is not allowed"),
    "unevaluatedItems": _fixed("has items the document does not have"),
    "additionalItems": _fixed("has more items than the document allows"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where errors are: for parameters the first piece of the instance path is the location."""

    location: Location | None
    at: str
    parameters: Mapping[tuple[str, str], str]
    definition_pointer: Callable[[str], str]

    def split(self, path: Sequence[str | int]) -> tuple[Location, list[str | int]]:
        """Location and the path inside it."""
        if self.location is not None:
            return self.location, [*path]
        return str(path[0]) if path else "query", [*path[1:]]  # type: ignore[return-value]

    def schema(self, path: Sequence[str | int]) -> str:
        """Pointer into the document for a path inside the checked schema."""
        if path and path[0] == "$defs" and len(path) > 1:
            return self.definition_pointer(str(path[1])) + _pointer(path[2:])
        if self.location is None and len(path) >= 4:
            base = self.parameters.get((str(path[1]), str(path[3])))
            return base + _pointer(path[4:]) if base else ""
        return self.at + _pointer(path)


def _pointer(path: Sequence[str | int]) -> str:
    return "".join(f"/{escape(str(piece))}" for piece in path)


def named(location: Location, pointer: str) -> str:
    """How a sentence begins: ``query parameter `limit` ``, `` `/title` ``, ``the body``."""
    if location == "body":
        return f"`{_short(pointer)}`" if pointer else "the body"
    name, _, rest = pointer.removeprefix("/").partition("/")
    if not name:
        return f"the {location}"
    noun = "header" if location == "header" else f"{location} parameter"
    name = name.replace("~1", "/").replace("~0", "~")
    return f"{noun} `{_short(name)}`" + (f" at `/{_short(rest)}`" if rest else "")


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:120]}…"


class Explainer:
    """Turns the validator's errors about one checked value into violations; ``notes`` collects what could not be judged."""

    def __init__(self, place: Place, *, format_level: Level = "error") -> None:
        self.place = place
        self.format_level = format_level
        self.notes: list[str] = []

    def violations(self, error: Error) -> Iterator[Violation]:
        """One violation or, for lists of names and for alternatives, several."""
        kind: Any = error.kind
        keyword: str = kind.name
        path = error.instance_path
        if isinstance(kind, UNCHECKABLE):
            location, inside = self.place.split(path)
            self.notes.append(f"{named(location, _pointer(inside))}: a pattern took too much work and was not checked")
        elif keyword == "required":
            yield self._make(error, [*path, kind.property], "required", "is required", "", "")
        elif keyword in {"additionalProperties", "unevaluatedProperties"}:
            for name in kind.unexpected:
                yield self._make(error, [*path, name], keyword, "is not in the document", "", "")
        elif keyword in {"oneOf", "anyOf"}:
            yield from self._alternatives(error)
        elif keyword in SENTENCES:
            message, expected, got = SENTENCES[keyword](kind, self._value(error))
            yield self._make(error, path, keyword, message, expected, got)
        else:
            yield self._make(error, path, keyword, f"does not satisfy {keyword}", "", "")

    @staticmethod
    def _value(error: Error) -> Any:
        # A name in the path that smells of a secret masks the value; lengths and kinds stay visible.
        value = error.instance
        if isinstance(value, str) and any(SENSITIVE.search(str(piece)) for piece in error.instance_path):
            return _Hidden(value)
        return value

    def _make(self, error: Error, path: Sequence[str | int], keyword: str, message: str, expected: str, got: str) -> Violation:
        location, inside = self.place.split(path)
        pointer = _pointer(inside)
        level: Level = self.format_level if keyword == "format" else "error"
        sentence = f"{named(location, pointer)} {message}"
        return Violation(location, pointer, keyword, sentence, expected, got, self.place.schema(error.schema_path), level)

    def _alternatives(self, error: Error) -> Iterator[Violation]:
        context: list[list[Error]] = getattr(error.kind, "context", [])
        failing = [branch for branch in context if branch]
        if len(failing) < len(context):
            yield self._make(error, error.instance_path, error.kind.name, "matches more than one of the alternatives", "exactly one", "")
            return
        depth = len(error.instance_path)
        ranked = sorted(failing, key=lambda branch: _closeness(branch, depth), reverse=True)
        if not ranked:
            yield self._make(error, error.instance_path, error.kind.name, "matches none of the alternatives", "", "")
            return
        best = _closeness(ranked[0], depth)
        if len(ranked) == 1 or best > _closeness(ranked[1], depth):
            for inner in ranked[0]:
                yield from self.violations(inner)
            return
        equal = [branch for branch in ranked if _closeness(branch, depth) == best]
        expected = _either(list(dict.fromkeys(self._wish(branch[0]) for branch in equal))[:LONGEST_LIST])
        message = f"must be {expected}, got {kind_shown(self._value(error))}" if best[0] == 0 else f"matches no alternative: {expected}"
        yield self._make(error, error.instance_path, error.kind.name, message, expected, kind_shown(self._value(error)))

    def _wish(self, error: Error) -> str:
        if error.kind.name == "type":
            return _types(error.kind.types)  # type: ignore[attr-defined]
        if error.kind.name == "enum":
            return _options(error.kind.options)  # type: ignore[attr-defined]
        return next((one.message for one in self.violations(error)), error.kind.name)


class _Hidden(str):
    """A text whose value is not shown."""

    __slots__ = ()

    def isprintable(self) -> bool:
        return False


def _closeness(branch: Sequence[Error], depth: int) -> tuple[int, int, int]:
    """Of the right kind, then failing deepest, then with the fewest errors."""
    wrong_kind = any(error.kind.name in {"type", "enum", "const"} and len(error.instance_path) == depth for error in branch)
    return 0 if wrong_kind else 1, max(len(error.instance_path) for error in branch), -len(branch)


def component_pointer(name: str) -> str:
    """Pointer of a plainly named component."""
    return COMPONENT + name
