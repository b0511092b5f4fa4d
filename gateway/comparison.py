"""Two recorded calls beside each other: status, which headers, and the shape of the bodies. Pure.

Values are not compared: two environments hold different data. The shape of a JSON body is the set of its pointers with the
types found there; all items of an array lie at the pointer ``…/*``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.models import Call

MOST_DIFFERENCES = 100  # of headers, and of the body
DEEPEST = 32
# They differ between any two answers, or only say how the same bytes were carried.
_PASSING = frozenset({"age", "connection", "content-length", "date", "keep-alive", "transfer-encoding"})
Shape = dict[str, set[str]]


@dataclass(slots=True)
class Comparison:
    """``headers``: name, change, original, replay. ``body``: pointer, change, original, replay (types, as text).

    ``notes`` say what could not be compared; then the two are not called equal.
    """

    status: dict[str, int | None]
    headers: list[dict[str, str]] = field(default_factory=list)
    body: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return self.status["original"] == self.status["replay"] and not (self.headers or self.body or self.notes)


def compare(original: Call, replay: Call) -> Comparison:
    """How the answer of ``replay`` differs from that of ``original``, as far as their records tell."""
    found = Comparison(status={"original": original.status, "replay": replay.status})
    for name, call in (("original", original), ("replay", replay)):
        if call.origin != "upstream":
            found.notes.append(f"The {name} was not answered by the platform, so only the status is compared.")
    if found.notes:
        return found
    found.headers = _headers(original, replay)
    bodies = {"original": _body(original), "replay": _body(replay)}
    found.notes += [f"The body of the {name} is not kept whole, so it is not compared." for name, body in bodies.items() if body is None]
    if bodies["original"] is not None and bodies["replay"] is not None:
        shapes = {name: _shape(body) for name, body in bodies.items()}
        if any(shape is None for shape in shapes.values()):
            found.notes.append(f"The bodies are nested deeper than {DEEPEST} levels, so they are not compared.")
        found.body = _shapes(shapes["original"] or {}, shapes["replay"] or {}) if not found.notes else []
    for what, differences in (("headers", found.headers), ("places of the body", found.body)):
        if len(differences) > MOST_DIFFERENCES:
            found.notes.append(f"{len(differences):,} {what} differ; the first {MOST_DIFFERENCES} are listed.")
            del differences[MOST_DIFFERENCES:]
    return found


def _headers(original: Call, replay: Call) -> list[dict[str, str]]:
    before, after = _fields(original.response_headers), _fields(replay.response_headers)
    differences = []
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            differences.append({"name": name, "change": "removed", "original": before[name], "replay": ""})
        elif name not in before:
            differences.append({"name": name, "change": "added", "original": "", "replay": after[name]})
        elif name == "content-type" and _media_type(before[name]) != _media_type(after[name]):
            differences.append({"name": name, "change": "changed", "original": before[name], "replay": after[name]})
    return differences


def _fields(headers: Iterable[Iterable[str]]) -> dict[str, str]:
    return {lowered: value for name, value in headers if (lowered := name.lower()) not in _PASSING}


def _media_type(value: str) -> str:
    return value.replace(" ", "").lower()


@dataclass(frozen=True, slots=True)
class _Body:
    """``kind``: none, text or json."""

    kind: str
    value: Any = None


def _body(call: Call) -> _Body | None:
    """What is kept of an answer's body; None when it is JSON that was cut or masked until it can no longer be read."""
    if not call.response_body:
        return _Body("none") if not call.response_bytes or call.method == "HEAD" else None
    content_type = _fields(call.response_headers).get("content-type", "")
    if content_type and "json" not in content_type.lower():
        return _Body("text")
    try:
        return _Body("json", orjson.loads(call.response_body))
    except orjson.JSONDecodeError:
        return None if content_type else _Body("text")


def _shape(body: _Body | None) -> Shape | None:
    """Pointer → types; None when it is nested too deeply."""
    if body is None or body.kind != "json":
        return {"": {body.kind if body else "none"}}
    shape: Shape = {}
    waiting: list[tuple[str, int, Any]] = [("", 0, body.value)]
    while waiting:
        pointer, depth, value = waiting.pop()
        if depth > DEEPEST:
            return None
        shape.setdefault(pointer, set()).add(_type(value))
        if isinstance(value, dict):
            waiting.extend((f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", depth + 1, item) for key, item in value.items())
        elif isinstance(value, list):
            waiting.extend((f"{pointer}/*", depth + 1, item) for item in value)
    return shape


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "object" if isinstance(value, dict) else "array" if isinstance(value, list) else "string"


def _shapes(original: Shape, replay: Shape) -> list[dict[str, str]]:
    """The outermost differences. Items of an array that is empty on one side are no difference: nothing is known of them."""
    differences = []
    said: set[str] = set()
    for pointer in sorted(original.keys() | replay.keys(), key=lambda one: (one.count("/"), one)):
        before, after = original.get(pointer, set()), replay.get(pointer, set())
        if before == after:
            continue
        parent = pointer.rpartition("/")[0]
        if pointer and parent in said:
            said.add(pointer)
            continue
        said.add(pointer)
        if pointer.endswith("/*") and not (before and after):
            continue
        change = "type" if before and after else "added" if after else "removed"
        differences.append({"pointer": pointer, "change": change, "original": _words(before), "replay": _words(after)})
    return differences


def _words(types: Iterable[str]) -> str:
    return ", ".join(sorted(types))


def document(comparison: Comparison) -> dict[str, Any]:
    """A comparison as the API answers it, without the calls."""
    return {
        "equal": comparison.equal,
        "status": comparison.status,
        "headers": comparison.headers,
        "body": comparison.body,
        "notes": comparison.notes,
    }
