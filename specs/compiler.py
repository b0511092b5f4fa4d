"""A document made ready: what pages read, what the gateway checks with, and what was found on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from specs.findings import Finding


@dataclass(slots=True)
class CompiledOperation:
    """One operation of a document, to be read (``detail``) and to be checked with (``plan``).

    ``key`` is unique in the document and safe in a URL path segment: the operationId with every character outside
    ``[A-Za-z0-9._~-]`` turned into ``-``, else ``<method>-<path words>``.
    ``scopes`` are alternatives (any) of lists (all), from ``security``; empty when the document names no scope.
    ``detail`` is the operation after the upgrade to 3.x with its parameters, bodies and responses resolved;
    schemas inside keep ``{"$ref": "#/…"}`` into ``CompiledDocument.schemas``.
    ``plan`` is made by ``specs.plan`` and refers to schema documents by sha256.
    ``unchecked`` names, in words, the parts that cannot be checked at run time.
    """

    key: str
    method: str
    path: str
    operation_id: str
    summary: str
    description: str
    tags: list[str]
    deprecated: bool
    scopes: list[list[str]]
    detail: dict[str, Any]
    plan: dict[str, Any]
    pointer: str
    line: int | None = None
    unchecked: list[str] = field(default_factory=list)


@dataclass(slots=True)
class CompiledDocument:
    """Everything the sync stores of one document. Plain data: strings, numbers, lists, dicts and JSON as bytes.

    ``digest``: sha256 hex of the canonical bundled document and ``specs.ENGINE_VERSION``.
    ``source``: the document as Git has it, bundled, as JSON with its order kept, without ``servers`` (3.x) or
    ``host``, ``basePath``, ``schemes`` (2.0); whoever serves it puts servers in front.
    ``extensions``: the ``x-`` members of the root.
    ``schemas``: pointer reached by a reference (``#/components/schemas/X``) → JSON of that schema, references intact.
    ``documents``: sha256 → JSON Schema 2020-12 document used by plans.
    ``bundle``: mode (``request``, ``response``) → JSON of shared ``$defs`` when closures are large, else empty.
    ``router``: JSON for ``specs.route.Router``.
    """

    digest: str
    files: list[str]
    openapi: str
    info: dict[str, Any]
    servers: list[Any]
    tags: list[Any]
    security_schemes: dict[str, Any]
    extensions: dict[str, Any]
    source: bytes
    operations: list[CompiledOperation]
    webhooks: list[dict[str, Any]]
    schemas: dict[str, bytes]
    documents: dict[str, bytes]
    bundle: dict[str, bytes]
    router: bytes
    findings: list[Finding]
