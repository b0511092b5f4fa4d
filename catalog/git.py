"""Reading repositories that others write to. Bare mirrors only: no work tree, no hooks, no submodules, no filters.

Commands run with an environment of their own, in their own process group, under a wall clock and a size limit; nothing
that came from a repository is ever an option or a path for git: objects are read by id. Objects come through GitPython,
whose child processes end with the ``Mirror``.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import git

from catalog import rules_places

HEADS, TAGS = "refs/portal/heads/", "refs/portal/tags/"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_GIT = shutil.which("git") or "git"


class GitFailed(Exception):
    """Git could not do it. ``reason`` is a stable word, ``text`` a sentence without secrets."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason  # address, credentials, unreachable, missing, timeout, too_large, broken, busy
        self.text = text


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, bytes and counts of one repository."""

    fetch_seconds: float = 300.0
    command_seconds: float = 60.0
    mirror_bytes: int = 4 << 30
    output_bytes: int = 64 << 20
    entries: int = 100_000
    file_bytes: int = 64 << 20
    path_length: int = 1_000
    depth: int = 40


DEFAULT = Limits()


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree: ``mode`` as git writes it, ``blob`` its object id, ``size`` in bytes."""

    path: str
    mode: str
    blob: str
    size: int

    @property
    def regular(self) -> bool:
        return self.mode in {"100644", "100755"}


@dataclass(frozen=True, slots=True)
class Remote:
    """What the other side offers: branch → commit, tag → object, and the branch its HEAD names."""

    heads: dict[str, str]
    tags: dict[str, str]
    default: str


class Mirror:
    """A bare copy of one repository. Use it as a context: one process at a time holds it.

    ``production`` refuses local and loopback addresses. ``beat`` is called now and then while git works; what it raises
    ends git. Every method raises GitFailed.
    """

    def __init__(self, url: str, *, root: Path, production: bool, limits: Limits = DEFAULT, beat: Callable[[], None] | None = None) -> None:
        problem = rules_places.git_problem(url, production=production)
        if problem:
            raise GitFailed("address", problem)
        self.url, self.production, self.limits, self._beat = url, production, limits, beat
        self.path = root / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.git"
        self._home = root / "home"
        self._lock: int | None = None
        self._repository: git.Repo | None = None

    # --- Holding it ----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Mirror:
        self._home.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            self._lock = None
            raise GitFailed("busy", "Another process is reading this repository.") from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close_repository()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _close_repository(self) -> None:
        if self._repository is not None:
            self._repository.close()
            self._repository = None

    def _prepare(self) -> None:
        """A mirror that git can use. What a killed process left behind goes: the lock says that nobody else is here."""
        if not (self.path / "HEAD").is_file():
            shutil.rmtree(self.path, ignore_errors=True)
            self._run(["init", "--quiet", "--bare", "--template=", str(self.path)], inside=False)
            return
        for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/**/tmp_obj_*", "objects/tmp_objdir-incoming-*"):
            for left in self.path.glob(pattern):
                shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)

    # --- The other side ------------------------------------------------------------------------------------------------

    def remote(self) -> Remote:
        """Branches and tags of the other side, without fetching anything."""
        output = self._run(["ls-remote", "--symref", "--", self.url, "HEAD", "refs/heads/*", "refs/tags/*"], inside=False, network=True)
        heads: dict[str, str] = {}
        tags: dict[str, str] = {}
        default = ""
        for line in output.decode("utf-8", "replace").splitlines():
            left, _, name = line.partition("\t")
            if left.startswith("ref: refs/heads/") and name == "HEAD":
                default = left.removeprefix("ref: refs/heads/")
            elif name.startswith("refs/heads/") and _COMMIT.fullmatch(left):
                heads[name.removeprefix("refs/heads/")] = left
            elif name.startswith("refs/tags/") and not name.endswith("^{}") and _COMMIT.fullmatch(left):
                tags[name.removeprefix("refs/tags/")] = left
        return Remote(heads, tags, default)

    def fetch(self, branches: Sequence[str]) -> dict[str, str | None]:
        """Bring ``branches`` and the tags here; branch → commit, None for a branch the other side does not have.

        Nothing is fetched when nothing changed. A mirror that turns out broken is made anew, once.
        """
        remote = self.remote()
        wanted = [name for name in dict.fromkeys(branches) if name in remote.heads]
        try:
            self._fetch(wanted, remote)
        except GitFailed as error:
            if error.reason != "broken":
                raise
            self._close_repository()
            shutil.rmtree(self.path, ignore_errors=True)
            self._fetch(wanted, remote)
        here = self._references(HEADS)
        return {name: here.get(name) if name in wanted else None for name in branches}

    def _fetch(self, wanted: Sequence[str], remote: Remote) -> None:
        self._prepare()
        heads, tags = self._references(HEADS), self._references(TAGS)
        if all(heads.get(name) == remote.heads[name] for name in wanted) and tags == remote.tags:
            return
        refspecs = [f"+refs/heads/{name}:{HEADS}{name}" for name in wanted]
        if not refspecs and not remote.tags:
            return
        self._run(
            ["fetch", "--quiet", "--no-tags", "--prune", "--no-recurse-submodules", "--no-write-fetch-head", "--refmap=", "--no-auto-gc"]
            + ["--", self.url, *refspecs, f"+refs/tags/*:{TAGS}*"],
            network=True,
        )
        self._close_repository()

    # --- What lies here ------------------------------------------------------------------------------------------------

    def _references(self, prefix: str) -> dict[str, str]:
        output = self._run(["for-each-ref", "--format=%(objectname)%09%(refname)", prefix])
        pairs = (line.partition("\t") for line in output.decode("utf-8", "replace").splitlines())
        return {name.removeprefix(prefix): commit for commit, _, name in pairs}

    def release(self, commit: str) -> str:
        """The newest tag that lies on ``commit`` or before it; "" when there is none."""
        _assert_id(commit)
        output = self._run(["for-each-ref", "--sort=-creatordate", "--count=1", f"--merged={commit}", "--format=%(refname)", TAGS])
        name = output.decode("utf-8", "replace").strip().removeprefix(TAGS)
        return name[:255] if name.isprintable() else ""

    def follows(self, old: str, new: str) -> bool:
        """True when ``old`` is in the history of ``new``. False also when ``old`` is not here any more."""
        _assert_id(old)
        _assert_id(new)
        try:
            return bool(self._open().is_ancestor(self._open().commit(old), self._open().commit(new)))
        except (ValueError, git.exc.GitError, git.exc.BadName):
            return False

    def tree(self, commit: str) -> list[Entry]:
        """Every entry of the commit's tree. Raises GitFailed ``too_large`` past the limits on number, length and depth."""
        _assert_id(commit)
        output = self._run(["ls-tree", "-r", "-z", "--long", "--full-tree", commit])
        found: list[Entry] = []
        for record in output.split(b"\0"):
            if not record:
                continue
            if len(found) >= self.limits.entries:
                raise GitFailed("too_large", f"The tree holds more than {self.limits.entries} files.")
            meta, _, raw = record.partition(b"\t")
            mode, _, blob, size = meta.decode("ascii").split()
            path = raw.decode("utf-8", "backslashreplace")
            if len(path) > self.limits.path_length or path.count("/") > self.limits.depth:
                raise GitFailed("too_large", f"A path is longer than {self.limits.path_length} or deeper than {self.limits.depth}.")
            # A name that is not UTF-8 or holds control characters is kept visible and never read.
            odd = "\\" in path or not path.isprintable()
            found.append(Entry(path, "odd" if odd else mode, blob, int(size) if size.isdigit() else 0))
        return found

    def read(self, entry: Entry) -> bytes:
        """The bytes of a regular file. Its size was checked in the tree, and is checked again."""
        if not entry.regular:
            raise GitFailed("missing", f"{entry.path} is not a regular file.")
        if entry.size > self.limits.file_bytes:
            raise GitFailed("too_large", f"{entry.path} has {entry.size} bytes; the limit is {self.limits.file_bytes}.")
        stream = self._open().odb.stream(bytes.fromhex(entry.blob))
        if stream.type != b"blob" or stream.size > self.limits.file_bytes:
            raise GitFailed("broken", f"{entry.path} is not the blob its tree says.")
        content: bytes = stream.read()
        return content

    def _open(self) -> git.Repo:
        if self._repository is None:
            self._repository = git.Repo(self.path, expand_vars=False)
            self._repository.git.update_environment(**self._environment(network=False), GIT_DIR=str(self.path))
        return self._repository

    # --- Running git ---------------------------------------------------------------------------------------------------

    def _environment(self, *, network: bool) -> dict[str, str]:
        scheme = self.url.partition("://")[0] if "://" in self.url else "file" if self.url.startswith("/") else "ssh"
        return {
            "PATH": f"{Path(_GIT).parent}:{os.defpath}",
            "HOME": str(self._home),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "GIT_ALLOW_PROTOCOL": scheme if network else "",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=10",
        }

    def _settings(self, *, network: bool) -> list[str]:
        settings = ["core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false", "protocol.version=2"]
        settings += ["transfer.fsckObjects=true", "fetch.recurseSubmodules=false", "credential.helper=", "submodule.recurse=false"]
        if network:
            settings += ["http.followRedirects=false", "http.lowSpeedLimit=1000", "http.lowSpeedTime=20", "http.proxy="]
            settings += [f"http.curloptResolve={pin}" for pin in self._pins()]
        return [part for setting in settings for part in ("-c", setting)]

    def _pins(self) -> Iterator[str]:
        """Judge the addresses of an http(s) host once and make git use just those (no rebinding between check and use)."""
        match = re.fullmatch(r"(https?)://(\[[^\]]+\]|[^/:]+)(?::(\d+))?(?:/.*)?", self.url)
        if match is None:
            return
        host, port = match[2].strip("[]"), int(match[3] or (443 if match[1] == "https" else 80))
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise GitFailed("unreachable", f"The name {host} cannot be resolved.") from None
        addresses = sorted({str(answer[4][0]) for answer in answers})
        for address in addresses:
            problem = rules_places.address_problem(address, production=self.production)
            if problem:
                raise GitFailed("address", f"{host} leads to {address}: {problem}")
        if ":" not in host:
            yield f"{host}:{port}:{','.join(f'[{one}]' if ':' in one else one for one in addresses)}"

    def _run(self, arguments: list[str], *, inside: bool = True, network: bool = False) -> bytes:
        """Standard output of one git command. Ends the whole process group at the wall clock or past a size limit."""
        command = [_GIT, *self._settings(network=network), *(["--git-dir", str(self.path)] if inside else []), *arguments]
        deadline = time.monotonic() + (self.limits.fetch_seconds if network else self.limits.command_seconds)
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(  # noqa: S603  (no shell; options are ours, data follows "--" or is an object id)
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=self._environment(network=network),
                cwd=self._home,
                start_new_session=True,
            )
            try:
                self._watch(process, deadline, output.fileno(), network=network)
            finally:
                _end_group(process)
            output.seek(0)
            errors.seek(0)
            if process.returncode != 0:
                raise _failure(errors.read(20_000).decode("utf-8", "replace"), network=network)
            return output.read()

    def _watch(self, process: subprocess.Popen[bytes], deadline: float, output: int, *, network: bool) -> None:
        pause: float = 0.002
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise GitFailed("timeout", "Git took longer than allowed and was ended.")
            if os.fstat(output).st_size > self.limits.output_bytes:
                raise GitFailed("too_large", "Git answered more than allowed and was ended.")
            if network and pause >= 0.2 and _bytes_below(self.path) > self.limits.mirror_bytes:
                raise GitFailed("too_large", f"The repository is larger than {self.limits.mirror_bytes} bytes.")
            if self._beat is not None and pause >= 0.2:
                self._beat()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(pause)
            pause = min(pause * 2, 0.25)


def reader(mirror: Mirror, entries: Sequence[Entry], used: dict[str, str | None]) -> Callable[[str], bytes | None]:
    """What the engine reads files with: only this tree, only regular files. Notes in ``used`` what was asked for:
    path → blob, None where there is no such file."""
    by_path = {entry.path: entry for entry in entries}

    def read(path: str) -> bytes | None:
        entry = by_path.get(path)
        if entry is None or not entry.regular or entry.size > mirror.limits.file_bytes:
            used[path] = None
            return None
        used[path] = entry.blob
        return mirror.read(entry)

    return read


def _assert_id(commit: str) -> None:
    if not _COMMIT.fullmatch(commit):
        raise GitFailed("broken", "That is not the id of a commit.")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _bytes_below(path: Path) -> int:
    total = 0
    for folder, _, names in os.walk(path / "objects"):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += (Path(folder) / name).stat().st_size
    return total


_FAILURES = (
    (
        "credentials",
        r"could not read Username|Authentication failed|Permission denied \(publickey|terminal prompts disabled|HTTP 40[13]|error: 40[13]",
        "The repository wants credentials that the portal does not have.",
    ),
    ("missing", r"not found|does not appear to be a git repository|does not exist", "There is no repository at this address."),
    ("address", r"transport '.*' not allowed|redirect|returned error: 30\d", "The address leads somewhere git may not follow."),
    (
        "unreachable",
        r"Could not resolve|Failed to connect|Connection refused|Connection reset|timed out|Operation too slow|unable to access|hung up",
        "The repository cannot be reached.",
    ),
    ("disk", r"No space left on device|Disk quota exceeded", "There is no room left to fetch into."),
)


def _failure(text: str, *, network: bool) -> GitFailed:
    """Git's complaint as one of our sentences; its own words may hold addresses and stay out of logs."""
    for reason, pattern, sentence in _FAILURES:
        if re.search(pattern, text, re.IGNORECASE):
            return GitFailed(reason, sentence)
    fsck = re.search(r"fsck error in packed object|error in (?:commit|tree|tag|blob) [0-9a-f]+: (\w+)", text)
    if fsck:
        return GitFailed("unsound", "The repository holds objects that git itself calls unsound.")
    return GitFailed("broken", "Git could not read the answer of the other side." if network else "The local copy cannot be read.")
