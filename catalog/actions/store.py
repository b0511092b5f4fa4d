"""Keeping a compiled document: every text once, by its digest; everything else in few, large inserts."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from django.db import IntegrityError, transaction

from catalog.models import Content, Document, DocumentPart, Operation, SchemaText
from catalog.path_shapes import path_shape
from specs import ENGINE_VERSION
from specs.compiler import CompiledDocument, CompiledOperation
from specs.errors import DocumentRefused
from specs.findings import Finding
from specs.yaml_writing import yaml_text

KEY_LENGTH, PATH_LENGTH, POINTER_LENGTH = 255, 2_000, 1_000
_BATCH = 500


def store(compiled: CompiledDocument) -> Document:
    """The row of this document, made when it is not there yet. Raises DocumentRefused for names past what is kept."""
    existing = Document.objects.filter(digest=compiled.digest).first()
    if existing is not None:
        return existing
    _refuse_long_names(compiled)
    texts = _Texts()
    rows = [_operation(operation, position, texts) for position, operation in enumerate(compiled.operations)]
    schemas = [(pointer, texts.add(body)) for pointer, body in compiled.schemas.items() if len(pointer) <= POINTER_LENGTH]
    for digest, body in compiled.documents.items():
        texts.add(body, digest)
    try:
        with transaction.atomic():
            texts.save()
            document = _document(compiled)
            for row in rows:
                row.document = document
            Operation.objects.bulk_create(rows, batch_size=_BATCH)
            SchemaText.objects.bulk_create(
                [SchemaText(document=document, pointer=pointer, content_id=digest) for pointer, digest in schemas], batch_size=_BATCH
            )
            DocumentPart.objects.bulk_create(
                [DocumentPart(document=document, name=name, body=_packed(body)) for name, body in _parts(compiled).items()]
            )
    except IntegrityError:
        # Another worker stored the same content in between; it is the same by definition.
        return Document.objects.get(digest=compiled.digest)
    return document


class _Texts:
    """Texts to be kept, by digest. What the database has already is neither compressed nor written again."""

    def __init__(self) -> None:
        self._new: dict[str, bytes] = {}

    def add(self, body: bytes, digest: str = "") -> str:
        name = digest or hashlib.sha256(body).hexdigest()
        self._new.setdefault(name, body)
        return name

    def save(self) -> None:
        names = list(self._new)
        for start in range(0, len(names), _BATCH):
            batch = names[start : start + _BATCH]
            known = set(Content.objects.filter(digest__in=batch).values_list("digest", flat=True))
            Content.objects.bulk_create(
                [Content(digest=name, body=_packed(self._new[name])) for name in batch if name not in known], ignore_conflicts=True
            )


def _packed(body: bytes) -> bytes:
    return zlib.compress(body, 3)


def _parts(compiled: CompiledDocument) -> dict[str, bytes]:
    bundles = {f"bundle:{mode}": body for mode, body in compiled.bundle.items()}
    return {"source.json": compiled.source, "router": compiled.router} | bundles


def _document(compiled: CompiledDocument) -> Document:
    return Document.objects.create(
        digest=compiled.digest,
        engine=ENGINE_VERSION,
        openapi=compiled.openapi[:20],
        title=_text(compiled.info.get("title"))[:300],
        info=_json(compiled.info),
        servers=_json(compiled.servers),
        tags=_json(compiled.tags),
        security_schemes=_json(compiled.security_schemes),
        extensions=_json(compiled.extensions),
        webhooks=_json(compiled.webhooks),
        operation_count=len(compiled.operations),
        byte_count=len(compiled.source),
    )


def _operation(operation: CompiledOperation, position: int, texts: _Texts) -> Operation:
    words = [operation.method, operation.path, operation.operation_id, operation.summary, *operation.tags]
    if (shape := path_shape(operation.path)) != operation.path:
        words.append(shape)  # last, where a search for the whole of it finds it
    return Operation(
        position=position,
        key=operation.key,
        method=operation.method.upper(),
        path=_text(operation.path),
        operation_id=_text(operation.operation_id)[:255],
        summary=_text(operation.summary)[:1_000],
        description=_text(operation.description),
        tags=_json(operation.tags),
        deprecated=operation.deprecated,
        scopes=_json(operation.scopes),
        unchecked=_json(operation.unchecked),
        pointer=_text(operation.pointer)[:2_200],
        line=operation.line,
        haystack=_text(" ".join(words)).lower(),
        detail_content_id=texts.add(orjson.dumps(operation.detail)),
        plan_content_id=texts.add(orjson.dumps(operation.plan)),
    )


def _text(value: object) -> str:
    """What PostgreSQL can keep of a text from outside: no NUL."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else ""


def _json(value: Any) -> Any:
    """The same for values inside JSON columns."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return {_text(key): _json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    return value


def _refuse_long_names(compiled: CompiledDocument) -> None:
    found = [
        Finding("name-too-long", "error", f"{what} has more than {limit} characters.", operation.pointer, line=operation.line)
        for operation in compiled.operations
        for what, value, limit in (("The operationId", operation.key, KEY_LENGTH), ("The path", operation.path, PATH_LENGTH))
        if len(value) > limit
    ]
    if found:
        raise DocumentRefused(found)


def findings_rows(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as the columns of ``models.Finding``."""
    return [
        {
            "rule": one.rule[:100],
            "level": one.level,
            "text": _text(one.text),
            "pointer": _text(one.pointer),
            "file": _text(one.file)[:1_000],
            "line": one.line,
            "column": one.column,
        }
        for one in findings
    ]


def source_yaml(document: Document) -> bytes:
    """The document as YAML, without servers; made once and kept."""
    part = DocumentPart.objects.filter(document=document, name="source.yaml").first()
    if part is not None:
        return part.text
    body = yaml_text(DocumentPart.objects.get(document=document, name="source.json").text)
    DocumentPart.objects.bulk_create([DocumentPart(document=document, name="source.yaml", body=_packed(body))], ignore_conflicts=True)
    return body


def complete_yaml() -> int:
    """Make the YAML of one published document that has none yet; how many that was. So nobody waits for it later."""
    document = (
        Document.objects.filter(publications__current=True)
        .exclude(pk__in=DocumentPart.objects.filter(name="source.yaml").values("document_id"))
        .first()
    )
    if document is None:
        return 0
    source_yaml(document)
    return 1
