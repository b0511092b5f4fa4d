"""JSON Schema text → validator. Offline, formats on, values masked, regular expressions linear where they can be."""

from __future__ import annotations

import base64
import binascii
import functools
from typing import Any

import jsonschema_rs
import orjson

from specs.schema.keywords import BACKTRACKING, LINEAR

MASK = "[value]"


class SchemaUnusable(Exception):
    """A schema the validator will not take. The text is the first line of its complaint, values masked."""


def is_base64(value: object) -> bool:
    """Format ``byte``: base64 (RFC 4648, 4), padded."""
    if not isinstance(value, str):
        return True
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def bundle_urn(mode: str) -> str:
    """The name by which a document refers to the shared definitions of its mode."""
    return f"urn:portal:{mode}"


@functools.lru_cache(maxsize=16)
def _registry(mode: str, bundle: bytes) -> jsonschema_rs.Registry:
    # Shared by every operation of a document: building one costs milliseconds and, on large documents, megabytes.
    return jsonschema_rs.Registry([(bundle_urn(mode), orjson.loads(bundle))])


def compile_schema(text: bytes, *, mode: str = "", bundle: bytes | None = None) -> jsonschema_rs.Draft202012Validator:
    """Make a validator from JSON text; ``bundle`` is the JSON of the shared ``$defs`` of ``mode``.

    The result may be used from many threads. Raises ``SchemaUnusable``.
    """
    options: dict[str, Any] = {"validate_formats": True, "offline": True, "mask": MASK, "formats": {"byte": is_base64}}
    if bundle is not None:
        options["registry"] = _registry(mode, bundle)
    schema = text.decode("utf-8")
    try:
        return jsonschema_rs.Draft202012Validator(schema, pattern_options=LINEAR, **options)
    except ValueError:
        pass
    try:
        return jsonschema_rs.Draft202012Validator(schema, pattern_options=BACKTRACKING, **options)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise SchemaUnusable(str(error).partition("\n")[0][:200]) from None
