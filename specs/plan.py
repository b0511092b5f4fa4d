"""One operation → its validation plan: plain JSON that names schema documents by sha256.

``{"version", "method", "path", "parameters": {"list": [...], "check": ref}, "query": {"also": [...]}, "body": {...} | None,
"responses": {status: {"headers", "content", "unchecked"?}}, "security": [...],
"unchecked": {"request": [...], "response": [...]}}``. A response with ``unchecked`` is not judged at all.
A ref is ``{"schema": sha256, "at": pointer, "bundle"?: mode, "depth"?: levels}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from specs.media import is_json
from specs.route import template_names
from specs.schema import Note, SchemaDocuments, ShapeReader
from specs.schema.convert import Converted, escape, resolve_pointer
from specs.schema.shape import DEPTH

PLAN_VERSION = 1
# OpenAPI: header parameters of these names are ignored, they belong to the message itself.
IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
DEFAULT_STYLE = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}
FORM = "application/x-www-form-urlencoded"
STATUS = re.compile(r"[1-5](?:[0-9]{2}|XX)|default")


class PlanBuilder:
    """Plans the operations of one document: OpenAPI 3.x, bundled (only ``#/`` references).

    ``documents`` (sha256 → JSON Schema) grows with every operation; ``bundle`` (mode → JSON of shared definitions) is
    final after ``finish``.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.documents: dict[str, bytes] = {}
        self.bundle: dict[str, bytes] = {}
        self._request = SchemaDocuments(document, "request", self.documents)
        self._response = SchemaDocuments(document, "response", self.documents)
        self._shapes = ShapeReader(document)

    def operation(self, path: str, method: str) -> tuple[dict[str, Any], list[str]]:
        """The plan of an operation, and in words what of it cannot be checked at run time."""
        return self._plan(_mapping(self.document.get("paths")).get(path), method, path, f"#/paths/{escape(path)}")

    def finish(self) -> None:
        """Write the shared definitions. Call once, after the last operation."""
        for side in (self._request, self._response):
            text = side.bundle()
            if text is not None:
                self.bundle[side.mode] = text

    def _plan(self, item: Any, method: str, path: str, at: str) -> tuple[dict[str, Any], list[str]]:
        item, at = self._follow(item, at)
        operation = item.get(method) if isinstance(item, Mapping) else None
        operation = operation if isinstance(operation, Mapping) else {}
        at_operation = f"{at}/{method}"
        request_notes: list[Note] = []
        response_notes: list[Note] = []
        parameters = [
            found
            for found in self._parameters(item, operation, at, at_operation)
            if found[0]["in"] != "path" or self._is_in_path(found[0], path, request_notes)
        ]
        plan = {
            "version": PLAN_VERSION,
            "method": method.upper(),
            "path": path,
            "parameters": {"list": [entry for entry, _, _ in parameters], "check": self._parameter_check(parameters, request_notes)},
            "query": {"also": self._credential_names(operation)},
            "security": self._security(operation),
            "body": self._body(operation.get("requestBody"), f"{at_operation}/requestBody", request_notes),
            "responses": self._responses(operation.get("responses"), f"{at_operation}/responses", response_notes),
            "unchecked": {"request": _texts(request_notes, whole=True), "response": _texts(response_notes, whole=True)},
        }
        notes = [f"Request: {text}." for text in _texts(request_notes)] + [f"Response: {text}." for text in _texts(response_notes)]
        return plan, notes

    def _follow(self, node: Any, at: str) -> tuple[Any, str]:
        for _ in range(20):
            if not isinstance(node, Mapping) or not isinstance(node.get("$ref"), str):
                break
            at = node["$ref"]
            node = resolve_pointer(self.document, at) if at.startswith("#") else None
        return (node if isinstance(node, Mapping) else {}), at

    # parameters

    def _parameters(
        self, item: Mapping[str, Any], operation: Mapping[str, Any], at: str, at_operation: str
    ) -> Iterator[tuple[dict[str, Any], Any, str]]:
        """Entry for the plan, schema, and the schema's pointer; the operation's own override the path's."""
        found: dict[tuple[str, str], tuple[Mapping[str, Any], str]] = {}
        for holder, base in ((item, at), (operation, at_operation)):
            entries = holder.get("parameters")
            for index, raw in enumerate(entries if isinstance(entries, list) else []):
                parameter, pointer = self._follow(raw, f"{base}/parameters/{index}")
                name, place = parameter.get("name"), parameter.get("in")
                if not isinstance(name, str) or not isinstance(place, str) or place not in DEFAULT_STYLE:
                    continue
                if place == "header" and name.lower() in IGNORED_HEADERS:
                    continue
                found[name.lower() if place == "header" else name, place] = (parameter, pointer)
        for parameter, pointer in found.values():
            yield self._entry(parameter, pointer)

    @staticmethod
    def _is_in_path(entry: Mapping[str, Any], path: str, notes: list[Note]) -> bool:
        """A path parameter the template does not have can never be given, so it is not asked for."""
        if entry["name"] in template_names(path):
            return True
        notes.append(Note(f"{entry['at']} describes a path parameter that the path does not have", whole=False))
        return False

    def _entry(self, parameter: Mapping[str, Any], pointer: str) -> tuple[dict[str, Any], Any, str]:
        place = parameter["in"]
        style = parameter.get("style") if isinstance(parameter.get("style"), str) else DEFAULT_STYLE[place]
        entry: dict[str, Any] = {"name": parameter["name"], "in": place, "style": style}
        entry["explode"] = parameter["explode"] if isinstance(parameter.get("explode"), bool) else style == "form"
        if parameter.get("required") is True or place == "path":
            entry["required"] = True
        if parameter.get("allowEmptyValue") is True and place == "query":
            entry["empty"] = True
        content = parameter.get("content")
        if isinstance(content, Mapping) and content:
            media = next(iter(content))
            essence = media.partition(";")[0].strip().lower()
            entry["content"] = "application/json" if is_json(essence) else essence
            holder = content[media] if isinstance(content[media], Mapping) else {}
            entry["at"] = f"{pointer}/content/{escape(media)}/schema"
            return entry, holder.get("schema", True), entry["at"]
        entry["at"] = f"{pointer}/schema"
        schema = parameter.get("schema", True)
        shape = self._shapes.read(schema)
        if shape is not None:
            entry["shape"] = shape
        return entry, schema, entry["at"]

    def _parameter_check(self, parameters: list[tuple[dict[str, Any], Any, str]], notes: list[Note]) -> dict[str, Any] | None:
        """All parameters as one schema ``{path: {…}, query: {…}, header: {…}, cookie: {…}}``: one call, every finding."""
        places: dict[str, dict[str, Any]] = {}
        joined = Converted({})
        for entry, schema, pointer in parameters:
            place = places.setdefault(entry["in"], {"type": "object", "properties": {}})
            one = self._request.converter.convert(schema, pointer)
            joined.references |= one.references
            joined.complaints += one.complaints
            checked = {"anyOf": [{"const": ""}, one.schema]} if entry.get("empty") else one.schema
            place["properties"][entry["name"]] = checked
            if entry.get("required"):
                place.setdefault("required", []).append(entry["name"])
        if not places:
            return None
        required = [name for name, place in places.items() if "required" in place]
        joined.schema = {"type": "object", "properties": places, **({"required": required} if required else {})}
        reference, found = self._request.add_converted(joined, "")
        notes.extend(found)
        return reference

    def _credential_names(self, operation: Mapping[str, Any]) -> list[str]:
        """Names of API keys in the query: allowed, though they are no parameters."""
        names = {
            scheme.get("name") for alternative in self._security(operation) for scheme in alternative if scheme.get("place") == "query"
        }
        return sorted(name for name in names if isinstance(name, str))

    def _security(self, operation: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
        """Alternatives (any) of credentials (all): where each stands in a request."""
        schemes = _mapping(_mapping(self.document.get("components")).get("securitySchemes"))
        declared = operation.get("security", self.document.get("security"))
        alternatives = []
        for alternative in declared if isinstance(declared, list) else []:
            if isinstance(alternative, Mapping):
                alternatives.append([_credential(self._follow(schemes.get(name), "")[0]) for name in alternative])
        return alternatives

    # bodies

    def _body(self, node: Any, at: str, notes: list[Note]) -> dict[str, Any] | None:
        if node is None:
            return None
        body, at = self._follow(node, at)
        return {"required": body.get("required") is True, "content": self._content(body.get("content"), at, self._request, notes)}

    def _content(self, content: Any, at: str, side: SchemaDocuments, notes: list[Note]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for media, raw in content.items() if isinstance(content, Mapping) else ():
            holder, pointer = self._follow(raw, f"{at}/content/{escape(media)}")
            entry: dict[str, Any] = {}
            essence = media.partition(";")[0].strip().lower()
            if "schema" in holder:
                reference, said = side.add(holder["schema"], f"{pointer}/schema")
                notes.extend(said)
                if reference is not None:
                    entry["check"] = reference
                if said and any(note.whole for note in said):
                    entry["unchecked"] = _texts(said, whole=True)
            fields = side is self._request and (essence == FORM or essence.startswith("multipart/"))
            if fields or not is_json(essence):
                # A range may turn out to be a form; outlines of forms are deep, and a range rarely is one.
                shape = self._shapes.read(holder.get("schema"), levels=DEPTH if fields else 2 if "*" in essence else 0)
                entry.update({"shape": shape} if shape is not None else {})
            if fields and isinstance(holder.get("encoding"), Mapping):
                entry["encoding"] = {name: _encoding(rule) for name, rule in holder["encoding"].items() if isinstance(rule, Mapping)}
            found[media] = entry
        return found

    def _responses(self, node: Any, at: str, notes: list[Note]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for status, raw in node.items() if isinstance(node, Mapping) else ():
            name = str(status).upper() if str(status) != "default" else "default"
            if not STATUS.fullmatch(name):
                continue
            response, pointer = self._follow(raw, f"{at}/{escape(str(status))}")
            entry: dict[str, Any] = {"content": self._content(response.get("content"), pointer, self._response, notes)}
            headers = self._headers(response.get("headers"), pointer, notes)
            if headers:
                entry["headers"] = headers
            found[name] = entry
        return found

    def _headers(self, node: Any, at: str, notes: list[Note]) -> dict[str, Any] | None:
        entries: list[dict[str, Any]] = []
        place: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        joined = Converted({"type": "object", "properties": {"header": place}})
        for name, raw in node.items() if isinstance(node, Mapping) else ():
            header, pointer = self._follow(raw, f"{at}/headers/{escape(name)}")
            if name.lower() == "content-type":
                continue
            entry, schema, schema_pointer = self._entry({**header, "name": name, "in": "header", "style": "simple"}, pointer)
            one = self._response.converter.convert(schema, schema_pointer)
            joined.references |= one.references
            joined.complaints += one.complaints
            place["properties"][name] = one.schema
            if entry.get("required"):
                place["required"].append(name)
            entries.append(entry)
        if not entries:
            return None
        reference, said = self._response.add_converted(joined, "")
        notes.extend(said)
        return {"list": entries, "check": reference}


def _mapping(value: Any) -> Mapping[str, Any]:
    """The value when it is an object, else an empty one: documents break their own standard."""
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _encoding(rule: Mapping[str, Any]) -> dict[str, Any]:
    sound = {"style": str, "explode": bool, "contentType": str}
    return {name: rule[name] for name, kind in sound.items() if isinstance(rule.get(name), kind)}


def _credential(scheme: Mapping[str, Any]) -> dict[str, Any]:
    kind = _text(scheme.get("type"))
    if kind == "apiKey":
        return {"place": _text(scheme.get("in")), "name": _text(scheme.get("name"))}
    if kind == "http":
        return {"place": "authorization", "name": str(scheme.get("scheme", "")).lower()}
    if kind in {"oauth2", "openIdConnect"}:
        return {"place": "authorization", "name": "bearer"}
    return {"place": None, "name": str(kind or "unknown")}


def _texts(notes: list[Note], *, whole: bool = False) -> list[str]:
    return list(dict.fromkeys(note.text for note in notes if note.whole or not whole))
