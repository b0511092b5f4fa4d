"""One schema of OpenAPI 3.0 or 3.1 → JSON Schema 2020-12 in one mode.

The conversion is lenient where real documents mean more than they say: ``nullable`` beside anything lets null through,
and ``required`` drops what is ``readOnly`` in requests and ``writeOnly`` in responses, also through references.
Prose, examples and extensions are dropped. What is not sound is dropped too, with a complaint.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

from specs.schema.discriminator import dispatch
from specs.schema.keywords import FORMATS, INTEGER_BOUNDS, SOUND, SUBSCHEMA, SUBSCHEMA_LISTS, SUBSCHEMA_MAPS, branches, is_number

Mode = Literal["request", "response"]
Node = Any
DEPTH_LIMIT = 60
SAFE_NAME = re.compile(r"[A-Za-z0-9._-]+")
INDEX = re.compile(r"[0-9]{1,9}")
COMPONENT = "#/components/schemas/"
UNSETTLED = ("$dynamicRef", "$recursiveRef")
"""What is left of these after bundling could not be decided before a message is there."""
_MISSING = object()


def resolve_pointer(document: Any, pointer: str) -> Any:
    """What a ``#/…`` reference leads to (RFC 6901 in a fragment), or ``None`` when it leads nowhere."""
    fragment = pointer.removeprefix("#")
    if fragment and not fragment.startswith("/"):
        return None  # an anchor is no pointer
    node = document
    for piece in fragment.split("/")[1:]:
        name = unquote(piece).replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping):
            node = node.get(name, _MISSING)
        elif isinstance(node, list) and INDEX.fullmatch(name) and int(name) < len(node):
            node = node[int(name)]
        else:
            return None
        if node is _MISSING:
            return None
    return node


@functools.lru_cache(maxsize=16_384)
def definition_name(pointer: str) -> str:
    """A name for ``$defs``: the component's own where it is plain, else a hash of the pointer."""
    name = pointer.removeprefix(COMPONENT)
    if pointer.startswith(COMPONENT) and SAFE_NAME.fullmatch(name):
        return name
    return "at-" + hashlib.sha256(unquote(pointer).encode()).hexdigest()[:20]


def escape(name: str) -> str:
    """One piece of a JSON pointer (RFC 6901, 3)."""
    return name.replace("~", "~0").replace("/", "~1")


@dataclass(slots=True)
class Converted:
    """The new schema, the pointers it refers to, and complaints: (pointer, text) of what was dropped."""

    schema: Node
    references: set[str] = field(default_factory=set)
    complaints: list[tuple[str, str]] = field(default_factory=list)


class Converter:
    """Converts the schemas of one document (3.x, only ``#/`` references) in one mode."""

    def __init__(self, document: Mapping[str, Any], mode: Mode) -> None:
        self.document = document
        self.mode = mode
        self.legacy = str(document.get("openapi", "3.0")).startswith("3.0")
        self.hidden_flag = "readOnly" if mode == "request" else "writeOnly"

    def convert(self, schema: Node, pointer: str) -> Converted:
        """Convert the schema found at ``pointer``. References become ``#/$defs/<definition_name>``."""
        result = Converted(True)
        result.schema = self._node(schema, pointer, result, 0)
        return result

    def _node(self, node: Node, at: str, result: Converted, depth: int) -> Node:
        if isinstance(node, bool):
            return node
        if not isinstance(node, Mapping):
            result.complaints.append((at, "is not a schema"))
            return True
        if depth > DEPTH_LIMIT:
            result.complaints.append((at, f"is nested deeper than {DEPTH_LIMIT} levels"))
            return True
        nullable = node.get("nullable") is True
        if "$ref" in node and isinstance(node["$ref"], str) and (self.legacy or len(node) == 1):
            return _or_null(self._reference(node["$ref"], at, result), nullable)
        converted = self._keywords(node, at, result, depth)
        return _or_null(converted, nullable)

    def _reference(self, reference: str, at: str, result: Converted) -> Node:
        target = resolve_pointer(self.document, reference) if reference.startswith("#") else None
        if not isinstance(target, Mapping | bool):
            result.complaints.append((at, "refers to a schema that does not exist"))
            return True
        if isinstance(target, bool):
            return target
        result.references.add(reference)
        return {"$ref": f"#/$defs/{definition_name(reference)}"}

    def _keywords(self, node: Mapping[str, Any], at: str, result: Converted, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if isinstance(node.get("$ref"), str):
            reference = self._reference(node["$ref"], at, result)
            out.update(reference if isinstance(reference, dict) else {})
        for name in UNSETTLED:
            if name in node:
                result.complaints.append((at, f"uses {name}, which is not followed"))
        for name, sound in SOUND.items():
            if name in node:
                value = self._plain(name, node[name], sound, at, result)
                if value is not None or name == "const":
                    out[name] = value
        self._subschemas(node, out, at, result, depth)
        self._bounds(node, out)
        self._required(node, out)
        if isinstance(node.get("discriminator"), Mapping) and not (branches(node, "oneOf") or branches(node, "anyOf")):
            result.complaints.append((at, "names schemas that inherit from it by a discriminator; only what they share is checked"))
        dispatch(node, out, lambda reference: resolve_pointer(self.document, reference))
        return out

    def _plain(self, name: str, value: Any, sound: Callable[[Any], bool], at: str, result: Converted) -> Any:
        if name == "required" and isinstance(value, bool):  # draft 3 style, harmless and common
            return None
        if name in {"exclusiveMinimum", "exclusiveMaximum"} and isinstance(value, bool):
            return None
        if name == "type" and value == "file":
            return "string"
        if not sound(value):
            result.complaints.append((at, f"has a {name} that cannot be used"))
            return None
        if name in {"type", "required"} and isinstance(value, list):
            return list(dict.fromkeys(value))
        if name == "format":
            return value if value in FORMATS else None
        return value

    def _subschemas(self, node: Mapping[str, Any], out: dict[str, Any], at: str, result: Converted, depth: int) -> None:
        for name in (*SUBSCHEMA, "items"):
            if name not in node:
                continue
            if name == "items" and isinstance(node[name], list):
                out.setdefault(
                    "prefixItems", [self._node(child, f"{at}/items/{i}", result, depth + 1) for i, child in enumerate(node[name])]
                )
                continue
            out[name] = self._node(node[name], f"{at}/{name}", result, depth + 1)
        for name in SUBSCHEMA_LISTS:
            listed = node.get(name)
            if isinstance(listed, list) and listed:
                out[name] = [self._node(child, f"{at}/{name}/{i}", result, depth + 1) for i, child in enumerate(listed)]
            elif listed is not None and listed != []:
                result.complaints.append((at, f"has a {name} that cannot be used"))
        for name in SUBSCHEMA_MAPS:
            children = node.get(name)
            if isinstance(children, Mapping):
                out[name] = {
                    key: self._node(child, f"{at}/{name}/{escape(str(key))}", result, depth + 1)
                    for key, child in children.items()
                    if name != "patternProperties" or self._usable_property_pattern(key, at, result)
                }
            elif children is not None:
                result.complaints.append((at, f"has {name} that cannot be used"))

    @staticmethod
    def _usable_property_pattern(pattern: str, at: str, result: Converted) -> bool:
        if SOUND["pattern"](pattern):
            return True
        result.complaints.append((at, "has patternProperties that cannot be used"))
        return False

    @staticmethod
    def _bounds(node: Mapping[str, Any], out: dict[str, Any]) -> None:
        for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if node.get(exclusive) is True and is_number(out.get(inclusive)):
                out[exclusive] = out.pop(inclusive)
        bounds = INTEGER_BOUNDS.get(node["format"]) if isinstance(node.get("format"), str) else None
        if bounds:
            low, high = bounds
            out["minimum"] = max(low, out["minimum"]) if "minimum" in out else low
            out["maximum"] = min(high, out["maximum"]) if "maximum" in out else high

    def _required(self, node: Mapping[str, Any], out: dict[str, Any]) -> None:
        names = out.get("required")
        if not names:
            out.pop("required", None)
            return
        kept = [name for name in names if not self._hidden(node, name)]
        if kept:
            out["required"] = kept
        else:
            del out["required"]

    def _hidden(self, node: Mapping[str, Any], name: str) -> bool:
        """Is the property readOnly (request) or writeOnly (response), wherever the schema says what it is?"""
        return any(self._flagged(child, 0) for child in self._declarations(node, name, 0))

    def _flagged(self, node: Node, depth: int) -> bool:
        if not isinstance(node, Mapping) or depth > 8:
            return False
        if node.get(self.hidden_flag) is True:
            return True
        if isinstance(node.get("$ref"), str) and self._flagged(resolve_pointer(self.document, node["$ref"]), depth + 1):
            return True
        return any(self._flagged(child, depth + 1) for child in branches(node, "allOf"))

    def _declarations(self, node: Node, name: str, depth: int) -> list[Node]:
        if not isinstance(node, Mapping) or depth > 8:
            return []
        if isinstance(node.get("$ref"), str):
            node = resolve_pointer(self.document, node["$ref"])
            return self._declarations(node, name, depth + 1)
        properties = node.get("properties")
        found = [properties[name]] if isinstance(properties, Mapping) and name in properties else []
        for child in branches(node, "allOf"):
            found += self._declarations(child, name, depth + 1)
        return found


def _or_null(schema: Node, nullable: bool) -> Node:
    """Let null through as well, in the plainest way that keeps findings readable."""
    if not nullable or not isinstance(schema, dict) or not schema:
        return schema
    plain = not any(name in schema for name in ("$ref", "allOf", "anyOf", "oneOf", "not", "if", "const"))
    if not plain:
        return {"anyOf": [schema, {"type": "null"}]}
    out = dict(schema)
    if "type" in out:
        names = out["type"] if isinstance(out["type"], list) else [out["type"]]
        out["type"] = list(dict.fromkeys([*names, "null"]))
    if "enum" in out and None not in out["enum"]:
        out["enum"] = [*out["enum"], None]
    return out
