"""A schema as people read it: a tree two levels deep, deeper levels by address, cycles as links, a budget of nodes.

An *address* names a schema inside a document: a pointer into the document's schema texts
(``#/components/schemas/User/properties/address``), or, with an operation's key, a pointer into that operation
(``#/requestBody/content/application~1json/schema``). Every level that is not shown can be asked for by its address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.utils.safestring import SafeString

from catalog import prose, selectors

LEVELS = 2
NODE_BUDGET = 200  # of one page; what does not fit loads when opened
ENUM_SHOWN = 8
REFERENCE_HOPS = 32  # a chain of references longer than this is taken for a cycle

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a schema lies. ``operation`` is "" for a pointer into the document's schema texts."""

    pointer: str
    operation: str = ""

    def child(self, *steps: str | int) -> Address:
        tail = "".join(f"/{escape(str(step))}" for step in steps)
        return Address(self.pointer + tail, self.operation)

    @property
    def query(self) -> str:
        """As the query of the schema page."""
        return urlencode({"operation": self.operation, "pointer": self.pointer} if self.operation else {"pointer": self.pointer})


@dataclass(slots=True)
class Node:
    """One row of a tree: a property, an item, a variant, or the schema itself (``name`` "").

    ``more`` says why children are not here: ``deeper`` (ask for ``address``), ``cycle`` (the schema is open above) or "".
    """

    name: str
    kind: str
    address: Address
    required: bool = False
    facts: list[str] = field(default_factory=list)
    pattern: str = ""
    values: list[str] = field(default_factory=list)  # of an enumeration
    more_values: list[str] = field(default_factory=list)
    title: str = ""  # the name of the referenced schema
    description: SafeString = SafeString("")
    example: str = ""
    deprecated: bool = False
    read_only: bool = False
    write_only: bool = False
    children: list[Node] = field(default_factory=list)
    children_are: str = ""  # "variants" when children are alternatives
    more: str = ""
    size: int = 0  # properties of an object, variants of an alternative


def escape(step: str) -> str:
    """One step of a JSON Pointer (RFC 6901)."""
    return step.replace("~", "~0").replace("/", "~1")


def unescape(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def schema_name(pointer: str) -> str:
    """``User`` of ``#/components/schemas/User``."""
    return unescape(pointer.rsplit("/", 1)[-1])


class SchemaTexts:
    """The schemas of one document, fetched in batches and kept for one page."""

    def __init__(self, document_id: int) -> None:
        self.document_id = document_id
        self._known: dict[str, Any] = {}

    def prefetch(self, schema: Any, levels: int = LEVELS + 1) -> None:
        """Fetch what ``schema`` refers to, and what that refers to, one query a level."""
        wanted = set(references(schema)) - self._known.keys()
        for _ in range(levels):
            if not wanted:
                return
            found = self._fetch(wanted)
            wanted = {pointer for text in found for pointer in references(text)} - self._known.keys()

    def get(self, pointer: str) -> Any:
        """The schema at a pointer, or below the nearest one that is stored; None when there is none."""
        if pointer not in self._known:
            self._fetch({pointer})
        if self._known[pointer] is None:
            self._known[pointer] = self._below(pointer)
        return self._known[pointer]

    def walk(self, schema: Any, steps: Iterable[str]) -> Any:
        """Follow pointer steps from a value, through references."""
        for step in steps:
            schema = self.resolved(schema)
            if isinstance(schema, Mapping) and step in schema:
                schema = schema[step]
            elif isinstance(schema, list) and step.isdecimal() and int(step) < len(schema):
                schema = schema[int(step)]
            else:
                return None
        return schema

    def resolved(self, schema: Any) -> Any:
        """``schema`` with its reference followed."""
        for _ in range(REFERENCE_HOPS):
            if not (isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str)):
                return schema
            schema = self.get(schema["$ref"])
        return None

    def _fetch(self, pointers: set[str]) -> list[Any]:
        found = selectors.schemas(self.document_id, sorted(pointers))
        for pointer in pointers:
            self._known[pointer] = found.get(pointer)
        return list(found.values())

    def _below(self, pointer: str) -> Any:
        steps = pointer.split("/")
        heads = ["/".join(steps[:length]) for length in range(len(steps) - 1, 1, -1)]
        found = selectors.schemas(self.document_id, heads)
        nearest = next((head for head in heads if head in found), None)
        if nearest is None:
            return None
        return self.walk(found[nearest], map(unescape, steps[nearest.count("/") + 1 :]))


def references(schema: Any) -> Iterator[str]:
    """Every ``$ref`` inside ``schema``. Examples are data, not schemas."""
    stack = [schema]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            stack.extend(part for key, part in value.items() if key not in ("example", "examples", "default", "enum", "const"))
        elif isinstance(value, list):
            stack.extend(value)


@dataclass(slots=True)
class _Merged:
    """An object with its ``allOf`` parts put together, each property with the address it was found at."""

    schema: dict[str, Any]
    properties: dict[str, tuple[Any, Address]]
    required: set[str]


class TreeBuilder:
    """Builds the trees of one page; the node budget is shared by them."""

    def __init__(self, texts: SchemaTexts, *, budget: int = NODE_BUDGET, levels: int = LEVELS) -> None:
        self.texts = texts
        self.left = budget
        self.levels = levels

    def tree(self, schema: Any, address: Address, *, name: str = "", required: bool = False) -> Node:
        """The tree of one schema. Fetches what it needs."""
        self.texts.prefetch(schema, self.levels + 1)
        return self._node(schema, address, name, required, 0, ())

    def _node(self, schema: Any, address: Address, name: str, required: bool, level: int, trail: tuple[str, ...]) -> Node:
        self.left -= 1
        own = schema
        schema, address, title, trail, cycle = self._follow(schema, address, trail)
        if not isinstance(schema, Mapping):
            return Node(name, title if cycle else "nothing" if schema is False else "anything", address, required)
        merged = self._merge(schema, address, trail)
        node = self._described(merged.schema, name, required, title, address, level)
        if isinstance(own, Mapping) and own is not schema and isinstance(own.get("description"), str):
            node.description = prose.render(own["description"])
        if cycle:
            node.more = "cycle"
            return node
        self._add_children(node, merged, address, level, trail)
        return node

    def _follow(self, schema: Any, address: Address, trail: tuple[str, ...]) -> tuple[Any, Address, str, tuple[str, ...], bool]:
        """The schema behind references: itself, its address, its name, the trail with it, and whether the trail had it."""
        title = ""
        for _ in range(REFERENCE_HOPS):
            if not (isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str)):
                return schema, address, title, trail, False
            pointer = schema["$ref"]
            address, title = Address(pointer), title or schema_name(pointer)
            schema = self.texts.get(pointer)
            if pointer in trail:
                return schema, address, title, trail, True
            trail = (*trail, pointer)
        return None, address, title, trail, True

    def _merge(self, schema: Schema, address: Address, trail: tuple[str, ...]) -> _Merged:
        merged = _Merged(dict(schema), {}, set())
        self._gather(schema, address, merged, trail)
        return merged

    def _gather(self, schema: Schema, address: Address, into: _Merged, trail: tuple[str, ...]) -> None:
        for key in ("type", "description", "format", "items", "enum", "additionalProperties", "oneOf", "anyOf"):
            if key in schema:
                into.schema.setdefault(key, schema[key])
        parts = schema.get("allOf")
        for index, part in enumerate(parts if isinstance(parts, list) else ()):
            part, at, _, inner, cycle = self._follow(part, address.child("allOf", index), trail)
            if isinstance(part, Mapping) and not cycle:
                self._gather(part, at, into, inner)
        properties = schema.get("properties")
        for name, value in (properties if isinstance(properties, Mapping) else {}).items():
            into.properties[name] = (value, address.child("properties", name))
        into.required |= {name for name in _list(schema.get("required")) if isinstance(name, str)}

    def _described(self, schema: Schema, name: str, required: bool, title: str, address: Address, level: int) -> Node:
        values = [_short(value) for value in _list(schema.get("enum"))]
        if "const" in schema:
            values = [_short(schema["const"])]
        text = schema.get("description")
        return Node(
            name=name,
            kind=self._kind(schema),
            address=address,
            required=required,
            facts=_facts(schema),
            pattern=schema["pattern"] if isinstance(schema.get("pattern"), str) else "",
            values=values[:ENUM_SHOWN],
            more_values=values[ENUM_SHOWN:],
            title=title,
            description=prose.render(text) if isinstance(text, str) else SafeString(""),
            example=_example(schema) if level else "",
            deprecated=schema.get("deprecated") is True,
            read_only=schema.get("readOnly") is True,
            write_only=schema.get("writeOnly") is True,
        )

    def _kind(self, schema: Schema, depth: int = 0) -> str:
        types = [name for name in _list(schema.get("type")) or [schema.get("type")] if isinstance(name, str)]
        empty = "null" in types or schema.get("nullable") is True
        types = [name for name in types if name != "null"] or ["null"] * ("null" in types) or [_guess(schema)]
        words = " or ".join(self._array(schema, depth) if name == "array" else name for name in types)
        return f"{words} or null" if empty and words != "null" else words

    def _array(self, schema: Schema, depth: int) -> str:
        items = self.texts.resolved(schema.get("items"))
        if not isinstance(items, Mapping) or depth > 2:
            return "array"
        kind = "enum" if "enum" in items else self._kind(items, depth + 1)
        return f"array of {'(' + kind + ')' if ' or ' in kind else kind}"

    def _add_children(self, node: Node, merged: _Merged, address: Address, level: int, trail: tuple[str, ...]) -> None:
        parts = list(self._children(merged, address))
        node.size = len(parts)
        node.children_are = "variants" if parts and parts[0][0] == "variant" else ""
        if not parts and merged.schema.get("items") is not None:
            self._add_items(node, merged.schema["items"], address, level, trail)
            return
        if not parts:
            return
        if level >= self.levels or (level and self.left < len(parts)):
            node.more = "deeper"
            return
        for _, name, schema, at, required in parts:
            node.children.append(self._node(schema, at, name, required, level + 1, trail))

    def _add_items(self, node: Node, items: Any, address: Address, level: int, trail: tuple[str, ...]) -> None:
        """The children of an array are those of its items: the level of the brackets is not worth a row."""
        item = self._node(items, address.child("items"), "", False, level, trail)
        self.left += 1
        node.children, node.children_are, node.more, node.size = item.children, item.children_are, item.more, item.size
        node.title = node.title or item.title
        node.values, node.more_values = node.values or item.values, node.more_values or item.more_values
        node.pattern = node.pattern or item.pattern
        if item.more or item.children:
            node.address = item.address if item.more == "cycle" else node.address

    def _children(self, merged: _Merged, address: Address) -> Iterator[tuple[str, str, Any, Address, bool]]:
        for name, (schema, at) in merged.properties.items():
            yield "property", name, schema, at, name in merged.required
        extra = merged.schema.get("additionalProperties")
        if isinstance(extra, Mapping) and extra:
            yield "property", "any other name" if merged.properties else "any name", extra, address.child("additionalProperties"), False
        if merged.properties:
            return
        for key in ("oneOf", "anyOf"):
            variants = _list(merged.schema.get(key))
            for index, variant in enumerate(variants):
                if len(variants) > 1 or not merged.properties:
                    yield "variant", _variant_name(variant, index), variant, address.child(key, index), False


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _guess(schema: Schema) -> str:
    """The type of a schema that names none."""
    for key, kind in (("oneOf", "one of"), ("anyOf", "any of"), ("properties", "object"), ("allOf", "object"), ("items", "array")):
        if key in schema:
            return kind
    return "object" if "additionalProperties" in schema else "enum" if "enum" in schema or "const" in schema else "anything"


def _variant_name(schema: Any, index: int) -> str:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            return schema_name(schema["$ref"])
        if isinstance(schema.get("title"), str):
            return str(schema["title"])
    return f"variant {index + 1}"


def _short(value: Any, limit: int = 80) -> str:
    if isinstance(value, str):
        text = value if value else '""'
    elif value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    else:
        text = str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _example(schema: Schema) -> str:
    """A scalar example; larger ones stand in the samples."""
    for value in (schema.get("example"), *_list(schema.get("examples"))[:1]):
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            return _short(value)
    return ""


def _span(low: Any, high: Any, unit: str = "") -> str:
    if low is None and high is None:
        return ""
    tail = f" {unit}" if unit else ""
    if high is None:
        return f"at least {low}{tail}"
    if low is None or (unit and low == 0):
        return f"at most {high}{tail}"
    return f"{low}{tail}" if low == high else f"{low}–{high}{tail}"


def _facts(schema: Schema) -> list[str]:
    """What limits a value, in words, in a fixed order."""
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    facts = [
        str(schema.get("format", "")),
        _span(schema.get("minLength"), schema.get("maxLength"), "characters"),
        _span(low if above is not True else None, high if below is not True else None),
        f"above {low if above is True else above}" if above not in (None, False) else "",
        f"below {high if below is True else below}" if below not in (None, False) else "",
        f"multiple of {schema['multipleOf']}" if "multipleOf" in schema else "",
        _span(schema.get("minItems"), schema.get("maxItems"), "items"),
        "unique" if schema.get("uniqueItems") is True else "",
        _span(schema.get("minProperties"), schema.get("maxProperties"), "properties"),
        f"default {_short(schema['default'])}" if "default" in schema else "",
        "no other properties" if schema.get("additionalProperties") is False else "",
    ]
    return [fact for fact in facts if fact]
