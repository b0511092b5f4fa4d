"""Where things lie in an OpenAPI document: pointers, and which member holds which kind of object.

One table serves Swagger 2.0 and OpenAPI 3.0 to 3.2; their member names do not collide. A walk by kind is what tells
a reference from an example that happens to hold ``$ref``, and a property *called* ``$ref`` from both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from specs.errors import PointerMissing

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
"""HTTP methods a path item may hold; ``query`` since 3.2."""

Tokens = tuple[str, ...]
"""The unescaped reference tokens of a JSON pointer."""

ONE, MAP, LIST = "one", "map", "list"

_SCHEMA_MEMBERS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"), (MAP, "schema")),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), (LIST, "schema")),
    **dict.fromkeys(
        ("items", "additionalProperties", "additionalItems", "not", "if", "then", "else", "contains", "propertyNames"), (ONE, "schema")
    ),
    **dict.fromkeys(("unevaluatedItems", "unevaluatedProperties", "contentSchema"), (ONE, "schema")),
}

MEMBERS: dict[str, dict[str, tuple[str, str]]] = {
    "document": {
        "paths": (MAP, "path_item"),
        "webhooks": (MAP, "path_item"),
        "x-webhooks": (MAP, "path_item"),
        "components": (ONE, "components"),
        "definitions": (MAP, "schema"),
        "parameters": (MAP, "parameter"),
        "responses": (MAP, "response"),
    },
    "components": {
        "schemas": (MAP, "schema"),
        "responses": (MAP, "response"),
        "parameters": (MAP, "parameter"),
        "examples": (MAP, "example"),
        "requestBodies": (MAP, "request_body"),
        "headers": (MAP, "header"),
        "securitySchemes": (MAP, "security_scheme"),
        "links": (MAP, "link"),
        "callbacks": (MAP, "callback"),
        "pathItems": (MAP, "path_item"),
        "mediaTypes": (MAP, "media_type"),
    },
    "path_item": {
        **dict.fromkeys(METHODS, (ONE, "operation")),
        "additionalOperations": (MAP, "operation"),
        "parameters": (LIST, "parameter"),
    },
    "operation": {
        "parameters": (LIST, "parameter"),
        "requestBody": (ONE, "request_body"),
        "responses": (MAP, "response"),
        "callbacks": (MAP, "callback"),
    },
    "callback": {},
    "parameter": {
        "schema": (ONE, "schema"),
        "items": (ONE, "schema"),
        "content": (MAP, "media_type"),
        "examples": (MAP, "example"),
    },
    "header": {
        "schema": (ONE, "schema"),
        "items": (ONE, "schema"),
        "content": (MAP, "media_type"),
        "examples": (MAP, "example"),
    },
    "request_body": {"content": (MAP, "media_type")},
    "response": {
        "schema": (ONE, "schema"),
        "headers": (MAP, "header"),
        "content": (MAP, "media_type"),
        "links": (MAP, "link"),
    },
    "media_type": {
        "schema": (ONE, "schema"),
        "itemSchema": (ONE, "schema"),
        "examples": (MAP, "example"),
        "encoding": (MAP, "encoding"),
        "itemEncoding": (ONE, "encoding"),
        "prefixEncoding": (LIST, "encoding"),
    },
    "encoding": {"headers": (MAP, "header")},
    "schema": _SCHEMA_MEMBERS,
    "example": {},
    "link": {},
    "security_scheme": {},
}
"""kind → member → (how it holds, what kind). ``callback`` holds path items under any key that is not an extension."""

SECTIONS: dict[str, str] = {kind: section for section, (_how, kind) in MEMBERS["components"].items()}
"""kind → the section of ``components`` it may be kept in."""

SECTIONS_2: dict[str, str] = {"schema": "definitions", "parameter": "parameters", "response": "responses"}
"""kind → the member of a Swagger 2.0 root it may be kept in."""


class Node(NamedTuple):
    """One typed place of a document. ``tokens`` are the unescaped reference tokens of its pointer."""

    kind: str
    value: Any
    tokens: tuple[str, ...]


def escape(token: str) -> str:
    """A reference token as it stands in a JSON pointer (RFC 6901 §3)."""
    return token.replace("~", "~0").replace("/", "~1")


def pointer_of(tokens: tuple[str, ...]) -> str:
    """The JSON pointer of the tokens; the empty string is the whole document."""
    return "".join("/" + escape(token) for token in tokens)


def tokens_of(pointer: str) -> tuple[str, ...]:
    """The unescaped tokens of a JSON pointer, with or without the ``#`` of a URI fragment (then percent-decoded)."""
    if pointer.startswith("#"):
        pointer = unquote(pointer[1:])
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise PointerMissing(f"{pointer[:80]!r} is not a JSON pointer.")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def resolve(document: Any, tokens: tuple[str, ...]) -> Any:
    """What lies at the tokens. Raises PointerMissing; references on the way are not followed."""
    value = document
    for token in tokens:
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isascii() and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        else:
            raise PointerMissing(f"There is nothing at {pointer_of(tokens)[:200]!r}.")
    return value


def reference_of(value: Any) -> str | None:
    """The text of the reference, when the value is an object with ``$ref`` as text."""
    target = value.get("$ref") if isinstance(value, dict) else None
    return target if isinstance(target, str) else None


MAX_HOPS = 64
"""References that lead to references, in one chain."""


def follow(document: Any, value: Any) -> Any:
    """The value, with internal references followed to their end. Raises PointerMissing, also for a circle of references."""
    for _hop in range(MAX_HOPS):
        target = reference_of(value)
        if target is None:
            return value
        if not target.startswith("#"):
            break
        value = resolve(document, tokens_of(target))
    raise PointerMissing("The reference leads back to itself, or through too many others.")


def members(kind: str, value: dict[str, Any]) -> Iterator[tuple[str, str, str, Any]]:
    """(member, how, kind, value) of every typed member the object has."""
    if kind == "callback":
        for name, member in value.items():
            if not name.startswith("x-") and name != "$ref":
                yield name, ONE, "path_item", member
        return
    table = MEMBERS.get(kind, {})
    for name, member in value.items():
        if name in table:
            how, below = table[name]
            yield name, how, below, member


def children(node: Node) -> Iterator[Node]:
    """The typed nodes directly below one node; a schema's boolean sub-schemas included."""
    if not isinstance(node.value, dict):
        return
    for name, how, kind, member in members(node.kind, node.value):
        tokens = (*node.tokens, name)
        if how == ONE and not isinstance(member, list):
            yield Node(kind, member, tokens)
        elif isinstance(member, list):
            for index, item in enumerate(member):
                yield Node(kind, item, (*tokens, str(index)))
        elif isinstance(member, dict):
            for key, item in member.items():
                if not (name in ("paths", "responses") and key.startswith("x-")):
                    yield Node(kind, item, (*tokens, key))


def walk(document: Any) -> Iterator[Node]:
    """Every typed node of a document, parents first, in the document's order. References are yielded, not followed."""
    stack = [Node("document", document, ())]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(list(children(node))))
