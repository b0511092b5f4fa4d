"""The try-it panel of one operation: where a call goes, what would be refused, the form and its prefilled example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from catalog.models import Operation, Publication
from catalog.operation_reading import ScopeLine
from catalog.reading import SchemaTexts
from catalog.rules import Environment, PlatformAt
from identity.access import Access
from identity.selectors import groups_granting
from specs.sample import example_request

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "QUERY", "TRACE"})
BODILESS_METHODS = frozenset({"GET", "HEAD"})  # a browser sends no body with these
EXAMPLE_LIMIT = 32_768  # characters of a prefilled body
DEFAULT_STYLES = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})  # OpenAPI says they are described elsewhere


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of the form. ``kind``: text, number, choice, list (one value a comma), json."""

    place: str
    name: str
    required: bool
    kind: str
    value: str
    hint: str
    choices: tuple[str, ...]
    style: str
    explode: bool
    content: str  # media type of a parameter that is written as content, else ""


@dataclass(frozen=True, slots=True)
class BodyChoice:
    """A content type the body may have, with an example. ``kind``: json, form (sent as form fields), text, file."""

    media: str
    kind: str
    text: str
    deep: tuple[str, ...] = ()  # form fields written with brackets (OpenAPI encoding, style deepObject)

    @property
    def size(self) -> int:
        """Bytes of the example as it would be sent."""
        return len(self.text.encode("utf-8", "surrogatepass")) if self.kind != "file" else 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call would not be sent, and who can change that."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """What the panel shows before Send."""

    gateway: str  # address of the API's base at the portal
    target: str  # the same at the real host; "" when the portal answers itself or knows no address
    mock: bool
    tokenless: bool  # a real platform the rules name no token for
    required: list[Field]
    optional: list[Field]
    bodies: list[BodyChoice]
    body_required: bool
    refusals: list[Refusal]
    confirm: bool  # a protected environment wants its name before it is written to
    scopes: list[str]  # the token will carry at least these


def panel(
    operation: Operation,
    publication: Publication,
    *,
    environment: Environment,
    at: PlatformAt | None,
    access: Access,
    scopes: list[list[ScopeLine]],
) -> Panel:
    """The panel for this person. Two or three queries for the example's schemas."""
    detail = operation.detail
    texts = SchemaTexts(publication.document_id)
    texts.prefetch(detail.get("parameters"))
    texts.prefetch(detail.get("requestBody"))
    example = example_request(detail, texts.get)
    fields = [_field(one, example, texts.resolved) for one in detail.get("parameters") or [] if isinstance(one, Mapping)]
    usable = [field for field in fields if field is not None]
    unsafe = operation.method not in SAFE_METHODS
    body = detail.get("requestBody") if operation.method not in BODILESS_METHODS else None
    return Panel(
        gateway=f"/gateway/{environment.name}/{publication.api.slug}",
        target=at.base_url if at is not None and not at.mock else "",
        mock=at is not None and at.mock,
        tokenless=at is not None and not at.mock and not at.principals,
        required=[field for field in usable if field.required],
        optional=[field for field in usable if not field.required],
        bodies=[_body(media, value, _deep(body, media)) for media, value in example["body"].items()] if isinstance(body, Mapping) else [],
        body_required=isinstance(body, Mapping) and body.get("required") is True,
        refusals=_refusals(environment, at, access, scopes, publication.api.platform, unsafe=unsafe),
        confirm=environment.protected and (unsafe or bool(operation.unchecked)),
        scopes=next(([line.name for line in lines] for lines in scopes if all(line.held for line in lines)), []),
    )


def _refusals(
    environment: Environment, at: PlatformAt | None, access: Access, scopes: list[list[ScopeLine]], platform: str, *, unsafe: bool
) -> list[Refusal]:
    def granted(groups: list[str]) -> str:
        return f"{' or '.join(groups)} would allow it." if groups else "No group allows it."

    found = []
    if at is None:
        found.append(Refusal("unknown_platform", f"The rules name no address for {platform} in {environment.title}."))
    if not access.may_read(environment.name):
        found.append(Refusal("environment_forbidden", f"You may not call {environment.title}. {granted(_groups(environment))}"))
    elif unsafe and not access.may_write(environment.name):
        found.append(Refusal("write_forbidden", f"{environment.title} is read-only for you. {granted(_groups(environment, write=True))}"))
    if scopes and not any(all(line.held for line in lines) for lines in scopes):
        missing = next(line for lines in scopes for line in lines if not line.held)
        found.append(Refusal("scope_forbidden", f"It needs the scope “{missing.name}”. {granted(list(missing.groups))}"))
    return found


def _groups(environment: Environment, *, write: bool = False) -> list[str]:
    return groups_granting(environment=environment.name, write=write)


def _field(parameter: Mapping[str, Any], example: Mapping[str, Any], resolved: Callable[[Any], Any]) -> Field | None:
    place, name = str(parameter.get("in", "")), str(parameter.get("name", ""))
    if place not in DEFAULT_STYLES or place == "cookie" or (place == "header" and name.lower() in IGNORED_HEADERS):
        return None  # a cookie parameter cannot be sent from a browser
    content = next(iter(parameter.get("content") or {}), "")
    schema = resolved(parameter["content"][content].get("schema")) if content else resolved(parameter.get("schema"))
    schema = schema if isinstance(schema, Mapping) else {}
    required = parameter.get("required") is True or place == "path"
    kind, choices = ("json", ()) if content else _kind(schema, resolved)
    sample = _written(example["parameters"].get(place, {}).get(name, example["optional"].get(place, {}).get(name)), kind)
    style = str(parameter.get("style") or DEFAULT_STYLES[place])
    explode = parameter.get("explode")
    return Field(
        place=place,
        name=name,
        required=required,
        kind=kind,
        value=sample if required else "",
        hint="" if required else sample,
        choices=choices,
        style=style,
        explode=style in ("form", "deepObject") if explode is None else explode is True,
        content=content,
    )


def _kind(schema: Mapping[str, Any], resolved: Callable[[Any], Any]) -> tuple[str, tuple[str, ...]]:
    types = schema.get("type")
    name = next((one for one in types if one != "null"), "") if isinstance(types, list) else str(types or "")
    if isinstance(schema.get("enum"), list):
        return "choice", tuple(_written(value, "text") for value in schema["enum"] if value is not None)
    if name == "boolean":
        return "choice", ("true", "false")
    if name == "array":
        items = resolved(schema.get("items"))
        complicated = isinstance(items, Mapping) and items.get("type") in ("object", "array")
        return ("json" if complicated else "list"), ()
    if name == "object" or "properties" in schema:
        return "json", ()
    return ("number" if name in ("integer", "number") else "text"), ()


def _written(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind == "list" and isinstance(value, list):
        return ", ".join(_written(one, "text") for one in value)
    if isinstance(value, str):
        return value if kind != "json" else orjson.dumps(value).decode()
    return orjson.dumps(value).decode()


def _deep(body: Mapping[str, Any], media: str) -> tuple[str, ...]:
    content = (body.get("content") or {}).get(media)
    encoding = content.get("encoding") if isinstance(content, Mapping) else None
    declared = encoding.items() if isinstance(encoding, Mapping) else ()
    return tuple(str(name) for name, one in declared if isinstance(one, Mapping) and one.get("style") == "deepObject")


def _without_empty(value: Any) -> Any:
    """A form has no way to write an empty object or list: leave them out, at any depth."""
    if isinstance(value, Mapping):
        kept = {name: _without_empty(one) for name, one in value.items()}
        return {name: one for name, one in kept.items() if not isinstance(one, dict | list) or one}
    if isinstance(value, list):
        return [one for one in map(_without_empty, value) if not isinstance(one, dict | list) or one]
    return value


def _body(media: str, value: Any, deep: tuple[str, ...]) -> BodyChoice:
    essence = media.partition(";")[0].strip().lower()
    if essence in ("application/x-www-form-urlencoded", "multipart/form-data"):
        kind, value = "form", _without_empty(value)
    elif essence == "application/json" or essence.endswith("+json") or essence == "*/*":
        kind = "json"
    elif essence.startswith("text/") or essence.endswith(("+xml", "/xml", "yaml")):
        kind = "text"
    else:
        kind = "json" if isinstance(value, dict | list) else "file"
    if kind == "file":
        return BodyChoice(media, kind, "")
    text = value if kind == "text" and isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
    return BodyChoice(media, kind, text if len(text) <= EXAMPLE_LIMIT else "", deep)
