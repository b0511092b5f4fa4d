"""Starts the processes of ``make run``, watches them, and ends all of them together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from demo.starter import Starter
from demo.world import DemoRefused

CODE = Path(__file__).resolve().parent.parent
STOP_SECONDS = 12.0
LOG_BYTES = 10_000_000


class Stopped(Exception):
    """Somebody asked for the end: Ctrl-C, SIGTERM, or the end of the ``make`` that started us."""


@dataclass(slots=True)
class Child:
    """A running process with the name people know it by."""

    title: str
    process: subprocess.Popen[bytes]
    log: Path


class Supervisor:
    """The processes of one ``make run``. Each has a process group of its own, so that its children end with it."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self.environment = environment
        self.children: list[Child] = []
        self.asked = threading.Event()
        self.starter = Starter()
        self.logs = home / "logs"
        self.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Only this process holds the writing end: it closes when we end, in whatever way.
        self.pipe, self._held = os.pipe()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, frame: self.asked.set())

    def start(self, title: str, module: str, *arguments: str, log: str) -> Child:
        """Start ``python -m module``, its output going to ``PORTAL_HOME/logs/<log>.log``."""
        path = self.logs / f"{log}.log"
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".1.log"))
        with path.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "demo.child", str(self.pipe), module, *arguments],
                cwd=CODE,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(self.pipe,),
                start_new_session=True,
            )
        child = Child(title, process, path)
        self.children.append(child)
        return child

    def finish(self, child: Child, *, seconds: float) -> int | None:
        """Wait for a child that ends by itself, while watching the others. None when it is still busy after ``seconds``."""
        deadline = time.monotonic() + seconds
        while (status := child.process.poll()) is None:
            self.watch(besides=child)
            if time.monotonic() > deadline:
                return None
            self.asked.wait(0.05)
        self.children.remove(child)
        end_group(child.process.pid, signal.SIGKILL)
        return status

    def watch(self, *, besides: Child | None = None) -> None:
        """Raise Stopped when asked to stop, DemoRefused when a child has died."""
        if self.asked.is_set() or self.starter.has_ended():
            raise Stopped
        for child in self.children:
            if child is not besides and (status := child.process.poll()) is not None:
                raise DemoRefused(f"{child.title} {ended(status)}, so everything was stopped.{last_words(child.log)}")

    def run(self) -> None:
        """Watch until asked to stop or until a child dies."""
        while True:
            self.watch()
            self.asked.wait(0.2)

    def stop(self) -> None:
        """End every child and whatever it started; those that do not go within a few seconds are killed."""
        self.asked.clear()
        for child in self.children:
            end_group(child.process.pid, signal.SIGTERM, leader_only=True)
        deadline = time.monotonic() + STOP_SECONDS
        while any(child.process.poll() is None for child in self.children) and time.monotonic() < deadline:
            if self.asked.wait(0.05):
                break  # asked a second time: do not wait any longer
        for child in self.children:
            end_group(child.process.pid, signal.SIGKILL)
            child.process.wait()
        self.children.clear()


def end_group(pid: int, number: int, *, leader_only: bool = False) -> None:
    """Send ``number`` to the process group led by ``pid`` (or to the leader alone); nothing left to end is fine."""
    try:
        if leader_only:
            os.kill(pid, number)
        else:
            os.killpg(pid, number)
    except ProcessLookupError:
        return


def ended(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended by itself (status {status})"


def last_words(log: Path) -> str:
    """Where to read on, with the last line of the log."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace")[-4000:].splitlines() if line.strip()]
    return f" Its last words in {log}: {lines[-1][:300]}" if lines else f" It left nothing in {log}."
