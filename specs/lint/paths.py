"""Rules on paths: how addresses are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specs.lint.view import Found, View, outliers
from specs.operations import as_dict
from specs.shape import Node, Tokens

_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_FILE = re.compile(r"\.(json|xml|html?|csv)$", re.IGNORECASE)


def _paths(document: Node) -> Iterator[tuple[str, Tokens]]:
    for path in as_dict(document.value.get("paths")):
        if path.startswith("/"):
            yield path, ("paths", path)


def path_trailing_slash(_view: View, document: Node) -> Iterator[Found]:
    for path, tokens in _paths(document):
        if len(path) > 1 and path.endswith("/"):
            yield Found(tokens, "The path ends with a slash; many servers answer the address without it differently.")


def path_empty_segment(_view: View, document: Node) -> Iterator[Found]:
    for path, tokens in _paths(document):
        if "//" in path:
            yield Found(tokens, "The path holds an empty segment (//); proxies fold it.")


def path_file_extension(_view: View, document: Node) -> Iterator[Found]:
    for path, tokens in _paths(document):
        if _FILE.search(path):
            yield Found(tokens, "The path ends like a file; the format belongs in Accept.")


def path_style(_view: View, document: Node) -> Iterator[Found]:
    names = [(segment, tokens) for path, tokens in _paths(document) for segment in path.split("/") if segment and "{" not in segment]
    told: set[Tokens] = set()
    for name, style, most, tokens in outliers(names):
        if tokens not in told:
            told.add(tokens)
            yield Found(tokens, f"{name[:80]!r} is written in {style}, most paths of the document in {most}.")


def path_parameter_style(_view: View, document: Node) -> Iterator[Found]:
    names = [(name, tokens) for path, tokens in _paths(document) for name in _TEMPLATE.findall(path)]
    told: set[Tokens] = set()
    for name, style, most, tokens in outliers(names):
        if tokens not in told:
            told.add(tokens)
            yield Found(tokens, f"The parameter {name[:80]!r} is written in {style}, most path parameters of the document in {most}.")


def path_item_empty(view: View, item: Node) -> Iterator[Found]:
    if item.tokens[:1] == ("paths",) and len(item.tokens) == 2 and isinstance(item.value, dict) and item.tokens[1].startswith("/"):
        found = view.followed(item.value)
        if not any(isinstance(member, dict) for name, member in found.items() if not name.startswith("x-")):
            yield Found(item.tokens, "The path has no operation.")
