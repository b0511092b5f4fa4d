"""Raw request path → operation. A trie over path segments, not a scan over templates.

A segment of the document is literal, one parameter (``{id}``), or mixed (``{name}.{extension}``, ``pets:{verb}``).
At every level literal beats mixed beats parameter, with backtracking, as OpenAPI asks (concrete before templated).
The trie works on the raw path below the base URL: a literal is compared decoded, a parameter is returned raw.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
PARAMETER = re.compile(r"\{([^{}]+)\}")
# A last parameter of this name takes the rest of the path when nothing else matches: vendors write files and refs so.
GREEDY = re.compile(r"(?i)(?:.*[_-])?(?:path|filepath|ref)|.*[+*]")


@dataclass(frozen=True, slots=True)
class Match:
    """What a path leads to. ``operation`` is ``None`` when nothing does, or nothing for this method.

    ``allowed`` lists the methods (upper case) the document has for the path: non-empty without an operation means 405.
    ``path_parameters`` are raw: still percent-encoded.
    """

    operation: str | None
    path_parameters: dict[str, str] = field(default_factory=dict)
    allowed: list[str] = field(default_factory=list)


def parameter_name(written: str) -> str:
    """The name of a parameter in a template: ``{key+}`` and ``{key*}`` are gateways' ways to say that it takes the rest."""
    return written.rstrip("+*") or written


def template_names(template: str) -> set[str]:
    """Names of the parameters in a path template."""
    return {parameter_name(name) for name in PARAMETER.findall(re.split(r"[?#]", template, maxsplit=1)[0])}


def build_router(document: Mapping[str, Any], keys: Mapping[tuple[str, str], str]) -> bytes:
    """The router of a document as JSON. ``keys`` maps (method in lower case, path template) to the operation key.

    Two templates that only differ in a ``#fragment`` or ``?query`` cannot be told apart by a path: the first one wins.
    """
    root: dict[str, Any] = {}
    for template, item in (document.get("paths") or {}).items():
        if not isinstance(item, Mapping) or not template.startswith("/"):
            continue
        operations = {method.upper(): keys[method, template] for method in METHODS if (method, template) in keys}
        if operations:
            _insert(root, template, operations)
    return orjson.dumps(root)


def _insert(root: dict[str, Any], template: str, operations: Mapping[str, str]) -> None:
    node = root
    names: list[str] = []
    for segment in re.split(r"[?#]", template, maxsplit=1)[0].split("/")[1:]:
        found = PARAMETER.findall(segment)
        names.extend(found)
        if not found:
            node = node.setdefault("literal", {}).setdefault(_decoded(segment) or segment, {})
        elif PARAMETER.fullmatch(segment):
            node = node.setdefault("any", {})
        else:
            node = node.setdefault("mixed", {}).setdefault(PARAMETER.sub("{}", segment), {})
    leaf = node.setdefault("leaf", {})
    for method, key in operations.items():
        leaf.setdefault(method, [key, names])


def _decoded(segment: str) -> str | None:
    if "%" not in segment:
        return segment
    try:
        return unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        return None


class _Node:
    __slots__ = ("any", "leaf", "literal", "mixed")

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.literal = {text: _Node(child) for text, child in data.get("literal", {}).items()}
        # More literal text first: `a:{}` before `{}:{}`.
        shapes = sorted(data.get("mixed", {}), key=lambda shape: -len(shape.replace("{}", "")))
        self.mixed = [(_shape_pattern(shape), _Node(data["mixed"][shape])) for shape in shapes]
        self.any = _Node(data["any"]) if "any" in data else None
        self.leaf: dict[str, list[Any]] | None = data.get("leaf")


def _shape_pattern(shape: str) -> re.Pattern[str]:
    # Each group excludes the literal that ends it, so matching is linear and `{a}.{b}` is not ambiguous at the left. Of two side
    # by side the first takes one character, which is what the shortest match comes to, without the trying.
    first, *pieces = shape.split("{}")
    pattern = re.escape(first)
    for index, piece in enumerate(pieces, 1):
        last = index == len(pieces)
        pattern += "(.+?)" if last else f"([^{re.escape(piece[0])}]+?)" if piece else "(.)"
        pattern += re.escape(piece)
    return re.compile(pattern, re.DOTALL)


class Router:
    """Immutable once made; ``match`` may be called from many threads."""

    def __init__(self, root: _Node) -> None:
        self._root = root

    @classmethod
    def from_json(cls, text: bytes) -> Router:
        """The router ``build_router`` wrote."""
        return cls(_Node(orjson.loads(text)))

    def match(self, method: str, raw_path: str) -> Match:
        """Find the operation for a raw (percent-encoded) path below the base URL; no query string.

        Dot segments, encoded or not, and empty parameters never match: an upstream would resolve them elsewhere.
        """
        method = method.upper()
        raw = raw_path.removeprefix("/").split("/")
        decoded = [_decoded(segment) for segment in raw]
        if any(_climbs(segment) for segment in decoded):
            return Match(None)
        allowed: dict[str, None] = {}
        for greedy in (False, True):
            for leaf, values in _leaves(self._root, raw, decoded, 0, greedy):
                if method in leaf:
                    key, names = leaf[method]
                    return Match(key, dict(zip(map(parameter_name, names), values, strict=True)), [*leaf])
                allowed.update(dict.fromkeys(leaf))
            if allowed:
                break
        return Match(None, {}, [*allowed])


def _climbs(segment: str | None) -> bool:
    if segment is None:
        return True
    if "." not in segment:
        return False
    return any(piece in {".", ".."} for piece in re.split(r"[/\\]", segment))


def _leaves(
    node: _Node, raw: list[str], decoded: list[str | None], index: int, greedy: bool
) -> Iterator[tuple[dict[str, list[Any]], list[str]]]:
    if index == len(raw):
        if node.leaf:
            yield node.leaf, []
        return
    segment = decoded[index] or ""
    child = node.literal.get(segment)
    if child is not None:
        yield from _leaves(child, raw, decoded, index + 1, greedy)
    for pattern, following in node.mixed:
        found = pattern.fullmatch(raw[index])
        if found:
            for leaf, values in _leaves(following, raw, decoded, index + 1, greedy):
                yield leaf, [*found.groups(), *values]
    if node.any is not None and segment:
        for leaf, values in _leaves(node.any, raw, decoded, index + 1, greedy):
            yield leaf, [raw[index], *values]
        if greedy and node.any.leaf and index + 1 < len(raw) and all(raw[index:]):
            taking = {method: entry for method, entry in node.any.leaf.items() if GREEDY.fullmatch(entry[1][-1])}
            if taking:
                yield taking, ["/".join(raw[index:])]
