"""Builds the project's own virtual environment, and says in one sentence what stands in the way.

Called by the Makefile: ``python3 requirements/bootstrap.py run|setup|setup-dev [--venv .venv]``. It uses nothing but
the standard library and is written so that a Python as old as 3.6 can read it and say that it is too old.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile

OLDEST_PYTHON = (3, 11)
HERE = os.path.dirname(os.path.abspath(__file__))
FILES = {"run": ("base.txt", "demo.txt"), "setup": ("base.txt", "demo.txt"), "setup-dev": ("base.txt", "demo.txt", "dev.txt")}
STAMP = "installed.json"


class Obstacle(Exception):
    """Something the person at the keyboard must change first. The text is the whole message."""


def check_python() -> None:
    """Refuse a Python that cannot run the portal."""
    if sys.version_info < OLDEST_PYTHON:
        raise Obstacle(
            "Python %d.%d or newer is needed, but %s is %s. Name a newer one: make run PYTHON=python3.12"
            % (OLDEST_PYTHON[0], OLDEST_PYTHON[1], sys.executable or "python3", platform.python_version())
        )


def check_git() -> None:
    """Documents and rules live in Git, so the portal cannot work without it."""
    if not shutil.which("git"):
        raise Obstacle("git was not found on the PATH. Install it (for example: apt install git), then try again.")


def check_port(text: str) -> None:
    """Refuse a PORT that is no port or that somebody listens on."""
    if not (text.isdigit() and 1 <= int(text) <= 65535):
        raise Obstacle("PORT must be a whole number from 1 to 65535, not %r." % text)
    port = int(text)
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
    except PermissionError:
        raise Obstacle("Port %d may only be opened by an administrator. Choose another: make run PORT=8001" % port) from None
    except OSError:
        other = port + 1 if port < 65535 else port - 1
        raise Obstacle("Port %d is already in use. Stop what listens there, or choose another: make run PORT=%d" % (port, other)) from None
    finally:
        probe.close()


def check_home(path: str) -> None:
    """Refuse a PORTAL_HOME in which nothing can be written."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise Obstacle(
            "PORTAL_HOME cannot be written: %s (%s). Set PORTAL_HOME to a directory you may write to." % (path, error.strerror)
        ) from None


def wanted(kind: str) -> "dict[str, str]":
    """The requirement files of ``kind`` with the hash of what each one says."""
    digests = {}
    for name in FILES[kind]:
        with open(os.path.join(HERE, name), "rb") as handle:
            digests[name] = hashlib.sha256(handle.read()).hexdigest()
    return digests


def installed(venv: str) -> "dict[str, str]":
    """What an earlier run put into ``venv``; nothing when it is missing, broken or was interrupted."""
    if not os.path.exists(interpreter(venv)):
        return {}
    try:
        with open(os.path.join(venv, STAMP)) as handle:
            found = json.load(handle)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def interpreter(venv: str) -> str:
    return os.path.join(venv, "bin", "python")


def call(command: "list[str]", failed: str) -> None:
    """Run ``command`` quietly; raise Obstacle with ``failed`` and the last thing it said when it does not succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    if done.returncode:
        lines = [line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
        raise Obstacle("%s: %s" % (failed, lines[-1] if lines else "it said nothing (status %d)" % done.returncode))


def build(venv: str, kind: str) -> None:
    """Make ``venv`` hold exactly what the hashed requirement files of ``kind`` name; nothing to do is instant."""
    need = wanted(kind)
    have = installed(venv)
    if all(have.get(name) == digest for name, digest in need.items()):
        return
    if not have:
        print("Building the virtual environment in %s" % os.path.relpath(venv), flush=True)
        call(
            [sys.executable, "-m", "venv", "--clear", venv],
            "The virtual environment could not be built in %s (on Debian and Ubuntu: apt install python3-venv)" % venv,
        )
    else:
        os.remove(os.path.join(venv, STAMP))
    print("Installing what %s name; the first time takes a minute or two" % " and ".join(sorted(need)), flush=True)
    command = [interpreter(venv), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps"]
    for name in sorted(need):
        command += ["--requirement", os.path.join(HERE, name)]
    call(command, "The packages could not be installed")
    with open(os.path.join(venv, STAMP), "w") as handle:
        # Files an earlier run installed stay installed: `make run` after `make setup-dev` must not undo it.
        json.dump(dict(have, **need), handle, indent=1, sort_keys=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the virtual environment of the portal.")
    parser.add_argument("kind", choices=sorted(FILES))
    parser.add_argument("--venv", default=".venv")
    options = parser.parse_args()
    try:
        check_python()
        check_git()
        if options.kind == "run":
            check_home(os.path.abspath(os.environ.get("PORTAL_HOME") or os.path.join(os.path.dirname(HERE), "var")))
            check_port(os.environ.get("PORT") or "8000")
        build(os.path.abspath(options.venv), options.kind)
    except Obstacle as obstacle:
        print(obstacle, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
