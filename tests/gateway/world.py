"""A whole portal in its own process, before a platform that misbehaves: rules and documents from Git, people signed in."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.catalog import repositories
from tests.gateway.upstreams import Platform, running, wait_until

ROOT = Path(__file__).resolve().parents[2]
SEED = "import django; django.setup(); from tests.gateway.seed import main; main()"
UPSTREAM_SECONDS = 2
RESPONSE_LIMIT = 262_144
# Each has a platform of its own, because failures open the breaker of their platform.
FAILING = ("never", "drips", "reset", "cut", "malformed", "status999", "fails", "closed", "refused")
PLATFORMS = ("plain", "acme", "paced", *FAILING)

DOCUMENT = """
openapi: 3.0.3
info: {title: Things, version: "1"}
components:
  securitySchemes:
    oauth2:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: "https://x.example/token", scopes: {"things:read": read, "things:write": all}}}
  schemas:
    Thing:
      type: object
      required: [id, name]
      properties: {id: {type: string}, name: {type: string}}
      additionalProperties: false
  responses:
    thing: {description: one, content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}
    other: {description: other}
paths:
  /things:
    get:
      operationId: listThings
      parameters:
        - {name: limit, in: query, schema: {type: integer, maximum: 10}}
        - {name: X-Org, in: header, schema: {type: string}}
        - {name: theme, in: cookie, schema: {type: string}}
      responses: {"200": {$ref: "#/components/responses/thing"}}
    post:
      operationId: makeThing
      requestBody:
        required: true
        content: {application/json: {schema: {type: object, required: [name], properties: {name: {type: string, maxLength: 20}, tags: {type: array, items: {type: integer}}}}}}
      responses: {"201": {$ref: "#/components/responses/thing"}}
  /things/{id}:
    get:
      operationId: getThing
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {$ref: "#/components/responses/thing"}, "404": {$ref: "#/components/responses/other"}}
    head:
      operationId: lookAtThing
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {$ref: "#/components/responses/thing"}}
  /behave/{how}:
    get:
      operationId: behave
      parameters: [{name: how, in: path, required: true, schema: {type: string}}]
      responses:
        "200": {$ref: "#/components/responses/thing"}
        "302": {$ref: "#/components/responses/other"}
        "401": {$ref: "#/components/responses/other"}
        "503": {$ref: "#/components/responses/other"}
  /numbered/{number}:
    get:
      operationId: getNumbered
      parameters: [{name: number, in: path, required: true, schema: {type: integer}}]
      responses: {"200": {$ref: "#/components/responses/thing"}}
  /upload:
    put:
      operationId: upload
      requestBody: {content: {application/octet-stream: {schema: {type: string, format: binary}}}}
      responses: {"200": {$ref: "#/components/responses/thing"}}
  /secured:
    get:
      operationId: secured
      security: [{oauth2: ["things:read"]}]
      responses: {"200": {$ref: "#/components/responses/thing"}}
  /administration:
    get:
      operationId: administer
      security: [{oauth2: ["things:write"]}]
      responses: {"200": {$ref: "#/components/responses/thing"}}
"""
ONLY_IN_STAGING = """
  /news:
    get:
      operationId: news
      responses: {"200": {$ref: "#/components/responses/thing"}}
"""
ONLY_IN_PRODUCTION = """
  /numbered/latest:
    get:
      operationId: getLatest
      responses: {"200": {$ref: "#/components/responses/thing"}}
"""
ACCESS = """
groups:
  developers:
    role: developer
    environments: [sandbox, staging]
    per_minute: 20
    scopes: {acme: [things:read]}
  testers:
    role: architect
    environments: [sandbox, staging, production]
    write: [sandbox, staging]
    per_minute: 100000
    scopes: {acme: [things:read]}
  readers:
    role: developer
    environments: [staging]
    write: []
    per_minute: 100000
  writers:
    role: platform
    environments: [sandbox, staging, production]
    write: [sandbox, staging, production]
    per_minute: 100000
    scopes: {acme: [things:read, things:write], refused: [things:read]}
"""
PEOPLE = {
    "dana": ["developers"],
    "tess": ["testers"],
    "rene": ["readers"],
    "petra": ["writers"],
    "quinn": ["developers"],
    "nobody": [],
}


def environments_yaml(port: int, closed: int) -> str:
    """Every platform in all environments; the sandbox is answered from the document."""
    lines = [
        "environments:",
        "  sandbox: {title: Sandbox}",
        "  staging: {title: Staging}",
        "  production: {title: Production, protected: true}",
        "platforms:",
    ]
    for name in PLATFORMS:
        base = f"http://127.0.0.1:{closed if name == 'closed' else port}/base"
        lines += [f"  {name}:", f"    title: {name}", "    at:", '      sandbox: {base_url: "mock:"}']
        for environment in ("staging", "production"):
            lines += [f"      {environment}:", f"        base_url: {base}"]
            if name == "paced":
                lines.append("        per_second: 3")
            if name in {"acme", "refused"}:
                token = f"http://127.0.0.1:{port}/oauth/token" if name == "acme" else f"http://127.0.0.1:{closed}/oauth/token"
                lines.append(
                    f"        token: {{grant: client_credentials, url: '{token}', client_id: portal, secret: 'env:ACME_SECRET', "
                    "scopes: [things:read, things:write]}"
                )
    return "\n".join(lines) + "\n"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def call_id(self) -> str:
        return self.headers["x-portal-call"]


@dataclass
class World:
    """The portal under test, its platform, and what its database says."""

    home: Path
    platform: Platform
    port: int
    environment: dict[str, str]
    people: dict[str, dict[str, str]] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def call(
        self,
        method: str,
        path: str,
        *,
        person: str | None = "tess",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        environment: str = "staging",
        platform: str = "plain",
        timeout: float = 15.0,
    ) -> Answer:
        """One call through the gateway with an access key. ``body``: a value for JSON, or bytes."""
        sent = {"Authorization": f"Bearer {self.people[person]['key']}"} if person else {}
        sent |= headers or {}
        if body is not None and not isinstance(body, bytes):
            body, sent = json.dumps(body).encode(), {"Content-Type": "application/json"} | sent
        return self.request(method, f"/gateway/{environment}/{platform}-things-v1{path}", headers=sent, body=body, timeout=timeout)

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None, timeout: float = 15.0
    ) -> Answer:
        """Any request to the portal."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, target, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        finally:
            connection.close()

    def api(self, person: str, path: str) -> Answer:
        return self.request("GET", f"/api/v1{path}", headers={"Authorization": f"Bearer {self.people[person]['key']}"})

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What the database says."""
        with contextlib.closing(sqlite3.connect(self.home / "portal.sqlite3", timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]

    def entries(self, call_id: str) -> list[dict[str, Any]]:
        """The entries of one call, oldest first."""
        return self.rows("SELECT * FROM audit_entry WHERE subject = ? ORDER BY id", call_id)

    def record(self, call_id: str) -> dict[str, Any]:
        """The call as it is kept."""
        (row,) = self.rows("SELECT * FROM gateway_call WHERE id = ?", call_id.replace("-", ""))
        return row

    def sockets(self) -> int:
        """How many sockets the portal has open."""
        assert self.process is not None
        links = Path(f"/proc/{self.process.pid}/fd").iterdir()
        return sum(1 for link in links if _target(link).startswith("socket:"))

    def files(self) -> int:
        """How many files the portal has open: its database, once or twice for each thread."""
        assert self.process is not None
        links = Path(f"/proc/{self.process.pid}/fd").iterdir()
        return sum(1 for link in links if _target(link).startswith("/"))

    def start(self) -> None:
        """Start the web process and wait until it answers."""
        log = (self.home / "web.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port)], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

        def answers() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, (self.home / "web.log").read_text()
            with contextlib.suppress(OSError):
                return self.request("GET", "/health/live", timeout=2).status == 200
            return False

        assert wait_until(answers, seconds=40), (self.home / "web.log").read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the web process; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=20)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # closed while we looked
        return ""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def portal_world(home: Path) -> Iterator[World]:
    """Build everything and start it; ends what it started."""
    with running() as platform:
        closed = free_port()
        rules = repositories.create(home / "rules.git")
        repositories.commit(
            rules,
            {
                "environments.yaml": environments_yaml(platform.port, closed),
                "access.yaml": ACCESS,
                "sources.yaml": f"sources:\n  documents:\n    git: {home / 'documents.git'}\n"
                "    branches: {sandbox: develop, staging: staging, production: main}\n",
            },
        )
        documents = repositories.create(home / "documents.git")
        for branch in ("develop", "staging", "main"):
            text = DOCUMENT + {"staging": ONLY_IN_STAGING, "main": ONLY_IN_PRODUCTION}.get(branch, "")
            files: dict[str, bytes | str | tuple[str, str]] = {f"{name}/things/v1/openapi.yaml": text for name in PLATFORMS}
            repositories.commit(documents, files, branch=branch)
        environment = {
            "PATH": os.environ["PATH"],
            "PORTAL_HOME": str(home / "portal"),
            "PORTAL_RULES": str(rules),
            "PORTAL_UPSTREAM_SECONDS": str(UPSTREAM_SECONDS),
            "PORTAL_RESPONSE_LIMIT": str(RESPONSE_LIMIT),
            "OIDC_ISSUER": "http://127.0.0.1:9",
            "ACME_SECRET": "the-secret-of-the-portal",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PYTHONPATH": str(ROOT),
        }
        world = World(home / "portal", platform, free_port(), environment)
        made = subprocess.run([sys.executable, "-c", SEED, json.dumps(PEOPLE)], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        world.people = json.loads(made.stdout.splitlines()[-1])
        world.start()
        try:
            yield world
        finally:
            if world.process is not None and world.process.poll() is None:
                world.stop()


def pause(seconds: float) -> None:
    """Wait for something that is defined by time alone."""
    time.sleep(seconds)
