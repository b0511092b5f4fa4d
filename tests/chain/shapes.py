"""The two ways to run the portal, each started for real around the same demo world."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis
import requests

from tests.demo.running import environment, free_port

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 120.0


@dataclass
class Portal:
    """A running portal. ``bases`` are its web processes; ``logs`` lie in ``home``."""

    home: Path
    bases: list[str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    redis_port: int = 0

    def stop_redis(self) -> None:
        end(self.processes.pop("redis"))

    def start_redis(self) -> None:
        self.processes["redis"] = start_redis(self.home, self.redis_port)


def run(home: Path, name: str, arguments: list[str], variables: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own, its words in ``home/logs``."""
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / f"{name}.txt").open("ab") as log:
        return subprocess.Popen(
            arguments, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(condition: Callable[[], object], what: str, seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException, OSError, redis.RedisError):
            if condition():
                return
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")


def words(home: Path) -> str:
    """The end of every log, for a failure's report."""
    return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in sorted((home / "logs").glob("*")))


def answers(base: str, path: str = "/health/ready") -> Callable[[], bool]:
    return lambda: requests.get(f"{base}{path}", timeout=5).status_code == 200


@contextlib.contextmanager
def embedded(home: Path) -> Iterator[Portal]:
    """``make run`` without make: one supervisor, SQLite, no services."""
    port = free_port()
    portal = Portal(home, [f"http://127.0.0.1:{port}"])
    portal.processes["demo"] = run(home, "demo", [sys.executable, "-m", "demo"], environment(home, port))
    try:
        wait_for(lambda: "Portal ready" in (home / "logs" / "demo.txt").read_text(), f"the ready line\n{words(home)}")
        yield portal
    finally:
        for process in reversed(portal.processes.values()):
            end(process)


@contextlib.contextmanager
def production(home: Path) -> Iterator[Portal]:
    """The commands of docs/production.md: two web processes, a Celery worker, beat; PostgreSQL and a Redis of our own."""
    ports = [free_port(), free_port()]
    portal = Portal(home, [f"http://127.0.0.1:{port}" for port in ports], redis_port=free_port())
    with temporary_database() as database:
        variables = environment(home, ports[0], DATABASE_URL=database, REDIS_URL=f"redis://127.0.0.1:{portal.redis_port}/0")
        try:
            portal.start_redis()
            portal.processes["world"] = run(home, "world", [sys.executable, "-m", "demo", "--world"], variables)
            wait_for(lambda: "Demo world ready" in (home / "logs" / "world.txt").read_text(), "the demo world")
            for command in (["migrate", "--verbosity", "0"], ["collectstatic", "--noinput", "--verbosity", "0"]):
                subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=variables, check=True, capture_output=True)
            celery = [str(Path(sys.executable).parent / "celery"), "-A", "portal.celery"]
            portal.processes["worker"] = run(home, "worker", [*celery, "worker", "--loglevel", "WARNING", "--concurrency", "3"], variables)
            portal.processes["beat"] = run(home, "beat", [*celery, "beat", "--loglevel", "WARNING"], variables)
            for number, port in enumerate(ports):
                portal.processes[f"web{number}"] = run(home, f"web{number}", web(port), variables)
            for base in portal.bases:
                wait_for(answers(base), f"{base} ready\n{words(home)}")
            yield portal
        finally:
            for process in reversed(portal.processes.values()):
                end(process)


def web(port: int) -> list[str]:
    return [sys.executable, "manage.py", "serve", "--port", str(port)]


def start_redis(home: Path, port: int) -> subprocess.Popen[bytes]:
    server = shutil.which("redis-server")
    assert server, "redis-server is not on this machine"
    process = run(
        home,
        "redis",
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(home)],
        dict(os.environ),
    )
    wait_for(lambda: redis.Redis(port=port).ping(), "Redis", 10)
    return process


@contextlib.contextmanager
def temporary_database() -> Iterator[str]:
    """A database of its own on the server that PORTAL_TEST_DATABASE_URL names."""
    server = os.environ["PORTAL_TEST_DATABASE_URL"]
    name = f"portal_chain_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    try:
        yield server.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
