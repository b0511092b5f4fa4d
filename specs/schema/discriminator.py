"""Discriminators: the named branch is checked, and only it, so that findings are exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from specs.schema.keywords import branches

COMPONENT = "#/components/schemas/"
Resolve = Callable[[str], Any]


def dispatch(node: Mapping[str, Any], out: dict[str, Any], resolve: Resolve) -> None:
    """Turn ``oneOf``/``anyOf`` with a discriminator into one ``if``/``then`` per value of its property.

    A value without the property, or not an object, still meets the plain ``oneOf``/``anyOf``. Only branches of the list
    can be named (see ``branch_names``); where several have the same name, any of them will do. Inline branches cannot be
    named, so a list that has one stays as it is.
    """
    discriminator = node.get("discriminator")
    keyword = "oneOf" if "oneOf" in out else "anyOf" if "anyOf" in out else ""
    if not isinstance(discriminator, Mapping) or not keyword or not isinstance(discriminator.get("propertyName"), str):
        return
    targets = [branch.get("$ref") if isinstance(branch, Mapping) else None for branch in node[keyword]]
    if not all(isinstance(target, str) for target in targets):
        return
    name = discriminator["propertyName"]
    converted: list[Any] = out.pop(keyword)
    chosen: dict[tuple[int, ...], list[str]] = {}
    for value, positions in branch_names(discriminator, [str(target) for target in targets], resolve).items():
        chosen.setdefault(tuple(positions), []).append(value)
    choices = [
        {
            "if": {"properties": {name: {"enum": values}}},
            "then": converted[positions[0]] if len(positions) == 1 else {"anyOf": [converted[position] for position in positions]},
        }
        for positions, values in chosen.items()
    ]
    named = {"properties": {name: {"enum": [value for values in chosen.values() for value in values]}}, "allOf": choices}
    rule = {"if": {"type": "object", "required": [name]}, "then": named, "else": {keyword: converted}}
    out["allOf"] = [*out.get("allOf", []), rule]


def branch_names(discriminator: Mapping[str, Any], targets: list[str], resolve: Resolve) -> dict[str, list[int]]:
    """Value of the discriminator property → indexes of the branches it may name.

    The mapping first, whose values may be references or bare names. Then what the branch itself says its property is:
    many documents leave the mapping out and give each branch a constant. Else the last piece of the reference, as the
    standard has it (OpenAPI 3.1, 4.8.25).
    """
    names: dict[str, list[int]] = {}
    mapping = discriminator.get("mapping")
    for value, target in mapping.items() if isinstance(mapping, Mapping) else ():
        full = target if isinstance(target, str) and "/" in target else f"{COMPONENT}{target}"
        if full in targets:
            names.setdefault(str(value), []).append(targets.index(full))
    mapped = {position for positions in names.values() for position in positions}
    for position, target in enumerate(targets):
        own = constants(resolve(target), discriminator["propertyName"], resolve)
        if not own:
            last = target.rpartition("/")[2]
            own = set() if position in mapped and last in names else {last}
        for value in sorted(own):
            if position not in names.setdefault(value, []):
                names[value].append(position)
    return names


def constants(schema: Any, name: str, resolve: Resolve, depth: int = 0) -> set[str]:
    """The texts a schema allows for a property by ``enum`` or ``const``, through references and ``allOf``."""
    if not isinstance(schema, Mapping) or depth > 8:
        return set()
    found: set[str] = set()
    if isinstance(schema.get("$ref"), str):
        found |= constants(resolve(schema["$ref"]), name, resolve, depth + 1)
    properties = schema.get("properties")
    found |= _texts(properties.get(name) if isinstance(properties, Mapping) else None, resolve, depth)
    for keyword in ("allOf", "oneOf", "anyOf"):
        for branch in branches(schema, keyword):
            found |= constants(branch, name, resolve, depth + 1)
    return found


def _texts(schema: Any, resolve: Resolve, depth: int) -> set[str]:
    for _ in range(8):
        if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
            break
        schema = resolve(schema["$ref"])
    if not isinstance(schema, Mapping):
        return set()
    values = schema["enum"] if isinstance(schema.get("enum"), list) else [schema["const"]] if "const" in schema else []
    return {value for value in values if isinstance(value, str)}
