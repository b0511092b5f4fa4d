"""Rules on parameters and security schemes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from specs.lint.view import Found, View, outliers
from specs.operations import as_dict, as_list, as_text
from specs.shape import Node, pointer_of

_HEADER = re.compile(r"[A-Z][A-Za-z0-9]*(-[A-Z0-9][A-Za-z0-9]*)*")
_CREDENTIAL = re.compile(r"(^|[_-])(password|passwd|secret|access_?token|auth_?token|api_?key|client_?secret)$", re.IGNORECASE)
_PAGE_SIZE = re.compile(r"(limit|page_?size|per_?page|page\[size\]|top|max_?results)", re.IGNORECASE)
_NEGATED = re.compile(r"(no|not|non|disable|skip|without|hide)([_-]|(?=[A-Z]))|dis(able|allow)")


def _described(node: Node) -> dict[str, Any]:
    """The parameter itself; an empty object for a reference, which is judged where it leads."""
    return node.value if isinstance(node.value, dict) and "$ref" not in node.value else {}


def parameter_description(view: View, parameter: Node) -> Iterator[Found]:
    value = _described(parameter)
    if (
        value
        and not as_text(value.get("description")).strip()
        and not as_text(view.followed(value.get("schema")).get("description")).strip()
    ):
        yield Found(parameter.tokens, "The parameter is not described.")


def parameter_header_name(_view: View, parameter: Node) -> Iterator[Found]:
    value = _described(parameter)
    if value.get("in") == "header" and not _HEADER.fullmatch(as_text(value.get("name"))):
        yield Found(parameter.tokens, "Header names are words joined by hyphens, such as Conversation-Id; proxies drop underscores.")


def parameter_query_style(view: View, _document: Node) -> Iterator[Found]:
    names = [
        (as_text(node.value.get("name")), (*node.tokens, "name"))
        for node in view.nodes["parameter"]
        if isinstance(node.value, dict) and node.value.get("in") == "query"
    ]
    for _name, style, most, tokens in outliers(names):
        yield Found(tokens, f"The query parameter is written in {style}, most of the document in {most}.")


def parameter_credential(_view: View, parameter: Node) -> Iterator[Found]:
    value = _described(parameter)
    if value.get("in") == "query" and _CREDENTIAL.search(as_text(value.get("name"))):
        yield Found(parameter.tokens, "A credential in the query ends in logs and histories: use a header or the body.")


def parameter_page_size(view: View, parameter: Node) -> Iterator[Found]:
    value = _described(parameter)
    schema = view.followed(value.get("schema"))
    bounded = any(name in schema for name in ("maximum", "exclusiveMaximum", "enum", "const"))
    if value.get("in") == "query" and _PAGE_SIZE.fullmatch(as_text(value.get("name"))) and schema.get("type") == "integer" and not bounded:
        yield Found(parameter.tokens, "The size of a page has no maximum.")


def parameter_boolean_negated(view: View, parameter: Node) -> Iterator[Found]:
    value = _described(parameter)
    if view.followed(value.get("schema")).get("type") == "boolean" and _NEGATED.match(as_text(value.get("name"))):
        yield Found(parameter.tokens, "The name says what does not happen; false then means that it does. Say what happens instead.")


def parameter_schema(_view: View, parameter: Node) -> Iterator[Found]:
    value = _described(parameter)
    if value and "schema" not in value and "content" not in value:
        yield Found(parameter.tokens, "The parameter has neither schema nor content; its values are not checked.")


def parameter_examples(_view: View, parameter: Node) -> Iterator[Found]:
    if "example" in _described(parameter) and "examples" in _described(parameter):
        yield Found(parameter.tokens, "example and examples exclude each other.")


def security_unused(view: View, document: Node) -> Iterator[Found]:
    requirements = [*as_list(view.document.get("security"))]
    for node in view.nodes["operation"]:
        if isinstance(node.value, dict):
            requirements.extend(as_list(node.value.get("security")))
    used = {name for requirement in requirements for name in as_dict(requirement)}
    for name in as_dict(as_dict(document.value.get("components")).get("securitySchemes")):
        tokens = ("components", "securitySchemes", name)
        if name not in used and "#" + pointer_of(tokens) not in view.targets:
            yield Found(tokens, f"No operation uses the security scheme {name[:80]!r}.")


def security_insecure_address(_view: View, scheme: Node) -> Iterator[Found]:
    value = as_dict(scheme.value)
    places = [((), value)] + [(("flows", name), as_dict(flow)) for name, flow in as_dict(value.get("flows")).items()]
    for at, holder in places:
        for name in ("tokenUrl", "authorizationUrl", "refreshUrl", "openIdConnectUrl"):
            if as_text(holder.get(name)).lower().startswith("http://"):
                yield Found((*scheme.tokens, *at, name), "Credentials are exchanged without encryption: use https.")


def security_outdated_flow(_view: View, scheme: Node) -> Iterator[Found]:
    for name in ("implicit", "password"):
        if name in as_dict(as_dict(scheme.value).get("flows")):
            yield Found((*scheme.tokens, "flows", name), f"The {name} flow is not to be used any more (RFC 9700).")


def security_key_in_query(_view: View, scheme: Node) -> Iterator[Found]:
    value = as_dict(scheme.value)
    if value.get("type") == "apiKey" and value.get("in") == "query":
        yield Found(scheme.tokens, "A key in the query ends in logs and histories: put it into a header.")
