"""One operation as a small self-contained OpenAPI document: what a renderer in a browser can hold.

Schemas are taken level by level from the operation outwards until the byte budget is spent. What lies deeper becomes
``{"x-cut": pointer}``, which every renderer shows as "anything". A closure that fits is complete; a larger one (Stripe's
are 800 kB) stops after two levels, because renderers resolve every reference at once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

DEPTH_WHEN_LARGE = 2
COMPONENT = "#/components/schemas/"
SAFE_NAME = re.compile(r"[A-Za-z0-9._-]+")
Resolve = Callable[[str], Any]


def operation_document(
    meta: Mapping[str, Any], operation: Mapping[str, Any], resolve: Resolve, *, byte_budget: int = 65_536
) -> dict[str, Any]:
    """The document of one operation.

    ``meta``: ``openapi``, ``info``, ``servers``, ``security_schemes`` and root ``security`` and ``tags`` where there are
    any. ``operation``: ``path``, ``method`` and ``detail`` (references resolved except into schemas). ``resolve`` gives
    the schema at a pointer. The operation itself is always whole; schemas beside it get what it leaves of the budget, at
    least a quarter.
    """
    slicer = _Slicer(resolve)
    own = len(orjson.dumps(operation["detail"], option=orjson.OPT_NON_STR_KEYS, default=str))
    levels = slicer.levels(operation["detail"], max(byte_budget - own, byte_budget // 4))
    kept = {pointer for level in levels for pointer in level}
    detail = slicer.rewrite(operation["detail"], kept)
    schemas = {slicer.name(pointer): slicer.rewrite(slicer.schemas[pointer], kept) for level in levels for pointer in level}
    components: dict[str, Any] = {"schemas": schemas} if schemas else {}
    used = _used_schemes(meta, operation["detail"])
    if used:
        components["securitySchemes"] = used
    document: dict[str, Any] = {
        "openapi": meta.get("openapi", "3.0.3"),
        "info": meta.get("info") or {"title": "", "version": ""},
        "servers": meta.get("servers") or [],
        "paths": {operation["path"]: {str(operation["method"]).lower(): detail}},
    }
    own_tags = detail["tags"] if isinstance(detail.get("tags"), list) else []
    tags = [tag for tag in meta.get("tags") or [] if isinstance(tag, Mapping) and tag.get("name") in own_tags]
    if tags:
        document["tags"] = tags
    if meta.get("security") and "security" not in detail:
        document["security"] = meta["security"]
    if components:
        document["components"] = components
    return document


class _Slicer:
    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self.schemas: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}

    def levels(self, detail: Any, byte_budget: int) -> list[list[str]]:
        """Pointers by distance from the operation; all of them if they fit, else what fits of the first levels."""
        levels: list[list[str]] = []
        seen: set[str] = set()
        spent = 0
        current = _references(detail)
        while current and spent <= byte_budget:
            fresh = [pointer for pointer in current if pointer not in seen and self._load(pointer)]
            seen.update(current)
            spent += sum(self._sizes[pointer] for pointer in fresh)
            if fresh:
                levels.append(fresh)
            current = list(dict.fromkeys(found for pointer in fresh for found in _references(self.schemas[pointer])))
        return levels if spent <= byte_budget else self._within(levels[:DEPTH_WHEN_LARGE], byte_budget)

    def _within(self, levels: list[list[str]], byte_budget: int) -> list[list[str]]:
        kept = []
        for level in levels:
            chosen = []
            for pointer in level:
                if self._sizes[pointer] <= byte_budget:
                    byte_budget -= self._sizes[pointer]
                    chosen.append(pointer)
            kept.append(chosen)
        return kept

    def _load(self, pointer: str) -> bool:
        if pointer not in self.schemas:
            schema = self._resolve(pointer)
            if not isinstance(schema, Mapping | bool):
                return False
            self.schemas[pointer] = schema
            self._sizes[pointer] = len(orjson.dumps(schema, option=orjson.OPT_NON_STR_KEYS, default=str))
        return True

    @staticmethod
    def name(pointer: str) -> str:
        """Component name in the slice: the document's own, or a hash for places that are no component."""
        name = pointer.removeprefix(COMPONENT)
        if pointer.startswith(COMPONENT) and SAFE_NAME.fullmatch(name):
            return name
        return "at-" + hashlib.sha256(pointer.encode()).hexdigest()[:12]

    def rewrite(self, node: Any, kept: set[str]) -> Any:
        """References to what is kept lead into the slice; the others are cut."""
        if isinstance(node, list):
            return [self.rewrite(child, kept) for child in node]
        if not isinstance(node, Mapping):
            return node
        if _is_reference(node):
            pointer = node["$ref"]
            if pointer not in kept:
                return {"x-cut": pointer}
            rest = {name: self.rewrite(child, kept) for name, child in node.items() if name != "$ref"}
            return {"$ref": COMPONENT + self.name(pointer), **rest}
        out = {}
        for name, child in node.items():
            if name == "mapping" and isinstance(child, Mapping) and "propertyName" in node:
                out[name] = {
                    key: COMPONENT + self.name(target) if isinstance(target, str) and target in kept else target
                    for key, target in child.items()
                    if not (isinstance(target, str) and target.startswith("#") and target not in kept)
                }
            else:
                out[name] = self.rewrite(child, kept)
        return out


def _is_reference(node: Mapping[str, Any]) -> bool:
    return isinstance(node.get("$ref"), str)


def _references(node: Any) -> list[str]:
    """References in the order they appear; a property that happens to be called ``$ref`` is none."""
    found: dict[str, None] = {}
    pending = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, list):
            pending.extend(reversed(one))
        elif isinstance(one, Mapping):
            if _is_reference(one):
                found[one["$ref"]] = None
            pending.extend(reversed([child for child in one.values() if isinstance(child, list | Mapping)]))
    return list(found)


def _used_schemes(meta: Mapping[str, Any], detail: Mapping[str, Any]) -> dict[str, Any]:
    schemes = meta.get("security_schemes") or {}
    requirements = detail.get("security", meta.get("security"))
    listed = requirements if isinstance(requirements, list) else []
    names = [name for requirement in listed if isinstance(requirement, Mapping) for name in requirement]
    return {name: schemes[name] for name in dict.fromkeys(names) if name in schemes}
