"""Form bodies → the object their schema describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specs.decode.brackets import build_tree, settle, split_name
from specs.decode.texts import kind_of
from specs.media import Malformed, Part, decode_text, load_json
from specs.schema.shape import Shape

SEPARATORS = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}
FILE_MARKER = "(file)"


def decode_fields(
    pairs: Sequence[tuple[str, Any]], shape: Shape, encoding: Mapping[str, Mapping[str, Any]], *, prefer_text: bool = False
) -> dict[str, Any]:
    """Fields of a form → an object. A declared name is taken as written; another one may be bracketed.

    ``encoding`` is the media type's: ``style``, ``explode`` and ``contentType`` by property. Raises ``Malformed``.
    """
    properties = (shape.get("properties") if shape else None) or {}
    placed: list[tuple[list[str], Any]] = []
    for name, value in pairs:
        rule = encoding.get(name, {})
        if name in properties or name in encoding:
            placed.extend(([name], piece) for piece in _pieces(value, rule, properties.get(name)))
        else:
            placed.append((split_name(name), value))
    tree = build_tree(placed)
    return {
        name: settle(child, properties.get(name, shape.get("additional") if shape else None), prefer_text=prefer_text)
        for name, child in tree.items()
    }


def _pieces(value: Any, rule: Mapping[str, Any], shape: Shape) -> list[Any]:
    if not isinstance(value, str):
        return [value]
    if str(rule.get("contentType", "")).split(";")[0].strip().lower().endswith("json"):
        return [load_json(value.encode("utf-8"))]
    style = rule.get("style", "form")
    explode = rule.get("explode", style == "form")
    if not explode and kind_of(shape) == "array" and style in SEPARATORS:
        return value.split(SEPARATORS[style]) if value else []
    return [value]


def decode_parts(
    parts: Sequence[Part], shape: Shape, encoding: Mapping[str, Mapping[str, Any]], *, prefer_text: bool = False
) -> dict[str, Any]:
    """Parts of a multipart body → an object; a file becomes ``FILE_MARKER``. Raises ``Malformed``."""
    properties = (shape.get("properties") if shape else None) or {}
    pairs = [(part.name, _part_value(part, properties.get(part.name))) for part in parts]
    return decode_fields(pairs, shape, encoding, prefer_text=prefer_text)


def _part_value(part: Part, shape: Shape) -> Any:
    essence = part.media.essence if part.media else ""
    if part.media and part.media.is_json:
        try:
            return load_json(part.data)
        except Malformed as error:
            raise Malformed(f"part `{part.name[:40]}`: {error.reason}", error.offset) from None
    if part.filename is not None or (essence and not essence.startswith("text/")):
        return FILE_MARKER
    text = decode_text(part.data, part.media.charset if part.media else "")
    if not essence and kind_of(shape) == "object":  # OpenAPI: the default content type of an object is JSON
        return load_json(part.data)
    return text
