"""A document made ready: what pages read, what the gateway checks with, and what was found on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from specs import ENGINE_VERSION
from specs.bundle import Bundled, bundle
from specs.check import Checked, check_document, placed, recognise, refuse_unbounded, refuse_unresolved
from specs.check.standard import version_of
from specs.errors import DocumentRefused, PointerMissing, SpecsError
from specs.findings import Finding, sort_findings
from specs.lint import lint
from specs.lint.view import Setting
from specs.load import load
from specs.operations import Keys, Operation, as_dict, as_list, as_text, detail_of, followed, operations_below, scopes_of
from specs.plan import PlanBuilder
from specs.route import build_router
from specs.shape import pointer_of, resolve, tokens_of
from specs.upgrade import upgrade
from specs.wellformed import well_formed


@dataclass(slots=True)
class CompiledOperation:
    """One operation of a document, to be read (``detail``) and to be checked with (``plan``).

    ``key`` is unique in the document and safe in a URL path segment: the operationId with every character outside
    ``[A-Za-z0-9._~-]`` turned into ``-``, else ``<method>-<path words>``.
    ``scopes`` are alternatives (any) of lists (all), from ``security``; empty when the document names no scope.
    ``detail`` is the operation after the upgrade to 3.x with its parameters, bodies and responses resolved, well-formed
    whatever the document says (``specs.wellformed``); schemas inside keep ``{"$ref": "#/…"}`` into
    ``CompiledDocument.schemas``.
    ``plan`` is made by ``specs.plan`` and refers to schema documents by sha256.
    ``unchecked`` names, in words, the parts that cannot be checked at run time.
    ``pointer``, ``file`` and ``line`` say where it stands in the original text.
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
    file: str = ""


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


_ANYTHING: dict[str, Any] = {
    "parameters": [{"name": "anything", "in": "query", "style": "form", "explode": True, "schema": {"type": "object"}}],
    "requestBody": {"content": {"*/*": {}}},
    "responses": {"default": {"description": ""}},
}
_RESOLVED_SECTIONS = ("parameters", "responses", "requestBodies", "securitySchemes", "pathItems", "callbacks")


def compile_document(
    read: Callable[[str], bytes | None], root: str, *, lint_levels: Mapping[str, Setting] | None = None
) -> CompiledDocument:
    """Make the document in the file ``root`` ready. For hostile text call it through ``specs.sandbox`` only.

    ``read`` answers the bytes of a file of the same tree, or ``None``. Raises DocumentRefused.
    ``lint_levels`` asks for lint, with these rules re-levelled or off; ``None`` for none. It changes the findings only.
    """
    bundled = _bundled(read, root)
    document, findings = upgrade(bundled.document)
    checked = check_document(bundled, document, findings)
    compiled = _Compiler(bundled, document, checked).run()
    if lint_levels is not None:
        found = lint(bundled.document, document, version_of(bundled.document), checked.targets, lint_levels)
        compiled.findings = sort_findings([*compiled.findings, *placed(bundled, found)])
    return compiled


def read_document(read: Callable[[str], bytes | None], root: str) -> dict[str, Any]:
    """The document in the file ``root``, bundled and upgraded to 3.x, for who compares documents and checks no message.

    Refused as ``compile_document`` refuses it, and as fit for hostile text: call it through ``specs.sandbox`` only.
    """
    return convert_document(read, root, upgraded=True)[0]


def convert_document(read: Callable[[str], bytes | None], root: str, *, upgraded: bool) -> tuple[dict[str, Any], list[Finding]]:
    """As ``read_document``, in 3.x only if ``upgraded``; and what could not be carried over."""
    bundled = _bundled(read, root)
    document, findings = upgrade(bundled.document) if upgraded else (bundled.document, [])
    refuse_unresolved(bundled, findings)
    return document, sort_findings(placed(bundled, findings))


def _bundled(read: Callable[[str], bytes | None], root: str) -> Bundled:
    data = read(root)
    if data is None:
        raise DocumentRefused([Finding("file-missing", "error", "There is no such file.", "", root)])
    loaded = load(data, root)
    del data
    recognise(loaded)
    bundled = bundle(read, loaded)
    refuse_unbounded(bundled)
    return bundled


class _Compiler:
    def __init__(self, bundled: Bundled, document: dict[str, Any], checked: Checked) -> None:
        self.bundled = bundled
        self.document = {**document, "paths": as_dict(document.get("paths"))}
        self.checked = checked
        self.plans = PlanBuilder(self.document)
        self.found: list[Finding] = []

    def run(self) -> CompiledDocument:
        document = self.document
        canonical = orjson.dumps(self.bundled.document)
        operations = self.operations()
        self.plans.finish()
        keys = {(one.method, one.path): one.key for one in operations}
        return CompiledDocument(
            digest=hashlib.sha256(canonical + ENGINE_VERSION.encode()).hexdigest(),
            files=list(self.bundled.loaded),
            openapi=as_text(self.bundled.document.get("openapi")) or as_text(self.bundled.document.get("swagger")),
            info=as_dict(document.get("info")),
            servers=as_list(document.get("servers")),
            tags=as_list(document.get("tags")),
            security_schemes={
                name: followed(document, scheme)
                for name, scheme in as_dict(as_dict(document.get("components")).get("securitySchemes")).items()
            },
            extensions={name: value for name, value in document.items() if name.startswith("x-") and name != "x-webhooks"},
            source=source_of(self.bundled.document),
            operations=operations,
            webhooks=self.webhooks(),
            schemas=self.schemas(),
            documents=self.plans.documents,
            bundle=self.plans.bundle,
            router=build_router(document, keys),
            findings=self.checked.placed(self.found),
        )

    def operations(self) -> list[CompiledOperation]:
        found = list(operations_below(self.document, "paths"))
        places = self.bundled.places([one.tokens for one in found])
        keys = Keys()
        compiled: list[CompiledOperation] = []
        for one in found:
            file, original, place = places[one.tokens]
            plan, unchecked = self.plan(one)
            compiled.append(
                CompiledOperation(
                    key=keys.key(one),
                    method=one.method,
                    path=one.path,
                    **_identity(one),
                    scopes=scopes_of(self.document, one),
                    detail=self.detail(one),
                    plan=plan,
                    pointer=pointer_of(original),
                    line=place.line,
                    unchecked=unchecked,
                    file=file,
                )
            )
        return compiled

    def detail(self, one: Operation) -> dict[str, Any]:
        """The operation for reading, well-formed; what had to be left out for that is found."""
        detail, left_out = well_formed(detail_of(self.document, one), one.tokens)
        self.found += left_out
        return detail

    def plan(self, one: Operation) -> tuple[dict[str, Any], list[str]]:
        """The plan; an operation too strange to plan is published, cannot be checked, and says so."""
        if one.tokens[2] == "additionalOperations":
            return self.permissive(one, f"the method {one.method[:40]} is not checked")
        try:
            return self.plans.operation(one.path, one.method)
        except (SpecsError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}"[:200]
            text = f"The operation {one.method.upper()} {one.path} cannot be checked at run time: {reason}."
            self.found.append(Finding("operation-not-planned", "error", text, pointer_of(one.tokens)))
            return self.permissive(one, "the operation is described in a way that cannot be read")

    def permissive(self, one: Operation, reason: str) -> tuple[dict[str, Any], list[str]]:
        """A plan that lets every message through as unchecked."""
        builder = PlanBuilder({"openapi": "3.0.3", "paths": {one.path: {one.method: _ANYTHING}}})
        plan, _unchecked = builder.operation(one.path, one.method)
        builder.finish()
        self.plans.documents.update(builder.documents)
        for response in plan["responses"].values():
            response["unchecked"] = [f"everything: {reason}"]
        plan["unchecked"] = {"request": [f"everything: {reason}"], "response": [f"everything: {reason}"]}
        return plan, [f"Everything: {reason}."]

    def webhooks(self) -> list[dict[str, Any]]:
        """Webhooks (3.1) and ``x-webhooks``: name, method, identity, detail, pointer."""
        return [
            {
                "name": one.path,
                "method": one.method,
                **_identity(one),
                "detail": self.detail(one),
                "pointer": pointer_of(one.tokens),
            }
            for section in ("webhooks", "x-webhooks")
            for one in operations_below(self.document, section)
        ]

    def schemas(self) -> dict[str, bytes]:
        components = as_dict(self.document.get("components"))
        found = {
            "#" + pointer_of(("components", "schemas", name)): orjson.dumps(schema)
            for name, schema in as_dict(components.get("schemas")).items()
        }
        for target in self.checked.targets:
            if target not in found and (value := self.reached(target)) is not None:
                found[target] = orjson.dumps(value)
        return found

    def reached(self, target: str) -> Any:
        """What a remaining reference means, unless readers meet it already resolved in the operation's detail."""
        try:
            tokens = tokens_of(target)
            if tokens[:1] == ("components",) and len(tokens) == 3 and tokens[1] in _RESOLVED_SECTIONS:
                return None
            return resolve(self.document, tokens)
        except PointerMissing:
            return None


def _identity(one: Operation) -> dict[str, Any]:
    value = one.value
    return {
        "operation_id": as_text(value.get("operationId")),
        "summary": as_text(value.get("summary")) or as_text(one.item.get("summary")),
        "description": as_text(value.get("description")) or as_text(one.item.get("description")),
        "tags": [tag for tag in as_list(value.get("tags")) if isinstance(tag, str)],
        "deprecated": value.get("deprecated") is True,
    }


def source_of(document: dict[str, Any]) -> bytes:
    """The bundled document as it is served, without what says where it runs."""
    dropped: Iterable[str] = ("host", "basePath", "schemes") if "swagger" in document else ("servers",)
    return orjson.dumps({name: value for name, value in document.items() if name not in dropped})
