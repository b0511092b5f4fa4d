"""Discriminators: the named branch is checked, and only it, so that findings are exact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

COMPONENT = "#/components/schemas/"


class _Converter(Protocol):
    document: Mapping[str, Any]


def dispatch(converter: _Converter, node: Mapping[str, Any], out: dict[str, Any]) -> None:
    """Turn ``oneOf``/``anyOf`` with a discriminator into one ``if``/``then`` per branch.

    A value without the property, or not an object, still meets the plain ``oneOf``/``anyOf``. Only branches of the list
    can be named: by the reference's last piece, or by the mapping, whose values may be references or bare names.
    Inline branches cannot be named, so a list that has one stays as it is.
    """
    discriminator = node.get("discriminator")
    keyword = "oneOf" if "oneOf" in out else "anyOf" if "anyOf" in out else ""
    if not isinstance(discriminator, Mapping) or not keyword or not isinstance(discriminator.get("propertyName"), str):
        return
    branches = node[keyword]
    targets = [branch.get("$ref") if isinstance(branch, Mapping) else None for branch in branches]
    if not all(isinstance(target, str) for target in targets):
        return
    names = _names(discriminator.get("mapping"), [str(target) for target in targets])
    name = discriminator["propertyName"]
    choices = [
        {
            "if": {"properties": {name: {"enum": [value for value, index in names.items() if index == position]}}},
            "then": branch,
        }
        for position, branch in enumerate(out[keyword])
    ]
    chosen = {"properties": {name: {"enum": list(names)}}, "allOf": choices}
    plain = {keyword: out.pop(keyword)}
    rule = {"if": {"type": "object", "required": [name]}, "then": chosen, "else": plain}
    out.setdefault("allOf", [])
    out["allOf"] = [*out["allOf"], rule]


def _names(mapping: Any, targets: list[str]) -> dict[str, int]:
    """Value of the discriminator property → index of the branch."""
    names: dict[str, int] = {}
    if isinstance(mapping, Mapping):
        for value, target in mapping.items():
            full = target if isinstance(target, str) and "/" in target else f"{COMPONENT}{target}"
            if full in targets:
                names[str(value)] = targets.index(full)
    for index, target in enumerate(targets):
        names.setdefault(target.rpartition("/")[2], index)
    return names
