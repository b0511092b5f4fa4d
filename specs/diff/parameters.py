"""The parameters of an operation, compared; one in the path is known by its position, whatever its name."""

from __future__ import annotations

import re
from typing import Any

from specs.diff.collected import Collected
from specs.diff.differences import Lifecycle
from specs.diff.exchange import Exchange
from specs.diff.lifecycle import Deadlines, ending_of
from specs.operations import Operation, as_dict, as_list, followed, parameters_of

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}
_NO_PARAMETERS = frozenset(("accept", "content-type", "authorization"))
"""Headers that OpenAPI describes elsewhere: as parameters they are to be ignored."""
Key = tuple[str, str]


def compare_parameters(exchange: Exchange, collected: Collected, deadlines: Deadlines) -> None:
    """Every difference of the parameters, those of the path item included."""
    old = _by_key(exchange.old_document, exchange.old, {})
    positions = PLACEHOLDER.findall(exchange.new.path), PLACEHOLDER.findall(exchange.old.path)
    renamed = dict(zip(*positions, strict=True)) if len(positions[0]) == len(positions[1]) else {}
    new = _by_key(exchange.new_document, exchange.new, renamed)
    for key, before in old.items():
        if key in new:
            _compare(exchange, collected, before, new[key])
        else:
            lifecycle = Lifecycle.of(before)
            ending = ending_of(lifecycle, exchange.stability, deadlines)
            kind = "sunset-invalid" if ending == "sunset-parse" else "parameter-removed"
            if exchange.inverted:
                kind = "required-header-removed" if _required(before) else "optional-header-removed"
            collected.note(exchange.parameter(key[0], str(before["name"])), kind, lifecycle.sunset, ending=ending)
    for key, after in new.items():
        if key not in old:
            _added(exchange, collected, after)


def _by_key(document: dict[str, Any], operation: Operation, renamed: dict[str, str]) -> dict[Key, dict[str, Any]]:
    found: dict[Key, dict[str, Any]] = {}
    for parameter in parameters_of(document, operation):
        where, name = parameter.get("in"), parameter.get("name")
        if isinstance(where, str) and isinstance(name, str) and not (where == "header" and name.lower() in _NO_PARAMETERS):
            known = renamed.get(name, name) if where == "path" else name.lower() if where == "header" else name
            found[where, known] = parameter
    return found


def _added(exchange: Exchange, collected: Collected, after: dict[str, Any]) -> None:
    place = exchange.parameter(after["in"], after["name"])
    if exchange.inverted:
        collected.note(place, "header-added")
    elif after["in"] == "path":
        collected.note(place, "path-parameter-added")
    else:
        shared = any(followed(exchange.new_document, one) is after for one in as_list(exchange.new.item.get("parameters")))
        collected.note(place, f"{'shared-' if shared else ''}{'required' if _required(after) else 'optional'}-parameter-added")


def _required(parameter: dict[str, Any]) -> bool:
    return parameter.get("required") is True or parameter.get("in") == "path"


def _compare(exchange: Exchange, collected: Collected, before: dict[str, Any], after: dict[str, Any]) -> None:
    where = after["in"]
    style, explode = _writing(after)
    repeats = where in ("query", "cookie") and style == "form" and explode
    place = exchange.parameter(where, after["name"], repeats=repeats)
    if _required(before) != _required(after):
        collected.note(place, "became-required" if _required(after) else "became-optional")
    _compare_writing(before, after, place, collected)
    lifecycles = Lifecycle.of(before), Lifecycle.of(after)
    if lifecycles[0] != lifecycles[1]:
        collected.note(place, "lifecycle", *lifecycles)
    contents = as_dict(before.get("content")), as_dict(after.get("content"))
    if contents[0] and contents[1]:
        place = exchange.parameter(where, after["name"], loose=False)
        collected.contents(place, *contents, [(name, name) for name in contents[0] if name in contents[1]])
        if contents[0].keys() != contents[1].keys():
            collected.note(place, "content-changed", list(contents[0]), list(contents[1]))
    elif contents[0] or contents[1]:
        collected.note(place, "content-changed", list(contents[0]) or None, list(contents[1]) or None)
    else:
        collected.schemas(place, before.get("schema", True), after.get("schema", True))


def _compare_writing(before: dict[str, Any], after: dict[str, Any], place: Any, collected: Collected) -> None:
    styles = _writing(before), _writing(after)
    if styles[0][0] != styles[1][0]:
        collected.note(place, "style-changed", styles[0][0], styles[1][0])
    elif styles[0][1] != styles[1][1] and (_holds_several(before) or _holds_several(after)):
        collected.note(place, "explode-changed", styles[0][1], styles[1][1])
    for member, kind in (("allowReserved", "reserved"), ("allowEmptyValue", "empty-value")):
        if (before.get(member) is True) != (after.get(member) is True):
            collected.note(place, f"{kind}-allowed" if after.get(member) is True else f"{kind}-refused")


def _writing(parameter: dict[str, Any]) -> tuple[str, bool]:
    style = parameter.get("style")
    style = style if isinstance(style, str) else _STYLES.get(parameter["in"], "form")
    explode = parameter.get("explode")
    return style, explode if isinstance(explode, bool) else style in ("form", "cookie")


def _holds_several(parameter: dict[str, Any]) -> bool:
    """A single value is written the same exploded or not; a schema that is a reference may hold several."""
    kind = as_dict(parameter.get("schema")).get("type")
    return kind not in ("string", "integer", "number", "boolean")
