"""What the gateway needs of a document, kept ready in the process.

Everything is cached by content: a document never changes, so nothing has to be invalidated. What is published where is
asked of the database each time (one query), and the rules' revision with one more. Thread-safe.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import orjson

from catalog.models import Content, Document, DocumentPart, Operation, Publication
from catalog.rules import Environment, PlatformAt
from catalog.selectors import current_rules, storable
from specs.route import Router
from specs.validate import OperationValidator

Value = TypeVar("Value")


class Kept:
    """A least-recently-used cache. Values are made outside the lock: two threads may make the same one, one is kept."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                found: Value = self._values[key]
                return found
        made = make()
        with self._lock:
            kept: Value = self._values.setdefault(key, made)
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return kept

    def clear(self) -> None:
        with self._lock:
            self._values.clear()

    def __len__(self) -> int:
        return len(self._values)


_routers = Kept(64)
_operations = Kept(2_048)
_bundles = Kept(64)
_digests: dict[int, str] = {}  # document id → digest: the key of everything kept here


@dataclass(frozen=True, slots=True)
class Published:
    """What one environment shows of one API, and where its calls go.

    ``at`` is None, and ``base_url`` "", when the rules name no place for the platform in this environment.
    """

    api: str
    title: str
    platform: str
    environment: Environment
    document_id: int
    digest: str
    commit: str
    release: str
    stale: bool
    at: PlatformAt | None

    @property
    def base_url(self) -> str:
        return self.at.base_url if self.at else ""

    @property
    def mock(self) -> bool:
        return self.at is not None and self.at.mock


@dataclass(frozen=True)
class RuntimeOperation:
    """One operation, ready to be checked against. ``detail`` is read when first asked for."""

    key: str
    method: str
    path: str
    summary: str
    deprecated: bool
    scopes: list[list[str]]  # alternatives of lists; [] = names none
    unchecked: list[str]
    validator: OperationValidator
    document_id: int
    detail_digest: str

    @cached_property
    def detail(self) -> dict[str, Any]:
        value: dict[str, Any] = orjson.loads(_content(self.detail_digest))
        return value


def published(environment: str, slug: str) -> Published | None:
    """What ``environment`` shows of the API ``slug``; None when it shows nothing or the rules do not name it. Two queries."""
    rules = current_rules()
    place = rules.environment(environment)
    if place is None or not storable(slug):
        return None
    row = (
        Publication.objects.filter(current=True, environment=environment, api__slug=slug)
        .values_list("api__title", "api__platform", "document_id", "document__digest", "commit", "release", "stale")
        .first()
    )
    if row is None:
        return None
    title, platform, document_id, digest, commit, release, stale = row
    _digests[document_id] = digest
    return Published(slug, title, platform, place, document_id, digest, commit, release, stale, rules.platform_at(platform, environment))


def router(document_id: int) -> Router:
    """The router of a document. Raises DocumentPart.DoesNotExist for an id that is not there."""
    return _routers.get(_digest(document_id), lambda: Router.from_json(_part(document_id, "router")))


def operation(document_id: int, key: str) -> RuntimeOperation:
    """An operation by the key the router gave. Raises Operation.DoesNotExist."""
    return _operations.get((_digest(document_id), key), lambda: _load(document_id, key))


def clear() -> None:
    """Forget everything kept in this process."""
    for kept in (_routers, _operations, _bundles):
        kept.clear()
    _digests.clear()


def _digest(document_id: int) -> str:
    """``published`` has noted it; anybody else pays one query, once."""
    digest = _digests.get(document_id)
    if digest is None:
        digest = Document.objects.values_list("digest", flat=True).get(pk=document_id)
        _digests[document_id] = digest
    return digest


def _load(document_id: int, key: str) -> RuntimeOperation:
    row = Operation.objects.select_related("plan_content").defer("description", "haystack").get(document_id=document_id, key=key)
    digest = _digest(document_id)
    validator = OperationValidator(
        row.plan,
        _content,
        lambda mode: _bundles.get((digest, mode), lambda: _part(document_id, f"bundle:{mode}")),
    )
    return RuntimeOperation(
        key=row.key,
        method=row.method,
        path=row.path,
        summary=row.summary,
        deprecated=row.deprecated,
        scopes=row.scopes,
        unchecked=row.unchecked,
        validator=validator,
        document_id=document_id,
        detail_digest=row.detail_content_id,
    )


def _content(digest: str) -> bytes:
    return Content.objects.get(digest=digest).text


def _part(document_id: int, name: str) -> bytes:
    return DocumentPart.objects.get(document_id=document_id, name=name).text
