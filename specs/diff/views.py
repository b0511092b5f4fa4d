"""A schema as it is compared: references followed, idioms that mean the same thing read as the same thing.

``anyOf: [X, {type: null}]``, ``nullable: true`` and ``type: [x, "null"]`` are one nullable X; ``allOf: [X]`` around
nothing but remarks is X; a choice of bare types is a list of types; the exclusive flags of 3.0 are the numbers of 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from specs.errors import PointerMissing
from specs.operations import as_dict, as_list
from specs.shape import MAX_HOPS, follow, reference_of, resolve, tokens_of

REMARKS = frozenset(
    ("title", "description", "example", "examples", "externalDocs", "xml", "$comment", "$id", "$schema", "$anchor", "deprecated")
)
"""Keywords that refuse no value."""
_OUTER = REMARKS | {"nullable", "readOnly", "writeOnly", "default"}
_COMPOSED = ("allOf", "anyOf", "oneOf")
MAX_BRANCHES = 50
"""Branches that are looked into for the type they have in common."""
NAMES = frozenset(("boolean", "integer", "number", "string", "array", "object"))


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """``keywords``: the schema's members with idioms read; ``types`` without null, ``None`` when it names none.

    ``within``: the keyword that merely wrapped it, ``allOf``, ``anyOf`` or ``oneOf``; ``chosen``: the types are a choice of
    schemas that name nothing but a type.
    """

    keywords: dict[str, Any]
    types: frozenset[str] | None
    nullable: bool
    within: str = ""
    chosen: bool = False

    def get(self, keyword: str) -> Any:
        """The keyword's value, or ``None``."""
        return self.keywords.get(keyword)

    def number(self, keyword: str) -> float | int | None:
        """The keyword's value when it is a number."""
        value = self.keywords.get(keyword)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def members(self, keyword: str) -> dict[str, Any]:
        """The keyword's value when it is an object, else an empty one."""
        return as_dict(self.keywords.get(keyword))

    def branches(self, keyword: str) -> list[Any]:
        """The keyword's value when it is a list, else an empty one."""
        return as_list(self.keywords.get(keyword))

    def required(self) -> frozenset[str]:
        """The names it requires."""
        return frozenset(name for name in as_list(self.keywords.get("required")) if isinstance(name, str))

    def flag(self, keyword: str) -> bool:
        """Whether the keyword is ``true``."""
        return self.keywords.get(keyword) is True

    def says_nothing(self) -> bool:
        """Whether every value fits."""
        return not self.types and all(keyword in REMARKS or keyword.startswith("x-") for keyword in self.keywords)


class Views:
    """The schemas of one upgraded document, read on demand and remembered by identity."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.siblings = not str(document.get("openapi", "")).startswith("3.0")
        self._views: dict[int, View] = {}
        self._kept: list[Any] = []

    def view(self, schema: Any) -> View:
        """The schema as it is compared; the same object for the same schema."""
        known = self._views.get(id(schema))
        if known is None:
            target = self._shared(schema)
            if target is not schema:
                known = self.view(target)
            else:
                known = self._read(schema, 0)
            self._views[id(schema)] = known
            self._kept.append(schema)
        return known

    def _shared(self, schema: Any) -> Any:
        """What a reference without siblings that count leads to: one place has one view."""
        if reference_of(schema) is None or (self.siblings and any(name not in ("$ref", "description", "summary") for name in schema)):
            return schema
        try:
            return follow(self.document, {"$ref": schema["$ref"]})
        except PointerMissing:
            return schema

    def _read(self, schema: Any, depth: int) -> View:
        if schema is False:
            return View({"not": {}}, None, nullable=False)
        keywords = self._resolved(schema)
        nullable = keywords.get("nullable") is True
        types, said_null = _types(keywords)
        inner, within, null = self._inner(keywords, types)
        nullable = nullable or null
        if inner is not None and depth < MAX_HOPS:
            below = self._read(inner, depth + 1)
            outer = {keyword: value for keyword, value in keywords.items() if keyword not in _COMPOSED}
            return View({**below.keywords, **outer}, below.types, nullable or below.nullable, within)
        named = types
        keywords, types, said_null = self._choice(keywords, types, said_null)
        chosen = types is not named
        keywords = _bounds({keyword: value for keyword, value in keywords.items() if keyword not in ("$ref", "nullable")})
        types = (_implied(keywords) or self._shared_type(keywords, depth)) if types is None else types
        return View(keywords, types, nullable or said_null or None in as_list(keywords.get("enum")), chosen=chosen)

    def _resolved(self, schema: Any) -> dict[str, Any]:
        """The members with references followed and siblings laid over them."""
        over: dict[str, Any] = {}
        value = schema
        for _hop in range(MAX_HOPS):
            target = reference_of(value)
            if target is None:
                break
            if self.siblings:
                over = {**{keyword: member for keyword, member in value.items() if keyword != "$ref"}, **over}
            try:
                value = resolve(self.document, tokens_of(target))
            except PointerMissing:
                value = {}
        found = as_dict(value)
        return {**found, **over} if over else found

    def _inner(self, keywords: dict[str, Any], types: frozenset[str] | None) -> tuple[Any, str, bool]:
        """The one schema that the keywords merely wrap, if they do, in which keyword, and whether null is let through beside it."""
        if types is not None or any(keyword not in _OUTER and not keyword.startswith("x-") for keyword in keywords.keys() - _COMPOSED):
            return None, "", False
        present = [keyword for keyword in _COMPOSED if as_list(keywords.get(keyword))]
        if len(present) != 1:
            return None, "", False
        branches = keywords[present[0]]
        others = branches if present[0] == "allOf" else [branch for branch in branches if not _is_null(branch)]
        return (others[0] if len(others) == 1 else None), present[0], len(others) < len(branches)

    def _choice(
        self, keywords: dict[str, Any], types: frozenset[str] | None, null: bool
    ) -> tuple[dict[str, Any], frozenset[str] | None, bool]:
        """A choice without its null branch; a choice of bare types as a list of types."""
        for keyword in ("anyOf", "oneOf"):
            branches = as_list(keywords.get(keyword))
            others = [branch for branch in branches if not _is_null(branch)]
            null = null or len(others) < len(branches)
            bare = [_bare_type(branch) for branch in others]
            if types is None and len(bare) > 1 and all(bare):
                types = frozenset(name for name in bare if name)
                keywords = {name: value for name, value in keywords.items() if name != keyword}
            elif len(others) < len(branches):
                keywords = {**keywords, keyword: others}
        return keywords, types, null

    def _shared_type(self, keywords: dict[str, Any], depth: int) -> frozenset[str] | None:
        """The one type of all branches of a choice, or that a branch of ``allOf`` names."""
        if depth >= MAX_HOPS:
            return None
        for keyword in _COMPOSED:
            found = {self._read(branch, MAX_HOPS).types for branch in as_list(keywords.get(keyword))[:MAX_BRANCHES]}
            if keyword == "allOf":
                found.discard(None)
            if len(found) == 1 and (types := found.pop()) is not None and len(types) == 1:
                return types
        return None


def _is_null(branch: Any) -> bool:
    if not isinstance(branch, dict):
        return False
    kind = branch.get("type")
    return kind in ("null", ["null"]) or branch.get("enum") == [None] or ("const" in branch and branch["const"] is None)


def _bare_type(branch: Any) -> str | None:
    if not isinstance(branch, dict) or any(keyword != "type" and keyword not in REMARKS for keyword in branch):
        return None
    kind = branch.get("type")
    return kind if isinstance(kind, str) and kind in NAMES - {"object", "array"} else None


def _types(keywords: dict[str, Any]) -> tuple[frozenset[str] | None, bool]:
    declared = keywords.get("type")
    names = declared if isinstance(declared, list) else [declared]
    known = frozenset(name for name in names if isinstance(name, str) and name in NAMES)
    return known or None, "null" in [name for name in names if isinstance(name, str)]


def _implied(keywords: dict[str, Any]) -> frozenset[str] | None:
    """The types that a schema means without naming them: those of its values, or of what it describes."""
    values = [keywords["const"]] if "const" in keywords else as_list(keywords.get("enum"))
    if values:
        return frozenset(_type_of(value) for value in values if value is not None) or None
    described = frozenset(("properties", "patternProperties")) & keywords.keys(), frozenset(("items", "prefixItems")) & keywords.keys()
    if bool(described[0]) == bool(described[1]):
        return None
    return frozenset(("object",)) if described[0] else frozenset(("array",))


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names: tuple[tuple[type, str], ...] = ((int, "integer"), (float, "number"), (str, "string"), (list, "array"))
    return next((name for kind, name in names if isinstance(value, kind)), "object")


def _bounds(keywords: dict[str, Any]) -> dict[str, Any]:
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(keywords.get(exclusive), bool):
            keywords = dict(keywords)
            if keywords.pop(exclusive) and inclusive in keywords:
                keywords[exclusive] = keywords.pop(inclusive)
    for keyword in ("minLength", "minItems", "minProperties"):
        if keywords.get(keyword) == 0:
            keywords = {name: value for name, value in keywords.items() if name != keyword}
    return keywords


def put_together(view: View, views: Views) -> View:
    """The schema with the branches of its ``allOf`` laid into it: all properties, everything required, the first of the rest."""
    keywords = {keyword: value for keyword, value in view.keywords.items() if keyword != "allOf"}
    properties, required = dict(view.members("properties")), set(view.required())
    types, nullable = view.types, view.nullable
    others: list[Any] = []
    waiting, seen = list(reversed(view.branches("allOf"))), {id(view)}
    while waiting:
        branch = views.view(waiting.pop())
        if id(branch) in seen:
            continue
        seen.add(id(branch))
        waiting.extend(reversed(branch.branches("allOf")))
        types = branch.types if types is None else types
        nullable = nullable or branch.nullable
        required |= branch.required()
        for name, schema in branch.members("properties").items():
            same = properties.get(name, schema) == schema
            properties[name] = schema if same else {"allOf": [properties[name], schema]}
        for keyword, value in branch.keywords.items():
            if keyword not in ("allOf", "properties", "required", "type") and keyword not in REMARKS:
                others.append((keyword, value))
    for keyword, value in others:
        keywords.setdefault(keyword, value)
    if properties:
        keywords["properties"] = properties
    if required:
        keywords["required"] = sorted(required)
    return View(keywords, types, nullable)
