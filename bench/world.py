"""What the benchmarks run against: an upstream, the portal of ``make run`` with the document and rules added, and Prism."""

from __future__ import annotations

import contextlib
import http.client
import http.cookies
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

from demo.repositories import git, make_documents_repository, make_rules_repository
from demo.world import World, open_world

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
START_SECONDS = 180.0
# After the ready line the worker reads once more and the demo platform prepares its documents: not what is measured.
SETTLE_SECONDS = 10.0


class NotMeasured(Exception):
    """Why a part of the benchmarks cannot run here."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[str], what: str) -> float:
    """Seconds until ``port`` takes connections."""
    started = time.perf_counter()
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return time.perf_counter() - started
        if process.poll() is not None or time.perf_counter() - started > START_SECONDS:
            raise NotMeasured(f"{what} did not start")
        time.sleep(0.05)


@contextlib.contextmanager
def upstream(document: Path) -> Iterator[int]:
    """The API that everything calls in the end."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.upstream", str(port), str(document)], cwd=ROOT, text=True)
    try:
        wait_for(port, process, "the upstream")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


@dataclass(frozen=True, slots=True)
class Portal:
    """A running portal and an access key of the platform team."""

    base: str
    key: str


@contextlib.contextmanager
def portal(document: Path, upstream_port: int) -> Iterator[Portal]:
    """``python -m demo`` with the document under ``github/rest/v3`` and rules that let it be called as fast as it goes."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        add_to_world(open_world(home), document, upstream_port)
        port = free_port()
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "OIDC_", "DJANGO_"))}
        process = subprocess.Popen(
            [sys.executable, "-m", "demo"],
            cwd=ROOT,
            env=environment | {"PORTAL_HOME": str(home), "PORT": str(port)},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("Portal ready"):
                    break
            else:
                raise NotMeasured("the portal did not start: " + "".join(lines))
            base = f"http://127.0.0.1:{port}"
            key = access_key(base)
            time.sleep(SETTLE_SECONDS)
            yield Portal(base, key)
        finally:
            process.terminate()
            process.wait(timeout=30)
            if process.stdout is not None:
                process.stdout.close()


def add_to_world(world: World, document: Path, upstream_port: int) -> None:
    """Commit the document and the rules for it, as a person would."""
    make_documents_repository(world)
    make_rules_repository(world)
    with tempfile.TemporaryDirectory() as name:
        documents, rules = Path(name) / "documents", Path(name) / "rules"
        git("clone", "--quiet", "--branch", "staging", str(world.documents_repository), str(documents), folder=Path(name))
        (documents / "github" / "rest" / "v3").mkdir(parents=True)
        shutil.copy(document, documents / "github" / "rest" / "v3" / "openapi.json")
        git("clone", "--quiet", "--branch", "main", str(world.rules_repository), str(rules), folder=Path(name))
        places = (rules / "environments.yaml").read_text()
        place = f'{{base_url: "http://127.0.0.1:{upstream_port}", networks: [127.0.0.1/32]}}'
        (rules / "environments.yaml").write_text(f"{places}\n  github:\n    title: GitHub\n    at:\n      staging: {place}\n")
        access = (rules / "access.yaml").read_text()
        (rules / "access.yaml").write_text(access.replace("per_minute: 200", "per_minute: 100000"))
        for folder, branch in ((documents, "staging"), (rules, "main")):
            git("add", "--all", folder=folder)
            git("commit", "--quiet", "--message", "For the benchmarks", folder=folder)
            git("push", "--quiet", "origin", branch, folder=folder)


class Browser:
    """Just enough of one to sign in."""

    def __init__(self) -> None:
        self.cookies: dict[tuple[str, str], str] = {}

    def send(self, method: str, url: str, body: str | None = None, headers: dict[str, str] | None = None) -> tuple[int, str, str, str]:
        """Status, address, location and text, redirects not followed."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        try:
            jar = "; ".join(f"{name}={value}" for (host, name), value in self.cookies.items() if host == parts.netloc)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request(method, path, body=body, headers={"Cookie": jar} | (headers or {}))
            response = connection.getresponse()
            for line in response.headers.get_all("Set-Cookie") or []:
                for name, morsel in http.cookies.SimpleCookie(line).items():
                    self.cookies[parts.netloc, name] = morsel.value
            return response.status, url, response.headers.get("Location", ""), response.read().decode()
        finally:
            connection.close()

    def follow(self, url: str) -> tuple[str, str]:
        """Address and text at the end of the redirects."""
        for _ in range(10):
            status, here, location, text = self.send("GET", url)
            if status not in {301, 302, 303}:
                return here, text
            url = urljoin(here, location)
        raise NotMeasured("signing in leads nowhere")


def access_key(base: str) -> str:
    """Sign in as the platform team and make an access key."""
    browser = Browser()
    address, page = browser.follow(f"{base}/oidc/authenticate/?next=/keys")
    fields = {name: unescape(value) for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    _, _, location, _ = browser.send("POST", urljoin(address, "/sign-in"), urlencode(fields | {"account": "platform"}), form)
    browser.follow(urljoin(address, location))
    csrf = next(value for (_, name), value in browser.cookies.items() if name == "portal-csrf")
    headers = {"Content-Type": "application/json", "X-CSRFToken": csrf, "Referer": base, "Origin": base}
    status, _, _, text = browser.send("POST", f"{base}/api/v1/access-keys", json.dumps({"name": "bench"}), headers)
    if status != 201:
        raise NotMeasured(f"no access key: {status} {text[:200]}")
    return str(json.loads(text)["key"])


def node_program(name: str, what: str) -> Path:
    """A peer that runs on Node, installed when it is not there yet."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise NotMeasured(f"Node is not on this machine, so {what} is left out")
    program = HERE / "node_modules" / ".bin" / name
    if not program.exists():
        installed = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, capture_output=True, text=True)
        if installed.returncode:
            raise NotMeasured(f"{what} could not be installed, so it is left out")
    return program


@contextlib.contextmanager
def prism(document: Path, upstream_port: int) -> Iterator[tuple[str, float]]:
    """Prism as a validating proxy; yields its address and the seconds it took to start."""
    program = node_program("prism", "Prism")
    port = free_port()
    process = subprocess.Popen(
        [str(program), "proxy", str(document), f"http://127.0.0.1:{upstream_port}", "--port", str(port), "--host", "127.0.0.1"],
        cwd=HERE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield f"http://127.0.0.1:{port}", wait_for(port, process, "Prism")
    finally:
        process.terminate()
        process.wait(timeout=20)
