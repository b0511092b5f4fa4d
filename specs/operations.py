"""The operations of a document: which there are, what each is called, what it needs, and how it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from specs.errors import PointerMissing
from specs.shape import METHODS, Tokens, follow

_NOT_KEY = re.compile(r"[^A-Za-z0-9._~-]")
_WORD = re.compile(r"[A-Za-z0-9]+")
EVERYTHING = frozenset(("all", "*"))
_DROPPED = frozenset(("summary", "description", "operationId", "tags", "deprecated", "parameters", "requestBody", "responses", "callbacks"))


class Operation(NamedTuple):
    """One operation as the document has it. ``tokens`` point at it; ``item`` is its path item with references followed."""

    path: str
    method: str
    value: dict[str, Any]
    item: dict[str, Any]
    tokens: Tokens


def as_dict(value: Any) -> dict[str, Any]:
    """The value when it is an object, else an empty one: documents break their own standard."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """The value when it is text, else the empty string."""
    return value if isinstance(value, str) else ""


def followed(document: dict[str, Any], value: Any) -> Any:
    """The value behind internal references; what dangles stays as it is written."""
    try:
        return follow(document, value)
    except PointerMissing:
        return value


def operations_below(document: dict[str, Any], section: str) -> Iterator[Operation]:
    """Every operation of ``paths``, ``webhooks`` or ``x-webhooks``, in the document's order."""
    for path, raw in as_dict(document.get(section)).items():
        if section == "paths" and not path.startswith("/"):
            continue
        item = as_dict(followed(document, raw))
        for method in METHODS:
            if isinstance(item.get(method), dict):
                yield Operation(path, method, item[method], item, (section, path, method))
        for method, value in as_dict(item.get("additionalOperations")).items():
            if isinstance(value, dict):
                yield Operation(path, method, value, item, (section, path, "additionalOperations", method))


class Keys:
    """Hands out operation keys: unique in the document, the same every time the same document is read."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def key(self, operation: Operation) -> str:
        """The operationId made safe for a URL, else ``<method>-<path words>``; a number is added to what is taken."""
        wanted = _NOT_KEY.sub("-", as_text(operation.value.get("operationId")).strip())
        if not wanted.strip(".-"):
            wanted = "-".join((operation.method.lower(), *_WORD.findall(operation.path)))
        key, number = wanted[:200], 1
        while key in self.taken:
            number += 1
            key = f"{wanted[:200]}-{number}"
        self.taken.add(key)
        return key


def parameters_of(document: dict[str, Any], operation: Operation) -> list[dict[str, Any]]:
    """The operation's parameters, references followed, those of the path item first unless overridden by (in, name)."""
    merged: dict[Any, dict[str, Any]] = {}
    for index, raw in enumerate((*as_list(operation.item.get("parameters")), *as_list(operation.value.get("parameters")))):
        value = followed(document, raw)
        if isinstance(value, dict):
            named = isinstance(value.get("in"), str) and isinstance(value.get("name"), str)
            merged[(value["in"], value["name"]) if named else index] = value
    return list(merged.values())


def security_of(document: dict[str, Any], operation: Operation) -> list[Any]:
    """The security requirements in force."""
    return as_list(operation.value["security"] if "security" in operation.value else document.get("security"))


def scopes_of(document: dict[str, Any], operation: Operation) -> list[list[str]]:
    """Alternatives of scope lists. A requirement that names no scope adds no alternative; none at all gives ``[]``.

    A scope that stands for everything names none: real documents put ``all`` on each operation (Genesys Cloud's does), it
    says nothing about the rights one operation needs, and no principal of the portal may ever hold it (P29, P37).
    """
    schemes = as_dict(as_dict(document.get("components")).get("securitySchemes"))
    alternatives: list[list[str]] = []
    for requirement in security_of(document, operation):
        scopes: list[str] = []
        for name, wanted in as_dict(requirement).items():
            kind = as_dict(followed(document, schemes.get(name))).get("type", "oauth2")
            if kind in ("oauth2", "openIdConnect"):
                scopes.extend(scope for scope in as_list(wanted) if isinstance(scope, str) and scope not in {*scopes, *EVERYTHING})
        if scopes and scopes not in alternatives:
            alternatives.append(scopes)
    return alternatives


def detail_of(document: dict[str, Any], operation: Operation, *, callbacks: bool = True) -> dict[str, Any]:
    """The operation for reading: parameters, body, responses, headers and callbacks with references followed.

    Schemas, examples and links keep theirs. Prose and identity (summary, tags, …) are fields of their own.
    """
    value = operation.value
    detail: dict[str, Any] = {name: member for name, member in value.items() if name not in _DROPPED}
    detail["parameters"] = parameters_of(document, operation)
    if "requestBody" in value:
        detail["requestBody"] = followed(document, value["requestBody"])
    detail["responses"] = {
        status: response if status.startswith("x-") else _response(document, response)
        for status, response in as_dict(value.get("responses")).items()
    }
    if "servers" not in detail and operation.item.get("servers"):
        detail["servers"] = operation.item["servers"]
    if "security" not in detail and "security" in document:
        detail["security"] = document["security"]
    if callbacks and isinstance(value.get("callbacks"), dict):
        detail["callbacks"] = {name: _callback(document, one) for name, one in value["callbacks"].items()}
    return detail


def _response(document: dict[str, Any], raw: Any) -> Any:
    response = followed(document, raw)
    if not isinstance(response, dict) or not isinstance(response.get("headers"), dict):
        return response
    return {**response, "headers": {name: followed(document, header) for name, header in response["headers"].items()}}


def _callback(document: dict[str, Any], raw: Any) -> Any:
    """expression → method → detail, one level deep: a callback's own callbacks keep their references."""
    callback = followed(document, raw)
    if not isinstance(callback, dict):
        return callback
    described: dict[str, Any] = {}
    for expression, raw_item in callback.items():
        item = as_dict(followed(document, raw_item))
        described[expression] = {
            method: {
                **{name: item[method][name] for name in ("summary", "description", "operationId", "callbacks") if name in item[method]},
                **detail_of(document, Operation(expression, method, item[method], item, ()), callbacks=False),
            }
            for method in METHODS
            if isinstance(item.get(method), dict)
        }
    return described
