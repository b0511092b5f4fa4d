"""The identity provider in its own process, and a browser that signs in at it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import http.cookies
import json
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from demo.world import World, open_world
from tests.demo.running import ROOT, environment


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def location(self) -> str:
        return self.headers["location"]


@dataclass
class Browser:
    """Cookies and requests, nothing followed by itself."""

    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, url: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Answer:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=15)
        try:
            fields = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
            if form is not None:
                fields["Content-Type"] = "application/x-www-form-urlencoded"
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request(method, path, body=urlencode(form) if form is not None else None, headers=fields | (headers or {}))
            response = connection.getresponse()
            text = response.read().decode()
            for line in response.headers.get_all("Set-Cookie") or []:
                for name, morsel in http.cookies.SimpleCookie(line).items():
                    self.cookies[name] = morsel.value
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, text)
        finally:
            connection.close()

    def submit(self, page: Answer, url: str, **fields: str) -> Answer:
        """Submit the form of ``page`` to ``url`` with its hidden fields."""
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        return self.send("POST", url, {name: unescape(value) for name, value in hidden.items()} | fields)


@dataclass
class Provider:
    """A provider that runs. ``portal_port`` is where it believes the portal to be."""

    world: World
    portal_port: int

    @property
    def redirect_uri(self) -> str:
        return f"http://127.0.0.1:{self.portal_port}/oidc/callback/"

    def authorize_url(self, challenge: str, *, method: str = "S256", **more: str) -> str:
        query = {
            "client_id": "portal",
            "response_type": "code",
            "scope": "openid profile email",
            "redirect_uri": self.redirect_uri,
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": challenge,
            "code_challenge_method": method,
        }
        return f"{self.world.issuer}/oauth/authorize?{urlencode(query | more)}"

    def sign_in(self, browser: Browser, account: str, url: str) -> Answer:
        """Follow ``url`` to the sign-in form, press the button of ``account``, and come back to the portal's address."""
        asked = browser.send("GET", url)
        assert asked.status == 302, asked.text
        form_url = self.world.issuer + asked.location
        chosen = browser.submit(browser.send("GET", form_url), f"{self.world.issuer}/sign-in", account=account)
        assert chosen.status == 302, chosen.text
        return browser.send("GET", self.world.issuer + chosen.location)

    def token(self, client: str, **form: str) -> Answer:
        basic = base64.b64encode(f"{client}:{self.world.secrets[client]}".encode()).decode()
        return Browser().send("POST", f"{self.world.issuer}/oauth/token", form, {"Authorization": f"Basic {basic}"})

    def machine_token(self, client: str, scope: str = "") -> str:
        """A token of a service principal."""
        answer = self.token(client, grant_type="client_credentials", **({"scope": scope} if scope else {}))
        assert answer.status == 200, answer.text
        return str(answer.json["access_token"])


def proof() -> tuple[str, str]:
    """A PKCE verifier with its S256 challenge."""
    verifier = secrets.token_urlsafe(48)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def code_of(answer: Answer) -> str:
    return parse_qs(urlsplit(answer.location).query)["code"][0]


@contextlib.contextmanager
def identity_provider(home: Path, portal_port: int) -> Iterator[Provider]:
    """Run ``python -m demo.identity_provider`` for ``home``."""
    world = open_world(home)
    with (home / "identity.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo.identity_provider"], cwd=ROOT, env=environment(home, portal_port), stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                if Browser().send("GET", f"{world.issuer}/.well-known/openid-configuration").status == 200:
                    break
            assert process.poll() is None and time.monotonic() < deadline, (home / "identity.log").read_text()[-2000:]
            time.sleep(0.1)
        yield Provider(world, portal_port)
    finally:
        process.terminate()
        process.wait(timeout=15)
