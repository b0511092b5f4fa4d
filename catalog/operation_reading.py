"""One operation as people read it: scopes and who grants them, parameters, bodies, answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from django.utils.html import strip_tags
from django.utils.safestring import SafeString

from catalog import prose
from catalog.models import Document, Operation
from catalog.reading import Address, Node, SchemaTexts, TreeBuilder
from identity.access import Access
from identity.selectors import groups_granting

PLACES = (("path", "Path"), ("query", "Query"), ("header", "Headers"), ("cookie", "Cookies"))
EXAMPLE_LIMIT = 4_096  # characters of one example on the page


@dataclass(frozen=True, slots=True)
class ScopeLine:
    """One scope an operation needs: does this person have it, and if not, which groups grant it."""

    name: str
    held: bool
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MediaType:
    """A body in one content type. ``tree`` is None when it loads on demand from ``address``."""

    name: str
    address: Address
    tree: Node | None
    examples: tuple[tuple[str, str], ...]  # name, JSON text
    has_schema: bool


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    place: str  # path, query, header, cookie
    title: str
    nodes: list[Node]


@dataclass(frozen=True, slots=True)
class Body:
    required: bool
    description: SafeString
    media: list[MediaType]

    @property
    def worth_reading(self) -> bool:
        """False when the description only repeats the schema's name, as generated documents do."""
        text = strip_tags(self.description).strip().lower()
        return text not in {"", "body", *(media.tree.title.lower() for media in self.media if media.tree)}


@dataclass(frozen=True, slots=True)
class Response:
    """One documented answer. ``status`` may be ``default`` or ``4XX``."""

    status: str
    phrase: str
    description: SafeString
    headers: list[Node]
    media: list[MediaType]
    opened: bool


@dataclass(slots=True)
class OperationReading:
    """Everything the middle column shows."""

    description: SafeString
    scopes: list[list[ScopeLine]]  # alternatives (any) of lists (all)
    parameters: list[ParameterGroup] = field(default_factory=list)
    body: Body | None = None
    responses: list[Response] = field(default_factory=list)
    security: list[str] = field(default_factory=list)  # alternatives in words
    external: tuple[str, str] | None = None  # address, words
    callbacks: list[str] = field(default_factory=list)

    @property
    def may_call(self) -> bool:
        """True when the person holds every scope of some alternative, or none is named."""
        return not self.scopes or any(all(line.held for line in alternative) for alternative in self.scopes)


def read(operation: Operation, *, document: Document, access: Access, platform: str) -> OperationReading:
    """The reading of one operation: a handful of queries, however deep its schemas are."""
    detail = operation.detail
    texts = SchemaTexts(document.pk)
    texts.prefetch([detail.get("parameters"), detail.get("requestBody")])
    builder = TreeBuilder(texts)
    reading = OperationReading(description=prose.render(operation.description), scopes=scope_lines(operation.scopes, access, platform))
    reading.parameters = list(_parameters(detail, builder, operation.key))
    reading.body = _body(detail.get("requestBody"), builder, operation.key)
    reading.responses = _responses(_mapping(detail.get("responses")), builder, operation.key)
    reading.security = _security(detail.get("security"), document.security_schemes)
    external = detail.get("externalDocs")
    if isinstance(external, Mapping) and str(external.get("url", "")).startswith(("https://", "http://")):
        reading.external = (str(external["url"]), str(external.get("description") or "More about this operation"))
    reading.callbacks = sorted(_mapping(detail.get("callbacks")))
    return reading


def scope_lines(scopes: Sequence[Sequence[str]], access: Access, platform: str) -> list[list[ScopeLine]]:
    """Each alternative with what this person holds; groups are named for what is missing."""
    held = access.scopes_for(platform)
    return [
        [ScopeLine(scope, scope in held, () if scope in held else tuple(groups_granting(scope=(platform, scope)))) for scope in alternative]
        for alternative in scopes
    ]


def located(document_id: int, operation: Operation | None, address: Address) -> tuple[SchemaTexts, Any, Address]:
    """The schema at an address (None when nothing lies there), with the texts around it, and where it begins.

    The pointer of a finding ends at a keyword (``…/timezone/type``): the schema around it is meant.
    """
    texts = SchemaTexts(document_id)
    for _ in range(3):
        found = _at(texts, operation, address)
        if found is None or isinstance(found, Mapping):
            return texts, found, address
        address = Address(address.pointer.rpartition("/")[0], address.operation)
    return texts, None, address


def _at(texts: SchemaTexts, operation: Operation | None, address: Address) -> Any:
    if operation is None:
        return texts.get(address.pointer)
    steps = [step.replace("~1", "/").replace("~0", "~") for step in address.pointer.removeprefix("#").split("/")[1:]]
    return texts.walk(operation.detail, steps)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _parameters(detail: Mapping[str, Any], builder: TreeBuilder, key: str) -> Iterator[ParameterGroup]:
    found = [(index, one) for index, one in enumerate(detail.get("parameters") or []) if isinstance(one, Mapping)]
    for place, title in PLACES:
        nodes = [_parameter(one, index, builder, key) for index, one in found if one.get("in") == place]
        if nodes:
            yield ParameterGroup(place, title, nodes)


def _parameter(parameter: Mapping[str, Any], index: int, builder: TreeBuilder, key: str) -> Node:
    address = Address(f"#/parameters/{index}", key)
    schema: Any = parameter.get("schema")
    if schema is None:
        media, content = next(iter(_mapping(parameter.get("content")).items()), ("", {}))
        schema, address = _mapping(content).get("schema", {}), address.child("content", media, "schema")
    else:
        address = address.child("schema")
    node = builder.tree(schema, address, name=str(parameter.get("name", "")), required=parameter.get("required") is True)
    if isinstance(parameter.get("description"), str):
        node.description = prose.render(parameter["description"])
    node.deprecated = node.deprecated or parameter.get("deprecated") is True
    style, explode = parameter.get("style"), parameter.get("explode")
    if node.kind.startswith("array") and (style not in (None, "form", "simple") or explode is False):
        node.facts.append(f"style {style or 'form'}{', not exploded' if explode is False else ''}")
    example = parameter.get("example")
    if isinstance(example, str | int | float) and not isinstance(example, bool):
        node.example = str(example)
    return node


def _body(body: Any, builder: TreeBuilder, key: str) -> Body | None:
    content = _mapping(_mapping(body).get("content"))
    if not content:
        return None
    return Body(
        required=body.get("required") is True,
        description=prose.render(str(body.get("description") or "")),
        media=_media(content, Address("#/requestBody/content", key), builder, shown=1),
    )


def _media(content: Mapping[str, Any], address: Address, builder: TreeBuilder, *, shown: int) -> list[MediaType]:
    found = []
    for index, (name, media) in enumerate(content.items()):
        schema = _mapping(media).get("schema")
        at = address.child(name, "schema")
        tree = builder.tree(schema, at) if schema is not None and index < shown and builder.left > 0 else None
        found.append(MediaType(name, at, tree, tuple(_examples(_mapping(media))), schema is not None))
    return found


def _examples(media: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "example" in media:
        yield "Example", _json(media["example"])
    for name, example in list(_mapping(media.get("examples")).items())[:5]:
        if isinstance(example, Mapping) and "value" in example:
            yield str(example.get("summary") or name), _json(example["value"])


def _json(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return text if len(text) <= EXAMPLE_LIMIT else text[:EXAMPLE_LIMIT] + "\n…"


def _responses(responses: Mapping[str, Any], builder: TreeBuilder, key: str) -> list[Response]:
    def order(status: str) -> tuple[int, str]:
        return (1 if status == "default" else 0, status)

    found = []
    first = next((status for status in sorted(responses, key=order) if str(status).startswith("2")), None)
    for status in sorted((one for one in responses if not one.startswith("x-")), key=order):
        response = _mapping(responses[status])
        address = Address(f"#/responses/{status}", key)
        content = _mapping(response.get("content"))
        opened = status == first
        found.append(
            Response(
                status=str(status),
                phrase=_phrase(str(status)),
                description=prose.render(str(response.get("description") or "")),
                headers=[
                    builder.tree(_mapping(header).get("schema", {}), address.child("headers", name, "schema"), name=name)
                    for name, header in _mapping(response.get("headers")).items()
                ]
                if opened
                else [],
                media=_media(content, address.child("content"), builder, shown=1 if opened else 0),
                opened=opened,
            )
        )
    return found


def _phrase(status: str) -> str:
    if status.isdecimal():
        try:
            return HTTPStatus(int(status)).phrase
        except ValueError:
            return ""
    return "Anything else" if status == "default" else "Any of these"


def _security(security: Any, schemes: Mapping[str, Any]) -> list[str]:
    """Each alternative in words: ``OAuth 2.0 with read, write``."""
    words = []
    for alternative in security if isinstance(security, list) else []:
        parts = [_scheme(_mapping(schemes.get(name)), name) for name in _mapping(alternative)]
        words.append(" and ".join(parts) or "no credentials")
    return list(dict.fromkeys(words))


def _scheme(scheme: Mapping[str, Any], name: str) -> str:
    kind = scheme.get("type")
    if kind == "http":
        return f"HTTP {scheme.get('scheme', '')}".strip()
    if kind == "apiKey":
        return f"API key in {scheme.get('in', 'header')} {scheme.get('name', '')}".strip()
    return {"oauth2": "OAuth 2.0", "openIdConnect": "OpenID Connect", "mutualTLS": "mutual TLS"}.get(str(kind), name)
