"""Every rule of the comparison, one line each, by what it speaks of."""

from __future__ import annotations

from specs.diff.registry import Registry
from specs.diff.rules import (
    document,
    header_schema,
    message,
    operation,
    parameter,
    parameter_property,
    parameter_schema,
    request_body,
    request_property,
    response_body,
    response_property,
)

REGISTRY = Registry(
    table.RULES
    for table in (
        *(document, operation, parameter, parameter_schema, parameter_property, message),
        *(request_body, request_property, response_body, response_property, header_schema),
    )
)
"""All of them. Ids that oasdiff has too mean the same here and have the same level."""
