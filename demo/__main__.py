"""``python -m demo``: the supervisor of ``make run``. Makes the demo world, starts everything, says when it can be used."""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import sys
import time
from pathlib import Path

from demo.repositories import make_documents_repository, make_rules_repository
from demo.supervisor import Child, Stopped, Supervisor
from demo.world import LOOPBACK, DemoRefused, World, lock_home, open_world, port_is_free, write_portal_environment
from portal.env import EnvironmentInvalid, env_choice, env_int, home

START_SECONDS = 90.0
SYNC_SECONDS = 300.0


def say(text: str) -> None:
    print(text, flush=True)


def check(port: int) -> Path:
    """Everything that must be true before anything is started. Raises DemoRefused with one sentence."""
    if env_choice("PORTAL_ENVIRONMENT", ("development", "production")) != "development":
        raise DemoRefused("The demo world runs in development only; PORTAL_ENVIRONMENT says production.")
    if not shutil.which("git"):
        raise DemoRefused("git was not found on the PATH. Install it (for example: apt install git), then try again.")
    place = home()
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = place / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise DemoRefused(
            f"PORTAL_HOME cannot be written: {place} ({error.strerror}). Set PORTAL_HOME to a directory you may write to."
        ) from None
    if not port_is_free(port):
        other = port + 1 if port < 65535 else port - 1
        raise DemoRefused(f"Port {port} is already in use. Stop what listens there, or choose another: make run PORT={other}")
    return place


def get(port: int, path: str, method: str = "GET") -> int:
    """The status of a request on loopback; 0 while nobody answers."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def wait_until_answers(supervisor: Supervisor, title: str, port: int, path: str, wanted: tuple[int, ...]) -> None:
    """Wait for ``path`` to answer as wanted, while everything else stays alive."""
    deadline = time.monotonic() + START_SECONDS
    while (status := get(port, path)) not in wanted:
        supervisor.watch()
        if time.monotonic() > deadline:
            raise DemoRefused(f"{title} did not get ready within {START_SECONDS:.0f} s (last answer: {status or 'none'}).")
        supervisor.asked.wait(0.1)


def finished(supervisor: Supervisor, child: Child, failed: str) -> None:
    """Wait for a preparing step; raise DemoRefused with its last words when it fails."""
    if status := supervisor.finish(child, seconds=SYNC_SECONDS):
        lines = child.log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or [f"status {status}"]
        raise DemoRefused(f"{failed}: {lines[-1][:300]} (all of it: {child.log})")


def first_sync(supervisor: Supervisor) -> None:
    """Read rules and documents now. What is refused is on the Sync page; it does not keep the portal from starting."""
    say("Reading rules and documents")
    child = supervisor.start("The first sync", "demo.prepare", "sync", log="sync")
    status = supervisor.finish(child, seconds=SYNC_SECONDS)
    if status is None:
        say("Reading takes longer than expected and goes on in the background; the Sync page shows how far it is.")
    elif status:
        say("Some documents were refused: the demo ships two broken drafts on purpose. The platform account sees why on the Sync page.")


def bring_up_world(supervisor: Supervisor, world: World) -> None:
    """Start what surrounds the portal, and wait until it answers."""
    supervisor.start("The identity provider", "demo.identity_provider", log="identity")
    supervisor.start("The demo platform", "demo.platform", log="platform")
    wait_until_answers(supervisor, "The identity provider", world.identity_port, "/.well-known/openid-configuration", (200,))
    wait_until_answers(supervisor, "The demo platform", world.platform_port, "/_received", (200,))


def bring_up_portal(supervisor: Supervisor, port: int) -> None:
    """Start the portal itself, and wait until a page can really be used."""
    say("Preparing the database")
    finished(
        supervisor, supervisor.start("The preparation", "demo.prepare", "migrate", log="prepare"), "The database could not be prepared"
    )
    supervisor.start("The worker", "manage", "worker", log="worker")
    supervisor.start("The web server", "manage", "serve", "--host", LOOPBACK, "--port", str(port), log="web")
    first_sync(supervisor)
    wait_until_answers(supervisor, "The portal", port, "/health/ready", (200,))
    wait_until_answers(supervisor, "The portal's home page", port, "/", (200, 302))


def environment_of_children(place: Path, port: int) -> dict[str, str]:
    values = dict(os.environ) | {"PORTAL_HOME": str(place), "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    # Which environment was checked above; a portal.env line must not say otherwise in the children.
    return values | {"PORTAL_ENVIRONMENT": "development"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--world", action="store_true", help="only what surrounds the portal; the portal is started by somebody else")
    options = parser.parse_args()
    try:
        port = env_int("PORT", 8000, minimum=1, maximum=65535)
        place = check(port)
        with lock_home(place):
            new = not (place / "demo" / "world.json").exists()
            if new:
                say(f"Making the demo world in {place}")
            world = open_world(place)
            make_documents_repository(world)
            make_rules_repository(world)
            write_portal_environment(world, port=port)
            supervisor = Supervisor(place, environment_of_children(place, port))
            try:
                bring_up_world(supervisor, world)
                if options.world:
                    say(f"Demo world ready; its settings are in {place / 'portal.env'}")
                else:
                    bring_up_portal(supervisor, port)
                    # Only now, so that the platform and the first sync do not compete for the processor.
                    get(world.platform_port, "/_warm", "POST")
                    say(f"Portal ready: http://{LOOPBACK}:{port}")
                    say("Sign in as developer, architect, platform or nobody. Ctrl-C stops everything.")
                supervisor.run()
            except Stopped:
                say("Stopping")
            finally:
                supervisor.stop()
    except (DemoRefused, EnvironmentInvalid) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
