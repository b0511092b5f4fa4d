"""What stands in the way of ``make run`` is said in one sentence, and a second build is instant."""

from __future__ import annotations

import ast
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.demo.running import ROOT, free_port

SCRIPT = ROOT / "requirements" / "bootstrap.py"


def bootstrap(
    *arguments: str, python: tuple[str, ...] = (sys.executable, str(SCRIPT)), **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*python, *arguments],
        env=dict(os.environ) | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_python_3_6_can_read_it() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))
    assert "from __future__ import annotations" not in SCRIPT.read_text()


def test_an_old_python_is_named_with_its_version(tmp_path: Path) -> None:
    """The real script under a Python that calls itself 3.9; the annotations are evaluated as an old one would."""
    pretend = f"import sys, runpy; sys.version_info = (3, 9, 2); sys.argv = ['b', 'run', '--venv', {str(tmp_path / 'v')!r}]; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    assert_one_sentence(bootstrap(python=(sys.executable, "-c", pretend)), "Python 3.11 or newer is needed", "make run PYTHON=")


def test_a_really_old_python_is_refused_too(tmp_path: Path) -> None:
    olds = list(Path.home().glob(".pyenv/versions/3.[6-9].*/bin/python3"))
    if not olds:
        pytest.skip("no Python older than 3.10 on this machine")
    for old in olds:
        assert_one_sentence(
            bootstrap("run", "--venv", str(tmp_path / "v"), python=(str(old), str(SCRIPT))), "Python 3.11 or newer is needed"
        )


def test_git_that_is_missing_is_named(tmp_path: Path) -> None:
    assert_one_sentence(bootstrap("setup", "--venv", str(tmp_path / "v"), PATH=str(tmp_path)), "git was not found")


def test_a_busy_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = bootstrap("run", "--venv", str(tmp_path / "v"), PORTAL_HOME=str(tmp_path / "home"), PORT=str(port))
    assert_one_sentence(done, f"Port {port} is already in use", "make run PORT=")


@pytest.mark.parametrize("port", ["0", "70000", "web", "-1", " 80"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    done = bootstrap("run", "--venv", str(tmp_path / "v"), PORTAL_HOME=str(tmp_path / "home"), PORT=port)
    assert_one_sentence(done, "PORT must be a whole number from 1 to 65535")


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    for home in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/portal")):
        done = bootstrap("run", "--venv", str(tmp_path / "v"), PORTAL_HOME=str(home), PORT=str(free_port()))
        assert_one_sentence(done, "PORTAL_HOME cannot be written", str(home))


def test_a_read_only_home_is_named(tmp_path: Path) -> None:
    # Root may write everywhere: the script is run as nobody, from a place nobody can read.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        script = Path(shutil.copy(SCRIPT, place))
        home = Path(place) / "home"
        home.mkdir(mode=0o500)
        command: tuple[str, ...] = (sys.executable, str(script))
        if os.geteuid() == 0:
            command = ("setpriv", "--reuid=65534", "--clear-groups", "--", "/usr/bin/python3", str(script))
        done = bootstrap("run", "--venv", str(tmp_path / "v"), python=command, PORTAL_HOME=str(home), PORT=str(free_port()))
        assert_one_sentence(done, "PORTAL_HOME cannot be written", "Permission denied")


def test_packages_that_are_there_are_not_installed_again(tmp_path: Path) -> None:
    """The stamp names what was installed by the hash of the requirement files; with it a run does nothing at all."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    module_stamp = venv / module.STAMP
    import json

    module_stamp.write_text(json.dumps(module.wanted("setup-dev")))
    started = time.monotonic()
    for kind in ("setup", "setup-dev"):
        done = bootstrap(kind, "--venv", str(venv))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - started < 10
    module_stamp.write_text(json.dumps(module.wanted("setup") | {"base.txt": "of another day"}))
    assert module.installed(str(venv)) != module.wanted("setup")


def test_an_installation_that_fails_says_what_pip_said(tmp_path: Path) -> None:
    copy = tmp_path / "requirements"
    copy.mkdir()
    shutil.copy(SCRIPT, copy)
    for name in ("base.txt", "demo.txt"):
        (copy / name).write_text("no-such-package-of-the-portal==1 --hash=sha256:" + "0" * 64 + "\n")
    done = bootstrap(
        "setup", "--venv", str(tmp_path / "v"), python=(sys.executable, str(copy / "bootstrap.py")), PIP_NO_INDEX="1", PIP_FIND_LINKS=""
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("The packages could not be installed: ")
    assert not (tmp_path / "v" / "installed.json").exists()
