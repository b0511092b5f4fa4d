from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from catalog.git import DEFAULT, Entry, GitFailed, Limits, Mirror, reader
from tests.catalog import repositories

REFUSED_ADDRESSES = [
    "ext::sh -c touch% /tmp/owned",
    "fd::3",
    "file:///etc",
    "../x",
    "ssh://-oProxyCommand=x/",
    "--upload-pack=x",
    "-u x",
    "git://host/x",
    "dict://host/",
    "http://u:p@host/",
    "https://user:secret@host/x.git",
    "$HOME",
    "/srv/$HOME/x",
    "https://${AWS_SECRET_ACCESS_KEY}.host/x",
    "https://host/x#y",
    "https://host/../x",
    "https://169.254.169.254/x",
    "https://2130706433/x",
    "https://0x7f.1/x",
    "https://host:22/x",
    "/srv/../etc",
    "~/x",
    "",
]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return repositories.create(tmp_path / "origin.git")


def mirror(repository: Path, tmp_path: Path, limits: Limits = DEFAULT) -> Mirror:
    return Mirror(str(repository), root=tmp_path / "mirrors", production=False, limits=limits)


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_an_address_that_is_more_than_an_address_is_refused_before_git_starts(address: str, tmp_path: Path) -> None:
    with pytest.raises(GitFailed) as caught:
        Mirror(address, root=tmp_path / "mirrors", production=False)
    assert caught.value.reason == "address"
    assert "secret" not in caught.value.text.replace("AWS_SECRET", "")
    assert not (tmp_path / "mirrors").exists()


@pytest.mark.parametrize("address", ["/srv/git/x.git", "http://127.0.0.1:9/x.git", "https://127.0.0.1/x", "http://host/x"])
def test_production_reads_no_local_repository(address: str, tmp_path: Path) -> None:
    with pytest.raises(GitFailed) as caught:
        Mirror(address, root=tmp_path, production=True)
    assert caught.value.reason == "address"


def test_branches_arrive_with_their_files_and_the_newest_tag_names_the_release(repository: Path, tmp_path: Path) -> None:
    first = repositories.commit(repository, {"a.yaml": "openapi: 3.0.3\n"}, clock=1_700_000_000)
    repositories.tag(repository, "1.9.0", first, clock=1_700_000_001)
    second = repositories.commit(repository, {"a.yaml": "openapi: 3.0.3\n", "deep/ü.json": "{}"}, clock=1_700_000_100)
    repositories.tag(repository, "1.10.0", second, clock=1_700_000_101)
    third = repositories.commit(repository, {"a.yaml": "changed"}, branch="staging", parent=second, clock=1_700_000_200)
    with mirror(repository, tmp_path) as held:
        assert held.fetch(["main", "staging", "nowhere"]) == {"main": second, "staging": third, "nowhere": None}
        assert [(entry.path, entry.size) for entry in held.tree(second)] == [("a.yaml", 15), ("deep/ü.json", 2)]
        assert held.read(held.tree(third)[0]) == b"changed"
        assert [held.release(commit) for commit in (first, second, third)] == ["1.9.0", "1.10.0", "1.10.0"]
        assert held.follows(first, third)
        assert not held.follows(third, first)
        assert not held.follows("0" * 40, first)
        assert held.remote().default == "main"


def test_an_unchanged_repository_is_not_fetched_again(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repositories.commit(repository, {"a.yaml": "x"})
    with mirror(repository, tmp_path) as held:
        held.fetch(["main"])
        ran: list[str] = []
        run = held._run

        def counted(arguments: list[str], **options: bool) -> bytes:
            ran.append(arguments[0])
            return run(arguments, **options)

        monkeypatch.setattr(held, "_run", counted)
        held.fetch(["main"])
    assert ran == ["ls-remote", "for-each-ref", "for-each-ref", "for-each-ref"]


def test_a_force_push_and_a_moved_tag_are_followed(repository: Path, tmp_path: Path) -> None:
    old = repositories.commit(repository, {"a.yaml": "old"})
    repositories.tag(repository, "v1", old)
    with mirror(repository, tmp_path) as held:
        held.fetch(["main"])
        new = repositories.commit(repository, {"a.yaml": "new"}, parent=None)
        repositories.run(repository, "tag", "-d", "v1")
        repositories.tag(repository, "v1", new)
        assert held.fetch(["main"]) == {"main": new}
        assert not held.follows(old, new)
        assert held.release(new) == "v1"


def test_only_regular_files_are_read(repository: Path, tmp_path: Path) -> None:
    link = repositories.blob(repository, b"/etc/passwd")
    files: dict[str, bytes | str | tuple[str, str]] = {
        "link.yaml": ("120000", link),
        "module": ("160000", "1" * 40),
        "tool.yaml": ("100755", repositories.blob(repository, b"ok")),
        "a\nb.yaml": "openapi: 3",
    }
    commit = repositories.commit(repository, files)
    with mirror(repository, tmp_path) as held:
        held.fetch(["main"])
        entries = held.tree(commit)
        assert {entry.path: entry.regular for entry in entries} == {
            "link.yaml": False,
            "module": False,
            "tool.yaml": True,
            "a\nb.yaml": False,
        }
        used: dict[str, str | None] = {}
        read = reader(held, entries, used)
        assert [read(path) for path in ("link.yaml", "tool.yaml", "../../etc/passwd", "/etc/passwd")] == [None, b"ok", None, None]
        assert used == {"link.yaml": None, "tool.yaml": entries[-1].blob, "../../etc/passwd": None, "/etc/passwd": None}
        with pytest.raises(GitFailed):
            held.read(next(entry for entry in entries if entry.path == "link.yaml"))


def test_a_large_file_is_refused_by_its_size_in_the_tree(repository: Path, tmp_path: Path) -> None:
    repositories.commit(repository, {"a.yaml": b"x" * 2_000})
    with mirror(repository, tmp_path, Limits(file_bytes=1_000)) as held:
        commit = held.fetch(["main"])["main"]
        assert commit is not None
        with pytest.raises(GitFailed, match="2000 bytes"):
            held.read(held.tree(commit)[0])


def test_a_tree_past_the_limits_is_refused(repository: Path, tmp_path: Path) -> None:
    commit = repositories.commit(repository, {f"{number}.txt": "x" for number in range(20)})
    deep = repositories.commit(repository, {"/".join("d" * 60): "x"}, branch="deep")
    with mirror(repository, tmp_path, Limits(entries=10)) as held:
        held.fetch(["main", "deep"])
        for one in (commit, deep):
            with pytest.raises(GitFailed) as caught:
                held.tree(one)
            assert caught.value.reason == "too_large"


def test_hostile_configuration_inside_a_repository_does_nothing(repository: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    repositories.run(repository, "config", "core.fsmonitor", f"touch {marker}")
    repositories.run(repository, "config", "core.sshCommand", f"touch {marker}")
    hook = repository / "hooks" / "post-update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
    hook.chmod(0o755)
    commit = repositories.commit(repository, {".gitattributes": "* filter=evil\n", ".lfsconfig": "[lfs]\nurl=http://127.0.0.1:1/\n"})
    with mirror(repository, tmp_path) as held:
        assert held.fetch(["main"]) == {"main": commit}
        assert [held.read(entry) for entry in held.tree(commit)][0] == b"* filter=evil\n"
        assert not list(held.path.glob("hooks/*"))
    assert not marker.exists()


def test_variables_of_the_worker_do_not_reach_git(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repositories.commit(repository, {"a.yaml": "x"})
    for name, value in {"GIT_DIR": "/nonexistent", "GIT_OBJECT_DIRECTORY": "/nonexistent", "GIT_SSH_COMMAND": "touch /nonexistent"}.items():
        monkeypatch.setenv(name, value)
    with mirror(repository, tmp_path) as held:
        assert held.fetch(["main"]) == {"main": commit}


def test_one_process_holds_a_mirror_and_what_a_killed_one_left_is_cleared(repository: Path, tmp_path: Path) -> None:
    commit = repositories.commit(repository, {"a.yaml": "x"})
    with mirror(repository, tmp_path) as held:
        held.fetch(["main"])
        with pytest.raises(GitFailed) as caught, mirror(repository, tmp_path):
            pass
        assert caught.value.reason == "busy"
        (held.path / "packed-refs.lock").touch()
        (held.path / "refs/portal/heads/main.lock").touch()
    again = repositories.commit(repository, {"a.yaml": "y"})
    with mirror(repository, tmp_path) as held:
        assert held.fetch(["main"]) == {"main": again}
        for pack in held.path.glob("objects/**/*"):
            if pack.is_file():
                pack.chmod(0o600)
                pack.write_bytes(b"broken")
        third = repositories.commit(repository, {"a.yaml": "z"})
        assert held.fetch(["main"]) == {"main": third}
        assert held.read(held.tree(third)[0]) == b"z"
    assert commit != again


def test_a_host_that_says_nothing_is_ended_by_the_clock_with_its_whole_group(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/x.git"
    started = time.monotonic()
    with Mirror(address, root=tmp_path, production=False, limits=Limits(fetch_seconds=0.7)) as held:
        with pytest.raises(GitFailed) as caught:
            held.remote()
        assert caught.value.reason == "timeout"
        assert time.monotonic() - started < 5
    children = Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/children").read_text().split()
    assert not [child for child in children if "git" in Path(f"/proc/{child}/comm").read_text()]
    listener.close()


def test_a_reading_that_was_taken_over_ends_git(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/x.git"
    beats: list[float] = []

    class TakenOver(Exception):
        pass

    def beat() -> None:
        beats.append(time.monotonic())
        if len(beats) == 3:
            raise TakenOver

    with Mirror(address, root=tmp_path, production=False, beat=beat) as held, pytest.raises(TakenOver):
        held.remote()
    children = Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/children").read_text().split()
    assert not [child for child in children if "git" in Path(f"/proc/{child}/comm").read_text()]
    listener.close()


def serve_once(answer: bytes) -> tuple[str, list[bytes]]:
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        seen.append(connection.recv(65_536))
        connection.sendall(answer)
        connection.close()
        listener.close()

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/x.git", seen


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "address"),
        (b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n", "credentials"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "missing"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nContent-Length: 5\r\n\r\nhello", "broken"),
    ],
)
def test_what_a_host_answers_becomes_one_reason(answer: bytes, reason: str, tmp_path: Path) -> None:
    address, seen = serve_once(answer)
    with Mirror(address, root=tmp_path, production=False) as held, pytest.raises(GitFailed) as caught:
        held.remote()
    assert caught.value.reason == reason
    assert len(seen) == 1


def test_nothing_listening_is_unreachable(tmp_path: Path) -> None:
    probe = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{probe.getsockname()[1]}/x.git"
    probe.close()
    with Mirror(address, root=tmp_path, production=False) as held, pytest.raises(GitFailed) as caught:
        held.remote()
    assert caught.value.reason == "unreachable"


def test_a_path_without_a_repository_is_missing(tmp_path: Path) -> None:
    with mirror(tmp_path / "none", tmp_path) as held, pytest.raises(GitFailed) as caught:
        held.remote()
    assert caught.value.reason == "missing"


def test_ids_are_checked_before_git_sees_them(repository: Path, tmp_path: Path) -> None:
    repositories.commit(repository, {"a.yaml": "x"})
    with mirror(repository, tmp_path) as held:
        held.fetch(["main"])
        for value in ("--all", "HEAD", "main", "../x", "a" * 39):
            with pytest.raises(GitFailed):
                held.tree(value)
        with pytest.raises(GitFailed):
            held.read(Entry("x", "120000", "a" * 40, 1))
