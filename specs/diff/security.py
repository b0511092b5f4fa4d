"""What a caller must show, compared: requirements of operations and of the document, and the schemes behind them."""

from __future__ import annotations

from typing import Any

from specs.diff.collected import Collected
from specs.diff.exchange import Exchange
from specs.diff.keywords import canonical
from specs.diff.occurrence import DOCUMENT, NONE, SECURITY, Place
from specs.operations import as_dict, as_list, followed

_URLS = {"authorizationUrl": "scheme-authorization-url-changed", "tokenUrl": "scheme-token-url-changed"}


def compare_security(place: Place, old: Any, new: Any, collected: Collected) -> None:
    """Two lists of alternatives. ``None`` is a list that is not there."""
    before, after = _alternatives(old), _alternatives(new)
    for names in [names for names in before if names not in after]:
        collected.note(place, "security-removed", name=names)
    for names, scopes in after.items():
        if names not in before:
            collected.note(place, "security-added", name=names)
            continue
        for scope in sorted(before[names] - scopes):
            collected.note(place, "security-scope-removed", scope, name=names)
        for scope in sorted(scopes - before[names]):
            collected.note(place, "security-scope-added", None, scope, name=names)


def compare_need(exchange: Exchange, old: Any, new: Any, collected: Collected) -> None:
    """Whether an operation can still be called without showing anything; both lists are those in force."""
    free = not _alternatives(old) or "" in _alternatives(old), not _alternatives(new) or "" in _alternatives(new)
    if free[0] != free[1]:
        collected.note(exchange.operation("security"), "security-became-needed" if free[0] else "security-became-needless")


def _alternatives(requirements: Any) -> dict[str, frozenset[str]]:
    """Names of the schemes that must all be shown → their scopes, each with its scheme."""
    found: dict[str, frozenset[str]] = {}
    for requirement in as_list(requirements):
        needed = as_dict(requirement)
        scopes = frozenset(f"{name}:{scope}" if len(needed) > 1 else str(scope) for name in needed for scope in as_list(needed[name]))
        names = " and ".join(sorted(needed))
        found[names] = found.get(names, scopes) & scopes
    return found


def compare_schemes(old_document: dict[str, Any], new_document: dict[str, Any], collected: Collected) -> None:
    """The described security schemes."""
    old, new = _schemes(old_document), _schemes(new_document)
    for name in old:
        if name not in new:
            collected.note(_place(name), "scheme-removed", name=name)
    for name, after in new.items():
        if name not in old:
            collected.note(_place(name), "scheme-added", name=name)
        else:
            _compare_scheme(_place(name), name, old[name], after, collected)


def _place(name: str) -> Place:
    return Place(NONE, SECURITY, "", f"components.securitySchemes.{name}", f"Security scheme `{name}`")


def _schemes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    described = as_dict(as_dict(document.get("components")).get("securitySchemes"))
    return {name: as_dict(followed(document, value)) for name, value in described.items()}


def _compare_scheme(place: Place, name: str, old: dict[str, Any], new: dict[str, Any], collected: Collected) -> None:
    if old.get("type") != new.get("type"):
        collected.note(place, "scheme-type-changed", old.get("type"), new.get("type"), name)
        return
    for member in ("scheme", "in", "name", "bearerFormat", "openIdConnectUrl"):
        if canonical(old.get(member)) != canonical(new.get(member)):
            collected.note(place, "scheme-changed", old.get(member), new.get(member), member)
    flows, now = as_dict(old.get("flows")), as_dict(new.get("flows"))
    for flow in flows:
        if flow not in now:
            collected.note(place, "scheme-flow-removed", flow, name=flow)
    for flow in now:
        if flow not in flows:
            collected.note(place, "scheme-flow-added", None, flow, flow)
        else:
            _compare_flow(place, flow, as_dict(flows[flow]), as_dict(now[flow]), collected)


def _compare_flow(place: Place, flow: str, old: dict[str, Any], new: dict[str, Any], collected: Collected) -> None:
    for member, kind in _URLS.items():
        if old.get(member) != new.get(member):
            collected.note(place, kind, old.get(member), new.get(member), flow)
    before, after = as_dict(old.get("scopes")), as_dict(new.get("scopes"))
    for scope in before:
        if scope not in after:
            collected.note(place, "scheme-scope-removed", scope, name=flow)
    for scope in after:
        if scope not in before:
            collected.note(place, "scheme-scope-added", None, scope, flow)
        elif before[scope] != after[scope]:
            collected.note(place, "scheme-scope-changed", scope, scope, flow)


def document_place() -> Place:
    """The document as a whole."""
    return Place(NONE, DOCUMENT, "", "", "The document")
