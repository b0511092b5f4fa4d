"""Path, query, header and cookie parameters in every style of OpenAPI 3 (RFC 6570 where it applies)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from specs.decode.brackets import build_tree, settle, split_name
from specs.decode.texts import coerce, is_ambiguous, kind_of
from specs.media import Malformed, load_json, percent_decode, split_form
from specs.schema.shape import Shape

Location = str
QUERY_SEPARATORS = {"form": (",", None), "spaceDelimited": (" ", ("%20", "+")), "pipeDelimited": ("|", ("%7C", "%7c"))}


@dataclass(frozen=True, slots=True)
class Problem:
    """A parameter that cannot be decoded, or that the document does not have."""

    location: Location
    name: str
    keyword: str
    reason: str


@dataclass(slots=True)
class Decoded:
    """Values by location and name, and what could not be decoded."""

    values: dict[str, dict[str, Any]]
    problems: list[Problem]


class ParameterDecoder:
    """Decodes the parameters of one operation; made from the plan's ``parameters``. Immutable, thread-safe."""

    def __init__(self, parameters: Sequence[Mapping[str, Any]], *, also_query: Sequence[str] = ()) -> None:
        self._by_place: dict[str, list[Mapping[str, Any]]] = {"path": [], "query": [], "header": [], "cookie": []}
        for parameter in parameters:
            self._by_place[parameter["in"]].append(parameter)
        query = self._by_place["query"]
        self._spread = [one for one in query if _is_spread(one)]
        self._deep = {one["name"]: one for one in query if one.get("style") == "deepObject"}
        self._named = {one["name"]: one for one in query if one["name"] not in self._deep and not _is_spread(one)}
        self._also_query = frozenset(also_query)
        self._open = any("additional" in (one.get("shape") or {}) for one in self._spread)
        self.ambiguous = any(is_ambiguous(one.get("shape")) for one in parameters)

    def decode(
        self, path: Mapping[str, str], query: str, headers: Mapping[str, str], cookies: Mapping[str, str], *, prefer_text: bool = False
    ) -> Decoded:
        """Raw texts → values. ``path`` and ``query`` are percent-encoded, ``headers`` have lower-case names."""
        decoded = Decoded({}, [])
        for place, source in (("path", path), ("header", headers), ("cookie", cookies)):
            if self._by_place[place]:
                self._simple_place(place, source, decoded, prefer_text)
        if query or self._by_place["query"]:
            self._query(query, decoded, prefer_text)
        return decoded

    def _simple_place(self, place: str, source: Mapping[str, str], decoded: Decoded, prefer_text: bool) -> None:
        values = decoded.values.setdefault(place, {})
        for parameter in self._by_place[place]:
            name = parameter["name"]
            raw = source.get(name.lower() if place == "header" else name)
            if raw is None:
                continue
            decode = percent_decode if place == "path" else str.strip if place == "header" else str
            try:
                values[name] = _read(raw, parameter, decode, prefer_text)
            except Malformed as error:
                decoded.problems.append(Problem(place, name, "style", error.reason))

    def _query(self, query: str, decoded: Decoded, prefer_text: bool) -> None:
        values = decoded.values.setdefault("query", {})
        try:
            pairs = [(_decode_query(name), raw) for name, raw in split_form(query)]
        except Malformed as error:
            decoded.problems.append(Problem("query", "", "encoding", error.reason))
            return
        rest: list[tuple[str, str]] = []
        named: dict[str, list[str]] = {}
        deep: dict[str, list[tuple[str, str]]] = {}
        for name, raw in pairs:
            if name in self._named:
                named.setdefault(name, []).append(raw)
            elif name.partition("[")[0] in self._deep:
                deep.setdefault(name.partition("[")[0], []).append((name, raw))
            elif name not in self._also_query:
                rest.append((name, raw))
        for name, raws in named.items():
            self._guarded(decoded, name, partial(_read_query, raws, self._named[name], prefer_text))
        for name, group in deep.items():
            self._guarded(decoded, name, partial(_read_deep, group, self._deep[name], prefer_text))
        for parameter in self._spread:
            rest = _take_spread(parameter, rest, values, decoded.problems, prefer_text)
        if not self._open:
            for name in dict.fromkeys(name for name, _ in rest):
                decoded.problems.append(Problem("query", name, "unknown", "is not a parameter of this operation"))

    @staticmethod
    def _guarded(decoded: Decoded, name: str, read: Callable[[], Any]) -> None:
        try:
            decoded.values["query"][name] = read()
        except Malformed as error:
            decoded.problems.append(Problem("query", name, "style", error.reason))


def _is_spread(parameter: Mapping[str, Any]) -> bool:
    """A form-exploded object: its properties are the names in the query."""
    return bool(
        not parameter.get("content")
        and parameter.get("style", "form") == "form"
        and parameter.get("explode", True)
        and kind_of(parameter.get("shape")) == "object"
    )


def _decode_query(raw: str) -> str:
    return percent_decode(raw, plus=True)


def _read_query(raws: list[str], parameter: Mapping[str, Any], prefer_text: bool) -> Any:
    shape = parameter.get("shape")
    if parameter.get("content"):
        return _read_content(raws[0], parameter, _decode_query)
    kind = kind_of(shape, prefer_text=prefer_text and len(raws) == 1)
    style = parameter.get("style", "form")
    if kind == "scalar":
        texts = [coerce(_decode_query(raw), shape, prefer_text=prefer_text) for raw in raws]
        # A repeated scalar stays a list, so that the schema refuses it instead of one of the values winning.
        return texts[0] if len(texts) == 1 else texts
    if kind == "array" and parameter.get("explode", style == "form"):
        return _items([raw for raw in raws if raw or len(raws) > 1], shape, _decode_query, prefer_text)
    if len(raws) > 1:
        raise Malformed("is given more than once, but takes one list of values")
    if kind == "array":
        return _items(_split_query(raws[0], style, shape), shape, _decode_query, prefer_text)
    return _object_of_pairs(_split_query(raws[0], style, None), shape, _decode_query, prefer_text)


def _split_query(raw: str, style: str, shape: Shape) -> list[str]:
    separator, encoded = QUERY_SEPARATORS.get(style, (",", None))
    for spelling in encoded or ():
        raw = raw.replace(spelling, separator)
    pieces = raw.split(separator) if raw else []
    items = (shape or {}).get("items") or {}
    if separator == "," and len(pieces) == 1 and "types" in items and "string" not in items["types"]:
        # An encoded comma is data, but a number has none: clients that encode everything are understood here.
        return raw.replace("%2C", ",").replace("%2c", ",").split(",")
    return pieces


def _read_deep(group: list[tuple[str, str]], parameter: Mapping[str, Any], prefer_text: bool) -> Any:
    tree = build_tree((split_name(name), _decode_query(raw)) for name, raw in group)
    if parameter["name"] not in tree or len(tree) > 1:
        raise Malformed("has brackets that are not well-formed")
    return settle(tree[parameter["name"]], parameter.get("shape"), prefer_text=prefer_text)


def _take_spread(
    parameter: Mapping[str, Any], rest: list[tuple[str, str]], values: dict[str, Any], problems: list[Problem], prefer_text: bool
) -> list[tuple[str, str]]:
    shape = parameter.get("shape") or {}
    properties = shape.get("properties") or {}
    taken: dict[str, list[str]] = {}
    left: list[tuple[str, str]] = []
    for name, raw in rest:
        if name in properties or "additional" in shape:
            taken.setdefault(name, []).append(raw)
        else:
            left.append((name, raw))
    if not taken:
        return left
    found = {}
    for name, raws in taken.items():
        inner = {"name": name, "style": "form", "explode": True, "shape": properties.get(name, shape.get("additional"))}
        try:
            found[name] = _read_query(raws, inner, prefer_text)
        except Malformed as error:
            problems.append(Problem("query", name, "style", error.reason))
    values[parameter["name"]] = found
    return left


def _read(raw: str, parameter: Mapping[str, Any], decode: Callable[[str], str], prefer_text: bool) -> Any:
    """Path, header and cookie styles."""
    if parameter.get("content"):
        return _read_content(raw, parameter, decode)
    shape, style, explode = parameter.get("shape"), parameter.get("style", "simple"), parameter.get("explode", False)
    kind = kind_of(shape, prefer_text=prefer_text)
    separator = ","
    if style == "label":
        if not raw.startswith("."):
            raise Malformed("does not start with `.` as its style (label) asks")
        raw, separator = raw[1:], "." if explode else ","
    elif style == "matrix":
        raw, separator = _strip_matrix(raw, parameter["name"], exploded=explode and kind != "scalar", keep=kind == "object")
    if kind == "scalar":
        return coerce(decode(raw), shape, prefer_text=prefer_text)
    pieces = raw.split(separator) if raw else []
    if kind == "array":
        return _items(pieces, shape, decode, prefer_text)
    if explode and style != "form":
        pairs = [piece.partition("=") for piece in pieces]
        if not all(equals for _, equals, _ in pairs):
            raise Malformed("is not a list of name=value pairs, as its style asks")
        pieces = [text for name, _, value in pairs for text in (name, value)]
    return _object_of_pairs(pieces, shape, decode, prefer_text)


def _strip_matrix(raw: str, name: str, *, exploded: bool, keep: bool) -> tuple[str, str]:
    if not raw.startswith(";"):
        raise Malformed("does not start with `;` as its style (matrix) asks")
    if exploded and keep:
        return raw[1:], ";"
    pieces = raw[1:].split(";") if exploded else [raw[1:]]
    texts = []
    for piece in pieces:
        found, equals, value = piece.partition("=")
        if found != name:
            raise Malformed(f"does not say `;{name}=` as its style (matrix) asks")
        texts.append(value if equals else "")
    return ";".join(texts), ";" if exploded else ","


def _items(pieces: Sequence[str], shape: Shape, decode: Callable[[str], str], prefer_text: bool) -> list[Any]:
    items = shape.get("items") if shape else None
    return [coerce(decode(piece), items, prefer_text=prefer_text) for piece in pieces]


def _object_of_pairs(pieces: Sequence[str], shape: Shape, decode: Callable[[str], str], prefer_text: bool) -> dict[str, Any]:
    if len(pieces) % 2:
        raise Malformed("is not a list of names and values, as its style asks")
    properties = (shape.get("properties") if shape else None) or {}
    additional = shape.get("additional") if shape else None
    names = [decode(name) for name in pieces[::2]]
    return {
        name: coerce(decode(value), properties.get(name, additional), prefer_text=prefer_text)
        for name, value in zip(names, pieces[1::2], strict=True)
    }


def _read_content(raw: str, parameter: Mapping[str, Any], decode: Callable[[str], str]) -> Any:
    text = decode(raw)
    if not parameter["content"].endswith("json"):
        return text
    try:
        return load_json(text.encode("utf-8"))
    except Malformed as error:
        raise Malformed(error.reason.replace("the body", "the value")) from None
