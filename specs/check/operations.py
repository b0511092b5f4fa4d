"""Operations: their ids, path templates, parameters and security. Works on the document upgraded to 3.x."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from specs.findings import Finding, Level
from specs.operations import Operation, as_dict, as_list, as_text, followed, operations_below, parameters_of
from specs.shape import Tokens, pointer_of

MAX_PAIRS = 2_000_000
_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_IGNORED_HEADERS = frozenset(("accept", "content-type", "authorization"))


def _finding(rule: str, level: Level, text: str, tokens: Tokens) -> Finding:
    return Finding(rule, level, text, pointer_of(tokens))


def check_operations(document: dict[str, Any]) -> Iterator[Finding]:
    """Findings with pointers into the upgraded document."""
    operations = list(operations_below(document, "paths"))
    yield from _ids(document, operations)
    yield from _paths(document)
    yield from _ambiguities([path for path in as_dict(document.get("paths")) if path.startswith("/")])
    schemes = as_dict(as_dict(document.get("components")).get("securitySchemes"))
    yield from _security(document, as_list(document.get("security")), schemes, ("security",))
    yield from _servers(document, operations)
    for operation in operations:
        yield from _parameters(document, operation)
        if "security" in operation.value:
            yield from _security(document, as_list(operation.value["security"]), schemes, (*operation.tokens, "security"))


def _ids(document: dict[str, Any], operations: list[Operation]) -> Iterator[Finding]:
    first: dict[str, Operation] = {}
    webhooks = [one for section in ("webhooks", "x-webhooks") for one in operations_below(document, section)]
    for one in (*operations, *webhooks):
        name = as_text(one.value.get("operationId"))
        if not name:
            continue
        if name in first:
            other = first[name]
            text = f"The operationId {name[:120]!r} is also that of {other.method.upper()} {other.path}."
            yield _finding("operation-id-duplicate", "error", text, (*one.tokens, "operationId"))
        else:
            first[name] = one


def _paths(document: dict[str, Any]) -> Iterator[Finding]:
    for path in as_dict(document.get("paths")):
        tokens = ("paths", path)
        if path.startswith("x-"):
            continue
        if not path.startswith("/"):
            yield _finding("path-slash", "error", f"The path {path[:200]!r} does not start with a slash; it is left out.", tokens)
            continue
        if "{" in _TEMPLATE.sub("", path) or "}" in _TEMPLATE.sub("", path):
            yield _finding("path-template", "error", f"The braces of {path[:200]!r} do not match.", tokens)
        names = _TEMPLATE.findall(path)
        if "" in names:
            yield _finding("path-template", "error", f"A parameter of {path[:200]!r} has no name.", tokens)
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield _finding("path-template", "error", f"The parameter {name[:80]!r} stands twice in {path[:200]!r}.", tokens)
        if "?" in path or "#" in path:
            yield _finding(
                "path-query", "warning", f"The path {path[:200]!r} holds a query or a fragment; no request can match it so.", tokens
            )


def _servers(document: dict[str, Any], operations: list[Operation]) -> Iterator[Finding]:
    """Variables of server addresses: those of the document, of its path items and of its operations (OpenAPI 3.0.3, Server Object)."""
    lists: dict[Tokens, Any] = {("servers",): document.get("servers")}
    for one in operations:
        lists[(*one.tokens[:2], "servers")] = one.item.get("servers")
        lists[(*one.tokens, "servers")] = one.value.get("servers")
    for tokens, servers in lists.items():
        for index, server in enumerate(as_list(servers)):
            server, at = as_dict(server), (*tokens, str(index))
            used, declared = set(_TEMPLATE.findall(as_text(server.get("url")))), set(as_dict(server.get("variables")))
            for name in sorted(used - declared):
                text = f"The server address holds {{{name[:80]}}}, which its variables do not describe."
                yield _finding("server-variable-undefined", "error", text, (*at, "url"))
            for name in sorted(declared - used):
                text = f"The variable {name[:80]!r} is not in the server's address."
                yield _finding("server-variable-unused", "warning", text, (*at, "variables", name))


def _ambiguities(paths: list[str]) -> Iterator[Finding]:
    shapes: dict[str, str] = {}
    by_length: dict[int, list[tuple[str, list[str | None]]]] = {}
    for path in paths:
        shape = _TEMPLATE.sub("{}", path)
        if shape in shapes:
            text = f"{path[:200]!r} matches the same requests as {shapes[shape][:200]!r}: only the parameter names differ."
            yield _finding("path-identical", "warning", text, ("paths", path))
            continue
        shapes[shape] = path
        parts = [None if _TEMPLATE.search(part) else part for part in path.split("/")[1:]]
        by_length.setdefault(len(parts), []).append((path, parts))
    pairs = 0
    for group in by_length.values():
        templated = [one for one in group if None in one[1]]
        for index, (path, parts) in enumerate(templated):
            pairs += index
            if pairs > MAX_PAIRS:
                return
            crossing = [other for other, others in templated[:index] if _crossing(parts, others)]
            if crossing:
                more = f" and {len(crossing) - 1} more" if len(crossing) > 1 else ""
                text = f"Some requests match both {path[:200]!r} and {crossing[0][:200]!r}{more}; the more concrete start wins."
                yield _finding("path-ambiguous", "info", text, ("paths", path))


def _crossing(one: list[str | None], other: list[str | None]) -> bool:
    """Both match some request, and neither is more concrete than the other."""
    more = less = False
    for mine, theirs in zip(one, other, strict=True):
        if mine is not None and theirs is not None:
            if mine != theirs:
                return False
        elif mine is not None:
            more = True
        elif theirs is not None:
            less = True
    return more and less


def _parameters(document: dict[str, Any], operation: Operation) -> Iterator[Finding]:
    name = f"{operation.method.upper()} {operation.path}"[:200]
    declared = parameters_of(document, operation)
    in_path = {as_text(one.get("name")) for one in declared if one.get("in") == "path"}
    in_template = set(_TEMPLATE.findall(operation.path)) - {""}
    for missing in sorted(in_template - in_path):
        yield _finding(
            "path-parameter-missing", "error", f"{name} does not describe its path parameter {missing[:80]!r}.", operation.tokens
        )
    for unused in sorted(in_path - in_template):
        yield _finding(
            "path-parameter-unused", "error", f"{name} describes a path parameter {unused[:80]!r} its path does not have.", operation.tokens
        )
    yield from _repeated(document, operation)
    for one in declared:
        if one.get("in") == "header" and as_text(one.get("name")).lower() in _IGNORED_HEADERS:
            text = f"{name}: a header parameter {one['name']} is ignored by the standard."
            yield _finding("header-ignored", "info", text, operation.tokens)


def _repeated(document: dict[str, Any], operation: Operation) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for index, raw in enumerate(as_list(operation.value.get("parameters"))):
        one = as_dict(followed(document, raw))
        identity = (as_text(one.get("in")), as_text(one.get("name")))
        if identity in seen and identity != ("", ""):
            text = f"The {identity[0]} parameter {identity[1][:80]!r} is described twice."
            yield _finding("parameter-duplicate", "error", text, (*operation.tokens, "parameters", str(index)))
        seen.add(identity)


def _security(document: dict[str, Any], requirements: list[Any], schemes: dict[str, Any], tokens: Tokens) -> Iterator[Finding]:
    for index, requirement in enumerate(requirements):
        for name, scopes in as_dict(requirement).items():
            at = (*tokens, str(index), name)
            if name not in schemes:
                yield _finding("security-undefined", "error", f"The security scheme {name[:80]!r} is not defined.", at)
                continue
            scheme = as_dict(followed(document, schemes[name]))
            flows = [as_dict(flow) for flow in as_dict(scheme.get("flows")).values()]
            if scheme.get("type") != "oauth2" or not flows:
                continue
            known = {scope for flow in flows for scope in as_dict(flow.get("scopes"))}
            for scope in as_list(scopes):
                if isinstance(scope, str) and scope not in known:
                    yield _finding("scope-undeclared", "warning", f"The scope {scope[:80]!r} is not declared by {name[:80]!r}.", at)
