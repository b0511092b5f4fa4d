"""A token endpoint that can be told to misbehave, and rules that point to it."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import jwt
import pytest
from django.core.cache import cache
from django.test import Client

from catalog.models import RulesRevision
from catalog.rules_check import read
from tokens import holding
from upstream import breaker

SECRET = "machine-secret-9d2c41"


class Endpoint:
    """Answers as RFC 6749 §5.1 says unless told otherwise."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}  # put over the sound answer; None removes a member
        self.status = 200
        self.error: dict[str, Any] | None = None
        self.body: bytes | None = None
        self.delay = 0.0
        self.secret = SECRET
        self.public_key: Any = None  # of who may prove itself with an assertion (RFC 7523)
        self.assertions: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.headers: dict[str, str] = {}
        self.before: Callable[[], None] | None = None
        self.forms: list[dict[str, str]] = []
        self.clients: list[tuple[str, str]] = []
        self.issued: list[str] = []
        self.revoked: list[str] = []
        self.revocation_status = 200
        self.revocation_delay = 0.0
        self.url = ""
        self._lock = threading.Lock()

    def judged(self, assertion: str) -> str:
        """The secret when the assertion is sound and was not used before, as RFC 7523 §3 wants it; "" when not."""
        try:
            claims = jwt.decode(
                assertion,
                self.public_key,
                algorithms=["RS256", "ES256", "EdDSA"],
                audience=f"{self.url}/token",
                options={"require": ["iss", "sub", "aud", "exp", "jti"]},
            )
        except jwt.PyJWTError:
            return ""
        spent = claims["jti"] in {one["jti"] for one in self.assertions}
        self.assertions.append(claims | jwt.get_unverified_header(assertion))
        return "" if spent or claims["iss"] != claims["sub"] else self.secret

    def token(self, form: dict[str, str]) -> tuple[int, bytes]:
        time.sleep(self.delay)
        if self.before:
            self.before()
        if self.body is not None:
            return self.status, self.body
        if self.error is not None:
            return self.status, json.dumps(self.error).encode()
        with self._lock:
            token = f"machine-token-{len(self.issued) + 1}-" + "x" * 40
            self.issued.append(token)
        sound = {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": form.get("scope")} | self.answer
        return self.status, json.dumps({name: value for name, value in sound.items() if value is not None}).encode()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    running = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).items()}
            scheme, _, pair = self.headers.get("Authorization", "").partition(" ")
            if "client_assertion" in form:
                known = form["client_id"], running.judged(form.pop("client_assertion"))
            elif scheme == "Basic":
                client, _, given = base64.b64decode(pair).decode().partition(":")
                known = unquote_plus(client), unquote_plus(given)
            else:
                known = form.get("client_id", ""), form.get("client_secret", "")
            running.clients.append(known)
            if known[1] != running.secret:
                self.reply(401, b'{"error": "invalid_client"}')
            elif self.path == "/revoke":
                time.sleep(running.revocation_delay)
                running.revoked.append(form["token"])
                self.reply(running.revocation_status, b"{}")
            else:
                running.forms.append(form)
                self.reply(*running.token(form))

        def do_DELETE(self) -> None:
            running.deleted.append(self.headers["Authorization"])
            self.reply(running.revocation_status, b"")

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in running.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    running.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


ENVIRONMENTS = """
environments:
  sandbox: {{title: Sandbox}}
  staging: {{title: Staging}}
  production: {{title: Production, protected: true}}
platforms:
  genesys:
    title: Genesys Cloud CX
    at:
      sandbox: {{base_url: "mock:"}}
      staging:
        base_url: http://127.0.0.1:8099/api
        networks: [127.0.0.1/32]
        token:
{token}
"""
DEFAULT = """
          grant: client_credentials
          url: {url}/token
          revocation_url: {url}/revoke
          client_id: portal-staging
          secret: env:GENESYS_STAGING_SECRET
          scopes: [integration:read, webhook:manage, reporting:dashboard:read]
"""
SOURCES = "sources: {contact-center: {git: https://git.example/specs.git, branches: {staging: staging}}}"
ACCESS = "groups: {sandbox-developers: {role: developer, environments: [sandbox, staging]}}"


@pytest.fixture
def rules(endpoint: Endpoint, db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put rules in force: ``rules()`` for the usual principal, or the lines of a ``token:`` entry."""
    monkeypatch.setenv("GENESYS_STAGING_SECRET", SECRET)
    holding.forget_failures()

    def make(token: str = DEFAULT) -> None:
        files = {
            "environments.yaml": ENVIRONMENTS.format(token=token.format(url=endpoint.url)),
            "sources.yaml": SOURCES,
            "access.yaml": ACCESS,
        }
        reading = read(files)
        assert reading.sound, [str(finding) for finding in reading.findings]
        RulesRevision.objects.filter(current=True).update(current=False)
        number = RulesRevision.objects.count()
        RulesRevision.objects.create(commit=f"{number:040d}", digest=f"{number}-{time.time_ns()}", files=files, sound=True, current=True)

    make()
    breaker.reset()
    return make


@pytest.fixture(autouse=True)
def nothing_in_clear(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After every test: no token that was issued in it lies in clear in the database, the cache, the log, or a page that is not a reveal."""
    if "endpoint" not in request.fixturenames or "rules" not in request.fixturenames:
        yield
        return
    endpoint: Endpoint = request.getfixturevalue("endpoint")
    everything_stored = request.getfixturevalue("everything_stored")
    caplog = request.getfixturevalue("caplog")
    caplog.set_level("DEBUG")
    pages: list[str] = []
    answer = Client.request

    def remembered(client: Client, **environ: Any) -> Any:
        response = answer(client, **environ)
        if not environ["PATH_INFO"].endswith("/reveal"):
            pages.append(response.content.decode("utf-8", "replace") + str(response.headers))
        return response

    monkeypatch.setattr(Client, "request", remembered)
    yield
    if not endpoint.issued:
        return
    kept = "\n".join([everything_stored(), caplog.text, *pages, str(getattr(cache, "_cache", ""))])
    assert not [token for token in endpoint.issued if token in kept]
