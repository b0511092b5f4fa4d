"""One text → one value, by its shape."""

from __future__ import annotations

import re
from typing import Any

import orjson

from specs.schema.shape import Shape

INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,399})")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def coerce(text: str, shape: Shape, *, prefer_text: bool = False) -> Any:
    """The typed value a text stands for, or the text itself when it is no value of the shape's types.

    Integers and numbers are written as in JSON (no sign ``+``, no leading zero, space or underscore), booleans are
    ``true`` and ``false``. Where the types also allow text, a typed reading wins unless ``prefer_text``.
    """
    if shape is None:
        return text
    types = shape.get("types", ())
    if prefer_text and "string" in types:
        return text
    if "integer" in types and INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and NUMBER.fullmatch(text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    if "boolean" in types and text in {"true", "false"}:
        return text == "true"
    if "null" in types and "string" not in types and text in {"", "null"}:
        return None
    return text


def kind_of(shape: Shape, *, prefer_text: bool = False) -> str:
    """How a parameter of this shape is laid out: ``array``, ``object`` or ``scalar``."""
    types = shape.get("types", ()) if shape else ()
    if prefer_text and set(types) - {"array", "object", "null"}:
        return "scalar"
    return "array" if "array" in types else "object" if "object" in types else "scalar"


def is_ambiguous(shape: Shape) -> bool:
    """Could a text be read in more than one way?"""
    types = set(shape.get("types", ())) - {"null"} if shape else set()
    if "string" in types and len(types) > 1:
        return True
    inner = [shape.get("items"), shape.get("additional"), *(shape.get("properties") or {}).values()] if shape else []
    return len(types & {"array", "object"}) == 2 or any(is_ambiguous(child) for child in inner)
