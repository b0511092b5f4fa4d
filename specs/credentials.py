"""Are the credentials an operation asks for in a request? Presence and form only: nobody's secret is judged here.

Kept apart from request validation, because the portal puts the credentials in itself after validating.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from specs.media import Malformed, header_values, percent_decode, split_form
from specs.violations import Violation


def missing_credentials(plan: Mapping[str, Any], *, query: str, headers: Sequence[tuple[str, str]]) -> list[Violation]:
    """What is missing of the plan's ``security``: nothing when one of its alternatives is complete.

    Otherwise one violation for each credential the nearest alternative lacks. Schemes a request does not show
    (mutual TLS) count as given.
    """
    alternatives: list[list[dict[str, Any]]] = plan["security"]
    if not alternatives:
        return []
    lacking = [[one for one in alternative if not _present(one, query, headers)] for alternative in alternatives]
    return [_violation(credential) for credential in min(lacking, key=len)]


def _present(credential: Mapping[str, Any], query: str, headers: Sequence[tuple[str, str]]) -> bool:
    place, name = credential["place"], str(credential["name"])
    if place == "header":
        return any(value for value in header_values(headers, name.lower()))
    if place == "query":
        return _in_query(name, query)
    if place == "cookie":
        cookies = ";".join(header_values(headers, "cookie")).split(";")
        return any(piece.strip().partition("=")[0] == name for piece in cookies)
    if place == "authorization":
        return any(_authorizes(name, value) for value in header_values(headers, "authorization"))
    return True


def _in_query(name: str, query: str) -> bool:
    try:
        return any(percent_decode(key, plus=True) == name and value for key, value in split_form(query))
    except Malformed:
        return False


def _is_user_and_password(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text, validate=True)
    except binascii.Error:
        return False


FORMS: dict[str, Callable[[str], bool]] = {"basic": _is_user_and_password}


def _authorizes(scheme: str, value: str) -> bool:
    """RFC 9110, 11.4: a scheme without case, one space, and something after it."""
    given, _, rest = value.strip().partition(" ")
    return given.lower() == scheme.lower() and bool(rest.strip()) and FORMS.get(scheme.lower(), bool)(rest.strip())


def _violation(credential: Mapping[str, Any]) -> Violation:
    place, name = credential["place"], credential["name"]
    if place == "authorization":
        return Violation(
            "header", "/Authorization", "security", f"the request needs {name} credentials in Authorization", str(name), "none"
        )
    noun = {"header": "header", "query": "query parameter", "cookie": "cookie"}[place]
    return Violation(place, f"/{name}", "security", f"the request needs an API key in the {noun} `{name}`", "an API key", "none")
