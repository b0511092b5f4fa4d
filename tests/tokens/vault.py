"""A stand-in for Vault: AppRole, token renewal and KV version 2 as its HTTP API has them, nothing more. Each thread of a test may ask it."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeVault:
    def __init__(self) -> None:
        self.url = ""
        self.role_id, self.secret_id = "role-1", "secret-id-1"
        self.values: dict[str, list[dict[str, Any] | None]] = {}  # mount/path -> versions; None is a deleted one
        self.tokens: dict[str, float] = {}  # -> monotonic end
        self.lease_duration, self.renewable = 3600, True
        self.sealed = False
        self.body: bytes | None = None  # answered to everything instead
        self.delay = 0.0
        self.asked: list[tuple[str, str]] = []
        self.namespaces: set[str | None] = set()

    def put(self, path: str, **fields: Any) -> None:
        self.values.setdefault(path, []).append(fields)

    def answer(self, method: str, path: str, token: str, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        time.sleep(self.delay)
        self.asked.append((method, path))
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if (method, path) in {("POST", "/v1/auth/approle/login"), ("PUT", "/v1/auth/approle/login")}:
            if (sent.get("role_id"), sent.get("secret_id")) != (self.role_id, self.secret_id):
                return 400, {"errors": ["invalid role or secret ID"]}
            token = f"hvs.{secrets.token_urlsafe(12)}"
            return 200, self._auth(token)
        if self.tokens.get(token, 0.0) <= time.monotonic():
            return 403, {"errors": ["permission denied", "invalid token"]}
        if path == "/v1/auth/token/renew-self":
            return (200, self._auth(token)) if self.renewable else (400, {"errors": ["lease is not renewable"]})
        mount, _, rest = path.removeprefix("/v1/").partition("/data/")
        versions = self.values.get(f"{mount}/{rest}")
        if versions is None:
            return 404, {"errors": []}
        metadata = {"version": len(versions), "created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": False}
        if versions[-1] is None:
            return 404, {"data": {"data": None, "metadata": metadata | {"deletion_time": "2026-01-02T00:00:00Z"}}}
        return 200, {"request_id": "1", "lease_id": "", "data": {"data": versions[-1], "metadata": metadata}}

    def _auth(self, token: str) -> dict[str, Any]:
        self.tokens[token] = time.monotonic() + self.lease_duration
        return {"auth": {"client_token": token, "lease_duration": self.lease_duration, "renewable": self.renewable, "policies": ["portal"]}}


@contextmanager
def serve() -> Iterator[FakeVault]:
    fake = FakeVault()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = json.loads(self.rfile.read(length) or b"{}") if length else {}
            fake.namespaces.add(self.headers.get("X-Vault-Namespace"))
            status, document = fake.answer(self.command, self.path.partition("?")[0], self.headers.get("X-Vault-Token", ""), sent)
            body = json.dumps(document).encode() if fake.body is None else fake.body
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = handle_any

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
