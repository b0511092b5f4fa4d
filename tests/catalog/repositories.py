"""Git repositories for tests, made with plumbing commands so that any tree can be written."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    **{
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", "Test"), ("EMAIL", "test@test.invalid"))
    },
}


def run(path: Path, *arguments: str, content: bytes | None = None, clock: int | None = None) -> str:
    date = {} if clock is None else {"GIT_AUTHOR_DATE": f"{clock} +0000", "GIT_COMMITTER_DATE": f"{clock} +0000"}
    result = subprocess.run(
        ["git", "--git-dir", str(path), *arguments], input=content, capture_output=True, check=True, env=_ENVIRONMENT | date
    )
    return result.stdout.decode().strip()


def create(path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)], check=True, env=_ENVIRONMENT)
    return path


def blob(path: Path, content: bytes) -> str:
    return run(path, "hash-object", "-w", "--stdin", "--literally", content=content)


def commit(
    path: Path,
    files: Mapping[str, bytes | str | tuple[str, str]],
    *,
    branch: str = "main",
    parent: str | None = "",
    message: str = "change",
    clock: int | None = None,
) -> str:
    """Write a commit whose tree is exactly ``files`` (path → text, or (mode, object id)) and move ``branch`` to it.

    ``parent`` "" continues the branch, None starts a new history.
    """
    lines = []
    for name, content in files.items():
        mode, identifier = content if isinstance(content, tuple) else ("100644", "")
        if not isinstance(content, tuple):
            identifier = blob(path, content.encode() if isinstance(content, str) else content)
        lines.append(f"{mode} {identifier}\t{name}".encode())
    index = path / "test-index"
    index.unlink(missing_ok=True)
    environment = _ENVIRONMENT | {"GIT_INDEX_FILE": str(index)}
    subprocess.run(
        ["git", "--git-dir", str(path), "update-index", "-z", "--index-info"],
        input=b"".join(line + b"\0" for line in lines),
        check=True,
        env=environment,
    )
    tree = subprocess.run(["git", "--git-dir", str(path), "write-tree", "--missing-ok"], capture_output=True, check=True, env=environment)
    before = head(path, branch) if parent == "" else parent
    parents = ["-p", before] if before else []
    made = run(path, "commit-tree", tree.stdout.decode().strip(), *parents, "-m", message, clock=clock)
    run(path, "update-ref", f"refs/heads/{branch}", made)
    return made


def head(path: Path, branch: str) -> str:
    try:
        return run(path, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}")
    except subprocess.CalledProcessError:
        return ""


def tag(path: Path, name: str, target: str, *, clock: int | None = None) -> None:
    run(path, "tag", "-a", "-m", name, name, target, clock=clock)


def delete(path: Path, branch: str) -> None:
    run(path, "update-ref", "-d", f"refs/heads/{branch}")
