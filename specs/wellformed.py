"""An operation's detail made well-formed: what readers take for an object is one, what they take for text is text.

Documents break their own standard and are published all the same. Readers (pages, the form, the slice, the sample) meet
only what this module lets through; each thing it leaves out is a finding. Schemas are read as they are.
"""

from __future__ import annotations

from typing import Any

from specs.findings import Finding
from specs.shape import LIST, MAP, MEMBERS, Tokens, pointer_of

MAX_FINDINGS = 20  # of one operation
_TEXTS = {
    "parameter": ("name", "in", "style", "description"),
    "header": ("style", "description"),
    "request_body": ("description",),
    "response": ("description",),
    "example": ("summary",),
}
_NEEDED = {"parameter": ("name", "in")}
_LISTS_OF_OBJECTS = ("security", "servers")
_RESOLVED = frozenset(("parameter", "request_body", "response", "header"))  # a reference that is left leads nowhere
_DROPPED: Any = object()


def well_formed(detail: dict[str, Any], at: Tokens) -> tuple[dict[str, Any], list[Finding]]:
    """The detail of the operation standing at ``at`` as every reader may take it, and what was left out.

    ``parameters`` is a list of objects with text for ``name`` and ``in``; ``requestBody``, responses, headers, media types,
    examples, links and callbacks are objects; ``schema`` is an object, true or false; ``security`` and ``servers`` are lists
    of objects, ``externalDocs`` is an object; ``style``, ``description`` and ``summary`` are text.
    """
    sieve = _Sieve(at)
    return sieve.operation(detail, ()), sieve.findings


class _Sieve:
    def __init__(self, at: Tokens) -> None:
        self.at = at
        self.findings: list[Finding] = []

    def operation(self, detail: dict[str, Any], tokens: Tokens) -> dict[str, Any]:
        # An operation cannot be a reference: one that stands there would pass for the whole of it.
        apart = (*_LISTS_OF_OBJECTS, "externalDocs", "callbacks", "$ref")
        plain = {name: value for name, value in detail.items() if name not in apart}
        kept: dict[str, Any] = self.one("operation", plain, tokens)
        for name in _LISTS_OF_OBJECTS:
            if name in detail:
                self.put(kept, name, self.objects(detail[name], (*tokens, name)))
        if "externalDocs" in detail:
            self.put(kept, "externalDocs", self.one("link", detail["externalDocs"], (*tokens, "externalDocs")))
        if "callbacks" in detail:
            self.put(kept, "callbacks", self.callbacks(detail["callbacks"], (*tokens, "callbacks")))
        return kept

    def callbacks(self, value: Any, tokens: Tokens) -> Any:
        """name → expression → method → detail, as ``specs.operations.detail_of`` makes it."""
        found: dict[str, Any] = {}
        for name, callback in self.mapping(value, tokens).items():
            if name.startswith("x-"):
                continue
            expressions = self.mapping(callback, (*tokens, name))
            found[name] = {
                expression: {
                    method: self.operation(one, (*tokens, name, expression, method))
                    for method, one in self.mapping(item, (*tokens, name, expression)).items()
                    if isinstance(one, dict)
                }
                for expression, item in expressions.items()
                if not expression.startswith("x-")
            }
        return found

    def one(self, kind: str, value: Any, tokens: Tokens) -> Any:
        """A value of a kind of ``specs.shape``, its members sifted; the mark when it is none."""
        if kind == "schema":
            return value if isinstance(value, dict | bool) else self.drop(tokens, "a schema")
        if not isinstance(value, dict):
            return self.drop(tokens, "an object")
        if isinstance(value.get("$ref"), str):
            return self.drop(tokens, "a reference to something that is there") if kind in _RESOLVED else value
        kept: dict[str, Any] = {}
        members, texts = MEMBERS[kind], _TEXTS.get(kind, ())
        for name, member in value.items():
            at = (*tokens, name)
            if name in texts:
                self.put(kept, name, member if isinstance(member, str) else self.drop(at, "text"))
            elif name in members:
                self.put(kept, name, self.held(*members[name], member, at))
            else:
                kept[name] = member
        if any(name not in kept for name in _NEEDED.get(kind, ())):
            return self.drop(tokens, f"an object with {' and '.join(_NEEDED[kind])}")
        return kept

    def held(self, how: str, kind: str, value: Any, tokens: Tokens) -> Any:
        if how == MAP:
            if not isinstance(value, dict):
                return self.drop(tokens, "an object")
            kept: dict[str, Any] = {}
            for name, member in value.items():
                self.put(kept, name, member if name.startswith("x-") else self.one(kind, member, (*tokens, name)))
            return kept
        if how == LIST:
            if not isinstance(value, list):
                return self.drop(tokens, "a list")
            sifted = [self.one(kind, member, (*tokens, str(index))) for index, member in enumerate(value)]
            return [member for member in sifted if member is not _DROPPED]
        return self.one(kind, value, tokens)

    def mapping(self, value: Any, tokens: Tokens) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.drop(tokens, "an object")
            return {}
        return value

    def objects(self, value: Any, tokens: Tokens) -> Any:
        if not isinstance(value, list):
            return self.drop(tokens, "a list")
        sifted = [one if isinstance(one, dict) else self.drop((*tokens, str(index)), "an object") for index, one in enumerate(value)]
        return [one for one in sifted if one is not _DROPPED]

    @staticmethod
    def put(kept: dict[str, Any], name: str, value: Any) -> None:
        if value is not _DROPPED:
            kept[name] = value

    def drop(self, tokens: Tokens, wanted: str) -> Any:
        """Say that something is left out; the mark for it. Parameters were merged, so their numbers are not the text's."""
        if len(self.findings) < MAX_FINDINGS:
            text = f"{'/'.join(tokens)[:120]} is left out where the operation is read: it must be {wanted}."
            place = tokens[:1] if tokens[:1] == ("parameters",) else tokens
            self.findings.append(Finding("left-out", "warning", text, pointer_of((*self.at, *place))))
        return _DROPPED
