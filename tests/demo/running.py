"""A real ``python -m demo`` in a PORTAL_HOME of its own, and what it leaves behind."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 240.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, port: int, **more: str) -> dict[str, str]:
    """What a person's shell would hand to ``make run``: nothing of the test suite's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "OIDC_", "DJANGO_", "PYTEST", "COV_"))}
    return kept | {"PORTAL_HOME": str(home), "PORT": str(port)} | more


def processes_of(home: Path) -> dict[int, str]:
    """Every live process that works on ``home``, by its environment: process id → command line."""
    mark = f"PORTAL_HOME={home}".encode()
    found: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0") and (command := (folder / "cmdline").read_bytes()):
                found[int(folder.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def wait_until_gone(home: Path, seconds: float = 20.0) -> dict[int, str]:
    """What still works on ``home`` after at most ``seconds``; empty when nothing does."""
    deadline = time.monotonic() + seconds
    while (left := processes_of(home)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


class Demo:
    """A supervisor that was started. ``lines`` is what it printed so far."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo"],
            cwd=ROOT,
            env=environment(home, port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._printed: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._printed.put(line.rstrip("\n"))
        self._printed.put(None)

    def wait_until_ready(self) -> None:
        """Return when the ready line is printed. Fails with everything that was printed when it never comes."""
        deadline = time.monotonic() + READY_SECONDS
        while f"Portal ready: {self.url}" not in self.lines:
            try:
                line = self._printed.get(timeout=max(0.1, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            assert line is not None, "the demo did not get ready:\n" + "\n".join(self.lines)
            self.lines.append(line)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send ``number`` to the supervisor alone and return its exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        status = self.process.wait(timeout=30)
        self._reader.join(timeout=5)
        while not self._printed.empty():
            if (line := self._printed.get()) is not None:
                self.lines.append(line)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@contextlib.contextmanager
def demo(home: Path, port: int | None = None) -> Iterator[Demo]:
    """Start a demo, wait until it can be used, and end it whatever happens."""
    running = Demo(home, port or free_port())
    try:
        running.wait_until_ready()
        yield running
    finally:
        if running.process.poll() is None:
            running.end()
        for process in wait_until_gone(home, 15.0):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
