"""Bracketed names (``filter[a][b]``, ``ids[]``, ``items[0][price]``): ``deepObject`` parameters and nested forms."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from specs.decode.texts import coerce, kind_of
from specs.media import Malformed
from specs.schema.shape import Shape

DEPTH_LIMIT = 20
NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")


def split_name(name: str) -> list[str]:
    """``a[b][]`` → ``["a", "b", ""]``; a name without well-formed brackets is one piece. Raises ``Malformed``."""
    found = NAME.fullmatch(name)
    if found is None:
        return [name]
    pieces = [found[1], *found[2][1:-1].split("][")]
    if len(pieces) > DEPTH_LIMIT:
        raise Malformed(f"a field name is nested deeper than {DEPTH_LIMIT} levels")
    return pieces


def build_tree(pairs: Iterable[tuple[list[str], Any]]) -> dict[str, Any]:
    """Nested dicts by name pieces; leaves are lists of the texts given. Raises ``Malformed`` on a value that is also a group."""
    root: dict[str, Any] = {}
    for pieces, value in pairs:
        node = root
        for piece in pieces[:-1]:
            below = node.setdefault(piece, {})
            if not isinstance(below, dict):
                raise Malformed("a field is both a value and a group")
            node = below
        leaf = node.setdefault(pieces[-1], [])
        if not isinstance(leaf, list):
            raise Malformed("a field is both a value and a group")
        leaf.append(value)
    return root


def settle(node: Any, shape: Shape, *, prefer_text: bool = False) -> Any:
    """A tree of texts → the value of the shape: indexed groups become lists where the shape has a list."""
    if isinstance(node, list):
        return _settle_leaf(node, shape, prefer_text)
    if _is_list(node, shape):
        items = shape.get("items") if shape else None
        ordered = sorted(node.items(), key=lambda pair: int(pair[0])) if "" not in node else [*node.items()]
        values: list[Any] = []
        for _, child in ordered:
            if isinstance(child, list):
                values += [value if not isinstance(value, str) else coerce(value, items, prefer_text=prefer_text) for value in child]
            else:
                values.append(settle(child, items, prefer_text=prefer_text))
        return values
    properties = (shape.get("properties") if shape else None) or {}
    additional = shape.get("additional") if shape else None
    return {name: settle(child, properties.get(name, additional), prefer_text=prefer_text) for name, child in node.items()}


def _settle_leaf(texts: list[Any], shape: Shape, prefer_text: bool) -> Any:
    if kind_of(shape, prefer_text=prefer_text and len(texts) == 1) == "array":
        items = shape.get("items") if shape else None
        return [coerce(text, items, prefer_text=prefer_text) if isinstance(text, str) else text for text in texts]
    if len(texts) > 1:  # a repeated value where one is expected: left a list, so that the schema refuses it
        return texts
    text = texts[0]
    return coerce(text, shape, prefer_text=prefer_text) if isinstance(text, str) else text


def _is_list(node: dict[str, Any], shape: Shape) -> bool:
    if not all(name == "" or (name.isascii() and name.isdigit() and len(name) < 10) for name in node):
        return False
    if "" in node and len(node) > 1:
        return False
    types = shape.get("types", ()) if shape else ()
    return "array" in types or "" in node or not ("object" in types or (shape or {}).get("properties"))
