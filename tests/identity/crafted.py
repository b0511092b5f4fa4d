"""A provider that answers exactly what a test tells it: for what a sound one never sends. Sound by default, as its own test shows."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa


class CraftedProvider:
    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"one": rsa.generate_private_key(public_exponent=65537, key_size=2048)}
        self.claims: dict[str, Any] = {}  # put over the sound claims; None removes one
        self.header: dict[str, Any] = {}
        self.userinfo: dict[str, Any] | None = {}  # put over the sound ones; None: there is no such place
        self.token_answer: dict[str, Any] | None = None
        self.token_status = 200
        self.refresh_tokens = False  # lend one with every token answer, a new one each time
        self.discovery: dict[str, Any] = {}
        self.nonce = ""
        self.kid = "one"
        self.asked: list[str] = []
        self.forms: list[dict[str, list[str]]] = []
        self.issuer = ""

    def id_token(self) -> str:
        now = int(time.time())
        sound = {"iss": self.issuer, "aud": "portal", "sub": "ada", "iat": now, "exp": now + 300, "nonce": self.nonce, "name": "Ada"}
        claims = {name: value for name, value in {**sound, **self.claims}.items() if value is not None}
        return jwt.encode(claims, self.keys[self.kid], algorithm="RS256", headers={"kid": self.kid, **self.header})

    def sound_token_answer(self) -> dict[str, Any]:
        lent = {"refresh_token": f"lent-{len(self.forms)}-9c1f"} if self.refresh_tokens else {}
        return {"access_token": "opaque-access", "token_type": "Bearer", "id_token": self.id_token(), **lent}

    def documents(self) -> dict[str, Any]:
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "jwks_uri": f"{self.issuer}/keys",
                "end_session_endpoint": f"{self.issuer}/end",
                **self.discovery,
            },
            "/keys": {
                "keys": [
                    {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig", "alg": "RS256"}
                    for kid, key in self.keys.items()
                ]
            },
            "/userinfo": None if self.userinfo is None else {"sub": "ada", "email": "ada@example.com", **self.userinfo},
            "/token": self.token_answer or self.sound_token_answer(),
        }


@contextmanager
def serve() -> Iterator[CraftedProvider]:
    crafted = CraftedProvider()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            crafted.asked.append(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            if length:
                crafted.forms.append(parse_qs(self.rfile.read(length).decode()))
            document = crafted.documents().get(self.path)
            body = json.dumps(document).encode()
            self.send_response(crafted.token_status if self.path == "/token" else 200 if document is not None else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    crafted.issuer = f"http://127.0.0.1:{server.server_port}"
    try:
        yield crafted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
