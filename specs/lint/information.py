"""Rules on the document itself: information, servers, tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from specs.lint.view import Found, View
from specs.operations import as_dict, as_list, as_text
from specs.shape import Node, Tokens

_PLACEHOLDER = re.compile(r"(^|\.)(example(\.(com|org|net))?|localhost|invalid|test)$|^127\.|^0\.0\.0\.0$|^\[?::1\]?$")
_VERSION = re.compile(r"v?\d+\.\d+(\.\d+)?([-+.].+)?|\d{4}-\d{2}-\d{2}.*|v?\d+")
_SCRIPT = re.compile(r"<\s*(script|iframe|object|embed)\b|javascript:", re.IGNORECASE)


def info_description(_view: View, document: Node) -> Iterator[Found]:
    if not as_text(as_dict(document.value.get("info")).get("description")).strip():
        yield Found(("info",), "The document does not say what the API is for: info has no description.")


def info_contact(_view: View, document: Node) -> Iterator[Found]:
    info = as_dict(document.value.get("info"))
    contact, portal = as_dict(info.get("contact")), as_dict(info.get("x-portal"))
    if not (any(contact.get(name) for name in ("email", "url", "name")) or portal.get("contact")):
        yield Found(("info",), "Nobody is named to ask: info.contact has neither name, email nor url.")


def info_license(_view: View, document: Node) -> Iterator[Found]:
    if not as_dict(as_dict(document.value.get("info")).get("license")).get("name"):
        yield Found(("info",), "The terms of use are not named: info.license has no name.")


def info_version(_view: View, document: Node) -> Iterator[Found]:
    version = as_text(as_dict(document.value.get("info")).get("version"))
    if not _VERSION.fullmatch(version.strip()):
        yield Found(("info", "version"), "info.version is neither a number such as 1.4.0 nor a date, so releases cannot be put in order.")


def portal_owner(_view: View, document: Node) -> Iterator[Found]:
    if not as_text(as_dict(as_dict(document.value.get("info")).get("x-portal")).get("owner")).strip():
        yield Found(("info",), "The catalog does not learn who owns the API: info has no x-portal.owner.")


def portal_lifecycle(_view: View, document: Node) -> Iterator[Found]:
    if not as_text(as_dict(as_dict(document.value.get("info")).get("x-portal")).get("lifecycle")).strip():
        yield Found(("info",), "The catalog does not learn how far the API is: info has no x-portal.lifecycle.")


def description_script(_view: View, document: Node) -> Iterator[Found]:
    stack: list[tuple[Tokens, Any]] = [((), document.value)]
    while stack:
        tokens, value = stack.pop()
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            at = (*tokens, str(name))
            if isinstance(member, dict | list) and name not in ("example", "examples", "default"):
                stack.append((at, member))
            elif name in ("description", "summary") and isinstance(member, str) and _SCRIPT.search(member):
                yield Found(at, "The text holds active HTML; it is shown without it here, and other readers may run it.")


def servers_missing(_view: View, document: Node) -> Iterator[Found]:
    if not as_list(document.value.get("servers")):
        yield Found((), "The document names no server, so readers cannot tell where the API is.")


def _hosts(view: View) -> Iterator[tuple[Tokens, str, str, str]]:
    """(tokens, scheme, host, path) of every server address that can be taken apart."""
    for tokens, servers in view.server_lists():
        for index, server in enumerate(servers):
            try:
                parts = urlsplit(as_text(as_dict(server).get("url")))
                host = parts.hostname or ""
            except ValueError:
                continue
            yield (*tokens, str(index), "url"), parts.scheme, host, parts.path


def server_insecure(view: View, _document: Node) -> Iterator[Found]:
    for tokens, scheme, host, _path in _hosts(view):
        if scheme == "http" and not _PLACEHOLDER.search(host):
            yield Found(tokens, "The server is reached without encryption: use https.")


def server_placeholder(view: View, _document: Node) -> Iterator[Found]:
    for tokens, _scheme, host, _path in _hosts(view):
        if _PLACEHOLDER.search(host):
            yield Found(tokens, f"The server {host[:80]!r} is a placeholder or this machine; nobody else can reach it.")


def server_trailing_slash(view: View, _document: Node) -> Iterator[Found]:
    for tokens, _scheme, _host, path in _hosts(view):
        if len(path) > 1 and path.endswith("/"):
            yield Found(tokens, "The server address ends with a slash, and paths begin with one: addresses get two.")


def tag_undefined(view: View, document: Node) -> Iterator[Found]:
    defined = {as_text(as_dict(tag).get("name")) for tag in as_list(document.value.get("tags"))}
    for one in view.operations:
        for index, tag in enumerate(as_list(one.value.get("tags"))):
            if isinstance(tag, str) and tag not in defined:
                yield Found((*one.tokens, "tags", str(index)), f"The tag {tag[:80]!r} is not among the document's tags.")


def tag_unused(view: View, document: Node) -> Iterator[Found]:
    used = {tag for one in view.operations for tag in as_list(one.value.get("tags")) if isinstance(tag, str)}
    parents = {as_text(as_dict(tag).get("parent")) for tag in as_list(document.value.get("tags"))}
    for index, tag in enumerate(as_list(document.value.get("tags"))):
        name = as_text(as_dict(tag).get("name"))
        if name and name not in used and name not in parents:
            yield Found(("tags", str(index)), f"No operation has the tag {name[:80]!r}.")


def tag_duplicate(_view: View, document: Node) -> Iterator[Found]:
    seen: set[str] = set()
    for index, tag in enumerate(as_list(document.value.get("tags"))):
        name = as_text(as_dict(tag).get("name"))
        if name and name in seen:
            yield Found(("tags", str(index)), f"The tag {name[:80]!r} is described twice.")
        seen.add(name)


def tag_description(_view: View, document: Node) -> Iterator[Found]:
    for index, tag in enumerate(as_list(document.value.get("tags"))):
        if isinstance(tag, dict) and not as_text(tag.get("description")).strip() and not as_text(tag.get("summary")).strip():
            yield Found(("tags", str(index)), "The tag is not described.")
