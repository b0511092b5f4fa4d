"""``python -m demo``, whole: ready when it says so, nothing left behind however it ends, state kept."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.provider import Browser
from tests.demo.running import ROOT, Demo, demo, environment, free_port, processes_of, wait_until_gone

pytestmark = pytest.mark.slow


def refused(home: Path, port: int, **more: str) -> str:
    """Start ``python -m demo`` where it must refuse, and return its one sentence."""
    done = subprocess.run(
        [sys.executable, "-m", "demo"], cwd=ROOT, env=environment(home, port, **more), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for the tests that only look at it or start another beside it."""
    with demo(tmp_path_factory.mktemp("demo")) as here:
        yield here


def test_at_the_ready_line_a_page_can_be_used(running: Demo) -> None:
    """Not a health check alone: the home page leads to a sign-in form that has its buttons."""
    browser = Browser()
    home = browser.send("GET", f"{running.url}/")
    assert home.status == 302
    location = home.location
    for _ in range(4):
        answer = browser.send("GET", location if location.startswith("http") else running.url + location)
        if answer.status == 200:
            break
        origin = running.url if location.startswith(("/", running.url)) else "/".join(location.split("/")[:3])
        location = answer.location if answer.location.startswith("http") else origin + answer.location
    assert 'name="account" value="developer"' in answer.text


def test_it_listens_on_loopback_only(running: Demo) -> None:
    inodes: dict[str, str] = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":  # LISTEN
            inodes[fields[9]] = fields[1].split(":")[0]
    addresses: set[str] = set()
    for process in processes_of(running.home):
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                if (target := str(descriptor.readlink())).startswith("socket:["):
                    addresses.add(inodes.get(target[8:-1], ""))
    assert addresses - {""} == {"0100007F"}


def test_nothing_secret_is_readable_by_others_and_none_is_printed(running: Demo) -> None:
    secrets = [line.split("=", 1)[1] for line in (running.home / "portal.env").read_text().splitlines() if "SECRET" in line]
    assert len(secrets) == 5
    assert not any(secret in line for secret in secrets for line in running.lines)
    for log in (running.home / "logs").iterdir():
        assert not any(secret in log.read_text(errors="replace") for secret in secrets)
    for name in ("portal.env", "demo/world.json", "demo/identity-key.pem", "demo/identity-secret-key"):
        assert (running.home / name).stat().st_mode & 0o077 == 0


def test_a_second_one_on_the_same_home_is_refused(running: Demo) -> None:
    assert "A portal is already running on" in refused(running.home, free_port())


def test_a_busy_port_is_refused(running: Demo, tmp_path: Path) -> None:
    assert f"Port {running.port} is already in use" in refused(tmp_path, running.port)


def test_production_is_refused(tmp_path: Path) -> None:
    assert "development only" in refused(tmp_path, free_port(), PORTAL_ENVIRONMENT="production")


def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "PORTAL_HOME cannot be written" in refused(tmp_path / "file" / "home", free_port())


def test_a_path_without_git_is_refused(tmp_path: Path) -> None:
    assert "git was not found" in refused(tmp_path, free_port(), PATH=str(tmp_path))


def test_ctrl_c_ends_everything_and_a_restart_keeps_the_state_and_follows_the_port(tmp_path: Path) -> None:
    with demo(tmp_path) as first:
        world = (tmp_path / "demo" / "world.json").read_text()
        # What a terminal does at Ctrl-C: the signal goes to the whole foreground group.
        os.killpg(first.process.pid, signal.SIGINT)
        assert first.wait() == 0
        assert wait_until_gone(tmp_path, 3.0) == {}
    started = time.monotonic()
    with demo(tmp_path) as second:
        assert second.port != first.port
        assert time.monotonic() - started < 60
        assert (tmp_path / "demo" / "world.json").read_text() == world
        assert f"Making the demo world in {tmp_path}" not in second.lines
        browser = Browser()
        asked = browser.send("GET", f"{second.url}/oidc/authenticate/?next=/")
        assert f"127.0.0.1%3A{second.port}" in asked.location
        assert browser.send("GET", asked.location).location.startswith("/sign-in")
        assert second.end(signal.SIGTERM) == 0
        assert wait_until_gone(tmp_path, 3.0) == {}
        for port in (first.port, second.port):
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_killed_supervisor_takes_everything_with_it(tmp_path: Path) -> None:
    with demo(tmp_path) as running:
        running.process.kill()
        running.wait()
        assert wait_until_gone(tmp_path) == {}


@pytest.mark.parametrize(("part", "title"), [("serve", "The web server"), ("demo.identity_provider", "The identity provider")])
def test_a_part_that_dies_is_named_and_everything_stops(tmp_path: Path, part: str, title: str) -> None:
    with demo(tmp_path) as running:
        (victim,) = [process for process, command in processes_of(tmp_path).items() if f" {part} " in f"{command} "]
        os.kill(victim, signal.SIGKILL)
        assert running.wait() == 1
        assert running.lines[-1].startswith(f"{title} was ended by SIGKILL, so everything was stopped.")
        assert wait_until_gone(tmp_path, 3.0) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_make_alone_ends_everything(tmp_path: Path, number: int) -> None:
    """A script that started ``make run`` knows the id of make only; make itself passes neither SIGINT nor SIGKILL on."""
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"run:\n\t@cd {ROOT} && exec {sys.executable} -m demo\n")
    home = tmp_path / "home"
    port = free_port()
    with (tmp_path / "output").open("w+") as output:
        make = subprocess.Popen(
            ["make", "-f", str(makefile), "run"],
            env=environment(home, port),
            stdout=output,
            stderr=output,
            start_new_session=True,
            # A script's background job starts with SIGINT ignored, and hands that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        try:
            deadline = time.monotonic() + 120
            while f"Portal ready: http://127.0.0.1:{port}" not in (tmp_path / "output").read_text():
                assert make.poll() is None and time.monotonic() < deadline, (tmp_path / "output").read_text()
                time.sleep(0.2)
            make.send_signal(number)
            make.wait(timeout=30)
            assert wait_until_gone(home) == {}
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(make.pid, signal.SIGKILL)
            make.wait()
