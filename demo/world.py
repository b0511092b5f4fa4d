"""What the demo world is made of and where it lies: ports, clients, files. Everything is kept in ``PORTAL_HOME/demo``."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

LOOPBACK = "127.0.0.1"
# The four people of the demo world and their groups at the identity provider.
ACCOUNTS: dict[str, tuple[str, list[str]]] = {
    "developer": ("Dana Developer", ["sandbox-developers"]),
    "architect": ("Ari Architect", ["integration-architects"]),
    "platform": ("Pat Platform", ["platform-team"]),
    "nobody": ("Noor Nobody", []),
}
# Scopes each service principal may ask the token endpoint for. The client ids are those in rules/environments.yaml.
GENESYS_SCOPES = ["integration:read", "webhook:manage", "routing:manage", "analytics:query"]
CXONE_SCOPES = ["openid"]
PRINCIPALS: dict[str, list[str]] = {
    "portal-staging": GENESYS_SCOPES,
    "portal-production": GENESYS_SCOPES,
    "portal-cxone-staging": CXONE_SCOPES,
    "portal-cxone-production": CXONE_SCOPES,
}
SECRET_VARIABLES = {
    "portal-staging": "GENESYS_STAGING_SECRET",
    "portal-production": "GENESYS_PRODUCTION_SECRET",
    "portal-cxone-staging": "CXONE_STAGING_SECRET",
    "portal-cxone-production": "CXONE_PRODUCTION_SECRET",
}
# The platform and environment where each principal's tokens are good.
PRINCIPAL_PLACES = {
    "portal-staging": ("genesys", "staging"),
    "portal-production": ("genesys", "production"),
    "portal-cxone-staging": ("cxone", "staging"),
    "portal-cxone-production": ("cxone", "production"),
}
# The one confidential client people sign in through.
PORTAL_CLIENT = "portal"
# Where the document branches are read from; the same as in rules/sources.yaml.
BRANCHES = {"sandbox": "develop", "staging": "staging", "production": "main"}
# Where each platform's API begins below http://127.0.0.1:<port>/<platform>/<environment>.
BASE_PATHS = {"genesys": "api/v2", "cxone": "incontactapi/services/v33.0"}


class DemoRefused(Exception):
    """The demo world cannot start. The text is one sentence for the person at the keyboard."""


@dataclass(slots=True)
class World:
    """The state that survives a restart. ``secrets`` maps client id to client secret; the file is readable by its owner only."""

    home: Path
    identity_port: int
    platform_port: int
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        return self.home / "demo"

    @property
    def issuer(self) -> str:
        return f"http://{LOOPBACK}:{self.identity_port}"

    @property
    def platform_url(self) -> str:
        return f"http://{LOOPBACK}:{self.platform_port}"

    @property
    def rules_repository(self) -> Path:
        return self.folder / "rules.git"

    @property
    def documents_repository(self) -> Path:
        return self.folder / "documents.git"

    @property
    def identity_database(self) -> Path:
        return self.folder / "identity.sqlite3"

    def save(self) -> None:
        values = asdict(self)
        del values["home"]
        write_private(self.folder / "world.json", json.dumps(values, indent=1) + "\n")


def open_world(home: Path) -> World:
    """The world kept in ``home``, or a new one with free ports and fresh secrets. A port somebody else took is replaced."""
    folder = home / "demo"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        world = read_world(home)
    except FileNotFoundError:
        world = World(home=home, identity_port=0, platform_port=0)
    clients = [PORTAL_CLIENT, *PRINCIPALS]
    world.secrets = {client: world.secrets.get(client) or secrets.token_urlsafe(32) for client in clients}
    world.identity_port = kept_or_free(world.identity_port)
    world.platform_port = kept_or_free(world.platform_port, avoid=world.identity_port)
    world.save()
    return world


def read_world(home: Path) -> World:
    """The world as the supervisor saved it. Raises FileNotFoundError before the first start."""
    path = home / "demo" / "world.json"
    text = path.read_text(encoding="utf-8")
    try:
        return World(home=home, **json.loads(text))
    except (ValueError, TypeError):
        raise DemoRefused(f"{path} cannot be read; remove {path.parent} to make the demo world anew.") from None


def kept_or_free(port: int, *, avoid: int = 0) -> int:
    """``port`` while it can be listened on, otherwise a free one of the system's choice."""
    if port and port_is_free(port):
        return port
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            chosen = int(probe.getsockname()[1])
        if chosen != avoid:
            return chosen


def port_is_free(port: int) -> bool:
    """Whether ``port`` can be listened on, on loopback, right now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def write_private(path: Path, text: str) -> None:
    """Write ``text`` so that only the owner can read it and nobody ever sees half of it."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    aside.replace(path)


def write_portal_environment(world: World, *, port: int) -> None:
    """Put the demo's values into ``PORTAL_HOME/portal.env``; lines somebody added themselves stay as they are."""
    values = {
        "PORT": str(port),
        "PORTAL_RULES": f"{world.rules_repository}#main",
        "OIDC_ISSUER": world.issuer,
        "OIDC_CLIENT_ID": PORTAL_CLIENT,
        "OIDC_CLIENT_SECRET": world.secrets[PORTAL_CLIENT],
        **{SECRET_VARIABLES[client]: world.secrets[client] for client in PRINCIPALS},
    }
    path = world.home / "portal.env"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        lines = ["# Written by the demo world; it renews its own lines at each start and leaves others alone."]
    kept = [line for line in lines if line.partition("=")[0].strip() not in values]
    write_private(path, "\n".join([*kept, *(f"{name}={value}" for name, value in values.items())]) + "\n")


def lock_home(home: Path) -> IO[str]:
    """Hold ``home`` for one supervisor at a time. The lock lives as long as the returned file stays open."""
    handle = (home / "demo.lock").open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise DemoRefused(f"A portal is already running on {home}; stop it first, or set PORTAL_HOME to another directory.") from None
    return handle
