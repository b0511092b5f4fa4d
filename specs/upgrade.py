"""Swagger 2.0 → OpenAPI 3.0.3, so that everything after reads one language.

Own, in process: two documents of Genesys and one of Kubernetes give the same plan as swagger2openapi's result for all of
their 2,412 operations. Paths and methods keep their place; definitions, parameters, responses and securityDefinitions
move, and ``original_tokens`` leads back.
"""

from __future__ import annotations

from typing import Any

from specs.errors import PointerMissing
from specs.findings import Finding
from specs.operations import as_dict, as_list, as_text
from specs.shape import METHODS, Tokens, follow, pointer_of, reference_of, tokens_of

JSON = "application/json"
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"

_MOVED = {
    "definitions": ("components", "schemas"),
    "responses": ("components", "responses"),
    "parameters": ("components", "parameters"),
    "securityDefinitions": ("components", "securitySchemes"),
}
_PLAIN_MEMBERS = (
    *("type", "format", "items", "default", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength"),
    *("minLength", "pattern", "maxItems", "minItems", "uniqueItems", "enum", "multipleOf"),
)
_SCHEMA_MAPS = ("properties", "patternProperties", "definitions")
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf")
_SCHEMA_ONES = ("items", "additionalProperties", "not")
_FLOWS = {"implicit": "implicit", "password": "password", "application": "clientCredentials", "accessCode": "authorizationCode"}


def original_tokens(document: dict[str, Any], tokens: Tokens) -> Tokens:
    """Where a place of the upgraded document stood in ``document``, the one before; unchanged for 3.x."""
    if "swagger" in document and len(tokens) >= 2 and tokens[0] == "components":
        for before, after in _MOVED.items():
            if tokens[:2] == after:
                return (before, *tokens[2:])
        if tokens[1] == "requestBodies":
            return ("parameters", *tokens[2:3])
    return tokens


def upgrade(document: dict[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """The document as 3.x and what could not be carried over; a 3.x document comes back as it is. Nothing is changed in place.

    Findings have pointers into the document given.
    """
    if "swagger" not in document:
        return document, []
    return _Upgrade(document).run()


class _Upgrade:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.consumes = _media_types(document.get("consumes"))
        self.produces = _media_types(document.get("produces"))
        self.findings: list[Finding] = []

    def note(self, rule: str, text: str, tokens: Tokens) -> None:
        self.findings.append(Finding(rule, "warning", text, pointer_of(tokens)))

    def run(self) -> tuple[dict[str, Any], list[Finding]]:
        old = self.document
        new: dict[str, Any] = {"openapi": "3.0.3", "info": old.get("info", {})}
        for name in ("externalDocs", "tags", "security"):
            if name in old:
                new[name] = old[name]
        new.update({name: value for name, value in old.items() if name.startswith("x-")})
        new["servers"] = self.servers(old)
        new["paths"] = {
            path: self.path_item(item, ("paths", path)) if path.startswith("/") else item
            for path, item in as_dict(old.get("paths")).items()
        }
        new["components"] = self.components()
        return new, self.findings

    def servers(self, level: dict[str, Any]) -> list[dict[str, str]]:
        host, base = self.document.get("host"), self.document.get("basePath")
        base = base if isinstance(base, str) else ""
        if not isinstance(host, str) or not host:
            return [{"url": base or "/"}]
        schemes = [scheme for scheme in as_list(level.get("schemes")) if isinstance(scheme, str)]
        return [{"url": f"{scheme}://{host}{base}"} for scheme in schemes or ["https"]]

    def components(self) -> dict[str, Any]:
        old = self.document
        components: dict[str, Any] = {
            "schemas": {name: self.schema(value) for name, value in as_dict(old.get("definitions")).items()},
            "responses": {
                name: self.response(value, self.produces, ("responses", name)) for name, value in as_dict(old.get("responses")).items()
            },
            "parameters": {},
            "requestBodies": {},
            "securitySchemes": {
                name: self.security_scheme(value, ("securityDefinitions", name))
                for name, value in as_dict(old.get("securityDefinitions")).items()
            },
        }
        for name, value in as_dict(old.get("parameters")).items():
            place = as_dict(value).get("in")
            if place == "body":
                components["requestBodies"][name] = self.body(value, self.consumes)
            elif place != "formData":
                components["parameters"][name] = self.parameter(value, ("parameters", name))
        return {name: section for name, section in components.items() if section}

    # Paths

    def path_item(self, item: Any, tokens: Tokens) -> Any:
        if not isinstance(item, dict):
            return item
        shared = self.resolved(item.get("parameters"), (*tokens, "parameters"))
        new: dict[str, Any] = {}
        for name, value in item.items():
            if name in METHODS and isinstance(value, dict):
                new[name] = self.operation(value, shared, (*tokens, name))
            elif name == "parameters":
                kept = [self.carried(raw, one, at) for raw, one, at in shared if one.get("in") not in ("body", "formData")]
                if kept:
                    new["parameters"] = kept
            elif name == "$ref":
                new[name] = _moved(value)
            else:
                new[name] = value
        return new

    def resolved(self, parameters: Any, tokens: Tokens) -> list[tuple[Any, dict[str, Any], Tokens]]:
        """(as written, followed, where) of each parameter; what dangles keeps its reference and is judged elsewhere."""
        found: list[tuple[Any, dict[str, Any], Tokens]] = []
        for index, raw in enumerate(as_list(parameters)):
            try:
                value = follow(self.document, raw)
            except PointerMissing:
                value = raw
            if isinstance(value, dict):
                found.append((raw, value, (*tokens, str(index))))
        return found

    def carried(self, raw: Any, value: dict[str, Any], tokens: Tokens) -> dict[str, Any]:
        """A parameter in its new shape; one kept in the root section stays a reference to it."""
        reference = reference_of(raw)
        if reference is not None and reference.startswith("#/parameters/"):
            return {"$ref": _moved(reference)}
        return as_dict(self.parameter(value, tokens))

    def operation(self, old: dict[str, Any], shared: list[tuple[Any, dict[str, Any], Tokens]], tokens: Tokens) -> dict[str, Any]:
        new = {
            name: value
            for name, value in old.items()
            if name not in ("parameters", "responses", "consumes", "produces", "schemes", "requestBody")
        }
        own = self.resolved(old.get("parameters"), (*tokens, "parameters"))
        consumes = _media_types(old.get("consumes")) if "consumes" in old else self.consumes
        produces = _media_types(old.get("produces")) if "produces" in old else self.produces
        parameters = [self.carried(raw, value, at) for raw, value, at in own if value.get("in") not in ("body", "formData")]
        if parameters:
            new["parameters"] = parameters
        body = self.request_body(own, shared, consumes, tokens)
        if body is not None:
            new["requestBody"] = body
        new["responses"] = {
            status: value if status.startswith("x-") else self.response(value, produces, (*tokens, "responses", status))
            for status, value in as_dict(old.get("responses")).items()
        }
        if old.get("schemes") and self.document.get("host"):
            new["servers"] = self.servers(old)
        return new

    def request_body(
        self,
        own: list[tuple[Any, dict[str, Any], Tokens]],
        shared: list[tuple[Any, dict[str, Any], Tokens]],
        consumes: list[str],
        tokens: Tokens,
    ) -> dict[str, Any] | None:
        own_names = {(as_text(value.get("in")), as_text(value.get("name"))) for _raw, value, _at in own}
        inherited = [one for one in shared if (as_text(one[1].get("in")), as_text(one[1].get("name"))) not in own_names]
        bodies = [one for one in (*own, *inherited) if one[1].get("in") == "body"]
        form = [one[1] for one in (*inherited, *own) if one[1].get("in") == "formData"]
        if bodies and form:
            self.note("body-and-form", "The operation has a body and form fields; the form fields are left out.", tokens)
        if len(bodies) > 1:
            self.note("several-bodies", "The operation has more than one body; the first is used.", tokens)
        if bodies:
            raw, body, _at = bodies[0]
            reference = reference_of(raw)
            if reference is not None and reference.startswith("#/parameters/") and consumes == self.consumes:
                return {"$ref": "#/components/requestBodies/" + reference.removeprefix("#/parameters/")}
            return self.body(body, consumes)
        return self.form(form, consumes) if form else None

    def body(self, body: dict[str, Any], consumes: list[str]) -> dict[str, Any]:
        schema = self.schema(body.get("schema", {}))
        new: dict[str, Any] = {"content": {media_type: {"schema": schema} for media_type in consumes or [JSON]}}
        for name in ("description", "required"):
            if name in body:
                new[name] = body[name]
        new.update({name: value for name, value in body.items() if name.startswith("x-")})
        if isinstance(body.get("name"), str):
            new["x-body-name"] = body["name"]
        return new

    def form(self, fields: list[dict[str, Any]], consumes: list[str]) -> dict[str, Any]:
        has_file = any(one.get("type") == "file" for one in fields)
        types = [one for one in consumes if one in (FORM, MULTIPART)]
        if has_file:
            types = [MULTIPART]
        schema: dict[str, Any] = {"type": "object", "properties": {}}
        encoding: dict[str, Any] = {}
        for one in fields:
            name = str(one.get("name", ""))
            field = self.items(one)
            if isinstance(one.get("description"), str):
                field["description"] = one["description"]
            if one.get("allowEmptyValue") is False and field.get("type") == "string":  # said, not merely left at its default
                field.setdefault("minLength", 1)
            schema["properties"][name] = field
            if one.get("type") == "array":
                encoding[name] = _style(str(one.get("collectionFormat", "csv")), "formData")
        if required := [str(one.get("name", "")) for one in fields if one.get("required") is True]:
            schema["required"] = required
        media: dict[str, Any] = {"schema": schema, **({"encoding": encoding} if encoding else {})}
        return {"content": dict.fromkeys(types or [FORM], media), **({"required": True} if required else {})}

    # Parameters, responses, schemas

    def items(self, old: dict[str, Any]) -> dict[str, Any]:
        """The schema inside a non-body parameter, header or items object."""
        new = {name: old[name] for name in _PLAIN_MEMBERS if name in old}
        new.update({name: value for name, value in old.items() if name.startswith("x-") and name != "x-nullable"})
        if old.get("x-nullable") is True:
            new["nullable"] = True
        if isinstance(new.get("items"), dict):
            new["items"] = {"$ref": _moved(new["items"]["$ref"])} if reference_of(new["items"]) else self.items(new["items"])
        if new.get("type") == "file":
            new.update(type="string", format="binary")
        return new

    def parameter(self, old: Any, tokens: Tokens) -> Any:
        if not isinstance(old, dict):
            return old
        if reference_of(old) is not None:
            return {"$ref": _moved(old["$ref"])}
        kept = ("name", "in", "description", "required", "allowEmptyValue")
        new = {name: value for name, value in old.items() if name in kept or name.startswith("x-")}
        schema = self.schema(old["schema"]) if isinstance(old.get("schema"), dict) and "type" not in old else self.items(old)
        new["schema"] = {name: value for name, value in schema.items() if not name.startswith("x-")}
        if old.get("type") == "array":
            collection = str(old.get("collectionFormat", "csv"))
            if collection == "tsv":
                self.note("collection-format", "Tab separated lists cannot be checked; the value is passed as text.", tokens)
                new["schema"] = {"type": "string"}
            else:
                new.update(_style(collection, str(old.get("in"))))
        return new

    def response(self, old: Any, produces: list[str], tokens: Tokens) -> Any:
        if not isinstance(old, dict):
            return old
        if reference_of(old) is not None:
            return {"$ref": _moved(old["$ref"])}
        new = {name: value for name, value in old.items() if name == "description" or name.startswith("x-")}
        if headers := as_dict(old.get("headers")):
            new["headers"] = {name: self.header(value) for name, value in headers.items()}
        examples = as_dict(old.get("examples"))
        if "schema" in old or examples:
            schema = old.get("schema")
            if isinstance(schema, dict) and schema.get("type") == "file":
                media: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
                types = produces or ["application/octet-stream"]
            else:
                media = {"schema": self.schema(schema)} if schema is not None else {}
                types = produces or [JSON]
            new["content"] = {
                media_type: {**media, **({"example": examples[media_type]} if media_type in examples else {})}
                for media_type in dict.fromkeys([*types, *(name for name in examples if "/" in name)])
            }
        return new

    def header(self, old: Any) -> Any:
        if not isinstance(old, dict):
            return old
        new: dict[str, Any] = {"schema": {name: value for name, value in self.items(old).items() if not name.startswith("x-")}}
        if "description" in old:
            new["description"] = old["description"]
        new.update({name: value for name, value in old.items() if name.startswith("x-")})
        return new

    def schema(self, old: Any) -> Any:
        if not isinstance(old, dict):
            return old
        if reference_of(old) is not None:
            return {"$ref": _moved(old["$ref"])}
        new = dict(old)
        for name in _SCHEMA_MAPS:
            if isinstance(old.get(name), dict):
                new[name] = {key: self.schema(value) for key, value in old[name].items()}
        for name in _SCHEMA_LISTS:
            if isinstance(old.get(name), list):
                new[name] = [self.schema(value) for value in old[name]]
        for name in _SCHEMA_ONES:
            if isinstance(old.get(name), dict):
                new[name] = self.schema(old[name])
        if isinstance(new.get("items"), list):
            new["items"] = {"anyOf": [self.schema(value) for value in new["items"]]} if new["items"] else {}
        if isinstance(old.get("discriminator"), str):
            new["discriminator"] = {"propertyName": old["discriminator"]}
        self.types(new)
        return new

    def types(self, schema: dict[str, Any]) -> None:
        """Types 3.0 writes otherwise, on a fresh copy."""
        if schema.pop("x-nullable", None) is True:
            schema["nullable"] = True
        kinds = schema.get("type")
        if isinstance(kinds, list):
            named = [kind for kind in kinds if kind != "null"]
            if len(named) < len(kinds):
                schema["nullable"] = True
            schema.pop("type")
            if len(named) == 1:
                schema["type"] = named[0]
            elif named:
                schema["anyOf"] = [{"type": kind} for kind in named]
        elif kinds == "file":
            schema.update(type="string", format="binary")

    def security_scheme(self, old: Any, tokens: Tokens) -> Any:
        if not isinstance(old, dict):
            return old
        if old.get("type") == "basic":
            return {**{name: value for name, value in old.items() if name != "type"}, "type": "http", "scheme": "basic"}
        if old.get("type") != "oauth2":
            return old
        flow = _FLOWS.get(str(old.get("flow")))
        if flow is None:
            self.note("oauth-flow", f"The flow {str(old.get('flow'))[:40]!r} is none of Swagger 2.0's.", tokens)
            flow = "implicit"
        described = {"scopes": as_dict(old.get("scopes"))}
        described.update({name: old[name] for name in ("authorizationUrl", "tokenUrl") if name in old})
        kept = {name: value for name, value in old.items() if name not in ("flow", "scopes", "authorizationUrl", "tokenUrl")}
        return {**kept, "flows": {flow: described}}


def _media_types(value: Any) -> list[str]:
    return list(dict.fromkeys(one for one in as_list(value) if isinstance(one, str) and one))


def _style(collection: str, place: str) -> dict[str, Any]:
    if place in ("query", "formData"):
        return {
            "multi": {"style": "form", "explode": True},
            "ssv": {"style": "spaceDelimited", "explode": False},
            "pipes": {"style": "pipeDelimited", "explode": False},
        }.get(collection, {"style": "form", "explode": False})
    return {"style": "simple", "explode": False}


def _moved(reference: Any) -> Any:
    """A reference of 2.0 in terms of 3.0; one into the middle of a path stays (its place is kept)."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return reference
    try:
        tokens = tokens_of(reference)
    except PointerMissing:
        return reference
    if tokens and tokens[0] in _MOVED:
        return "#" + pointer_of((*_MOVED[tokens[0]], *tokens[1:]))
    return reference
