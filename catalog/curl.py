"""The prefilled request of an operation as a curl command: what a reader without JavaScript sends."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import orjson

from catalog.try_it import BodyChoice, Panel


def command(panel: Panel, *, method: str, path: str, portal: str) -> str:
    """A command for a POSIX shell that calls through the portal with the access key in ``$PORTAL_KEY``."""
    for field in panel.required:
        if field.place == "path" and field.value:
            path = path.replace(f"{{{field.name}}}", quote(field.value, safe=""))
    query = urlencode([(field.name, field.value) for field in panel.required if field.place == "query"], quote_via=quote)
    address = f"{portal}{panel.gateway}{path}{'?' if query else ''}{query}"
    parts = [f"curl -X {method} {shlex.quote(address)}", '-H "Authorization: Bearer $PORTAL_KEY"']
    parts += [f"-H {shlex.quote(f'{field.name}: {field.value}')}" for field in panel.required if field.place == "header"]
    if panel.confirm:
        parts.append(f"-H {shlex.quote('X-Portal-Confirm: ' + panel.gateway.split('/')[2])}")
    if panel.bodies:
        parts += _body(panel.bodies[0])
    return " \\\n  ".join(parts)


def _body(body: BodyChoice) -> list[str]:
    if body.kind == "form":
        fields = [(name, _text(value)) for name, value in _pairs(body)]
        if body.media.startswith("multipart/"):
            return [f"--form-string {shlex.quote(f'{name}={value}')}" for name, value in fields]
        data = urlencode(fields)
    else:
        data = "@FILE" if body.kind == "file" else body.text
    flag = "--data-binary" if body.kind == "file" else "--data-raw"
    return [f"-H {shlex.quote(f'Content-Type: {body.media}')}", f"{flag} {shlex.quote(data)}"]


def _pairs(body: BodyChoice) -> Iterator[tuple[str, object]]:
    for name, value in orjson.loads(body.text or "{}").items():
        if name in body.deep:
            yield from _bracketed(name, value)
        elif isinstance(value, list):
            yield from ((name, one) for one in value)
        else:
            yield name, value


def _bracketed(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = dict(enumerate(value)).items()
    else:
        yield name, value
        return
    for key, one in inner:
        yield from _bracketed(f"{name}[{key}]", one)


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
