"""Files of a commit, read through the git binary: ``GITREF:path``.

No text from outside ever becomes an option or a path of git: the name of the commit is resolved once behind
``--end-of-options``, everything after that is asked for by object id. Nothing is fetched, no hook and no filter runs.
"""

from __future__ import annotations

import posixpath
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from specs.errors import UsageWrong

SECONDS = 60
REGULAR = frozenset(("100644", "100755"))
_OPTIONS = (
    *("--no-optional-locks", "--no-replace-objects", "--literal-pathspecs", "--no-pager"),
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never"),
)


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit of the repository around ``folder``: its id, and its regular files by path from the top."""

    folder: Path
    commit: str
    files: dict[str, str] = field(repr=False)

    def reader(self) -> Callable[[str], bytes | None]:
        """Reads files of the commit by path; links and submodules are not there."""

        def read(path: str) -> bytes | None:
            blob = self.files.get(posixpath.normpath(path))
            return None if blob is None else _git(self.folder, "cat-file", "blob", blob)

        return read


def open_revision(name: str, folder: Path) -> Revision:
    """The commit that ``name`` means in the repository around ``folder``. Raises UsageWrong."""
    if not name or "\0" in name:
        raise UsageWrong("Before the colon stands the name of a commit, as in main:openapi.yaml.")
    try:
        commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").decode().split()[-1]
    except (UsageWrong, IndexError, UnicodeDecodeError):
        raise UsageWrong(f"{name[:80]!r} is not a commit of the repository around {folder}.") from None
    files: dict[str, str] = {}
    for line in _git(folder, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0"):
        about, _tab, path = line.partition(b"\t")
        mode, _kind, blob = ([*about.decode().split(), "", "", ""])[:3]
        if mode in REGULAR:
            files[path.decode("utf-8", "surrogateescape")] = blob
    return Revision(folder, commit, files)


def path_from_top(path: str, folder: Path) -> str:
    """``path`` as git reads it after a colon: from the top of the tree, or from ``folder`` when it starts with a dot."""
    if path.startswith(("./", "../")):
        path = _git(folder, "rev-parse", "--show-prefix").decode().rstrip("\n") + path
    return posixpath.normpath(path)


def _git(folder: Path, *arguments: str) -> bytes:
    binary = shutil.which("git")
    if binary is None:
        raise UsageWrong("git is not installed; name files instead of GITREF:path.")
    try:
        done = subprocess.run(  # noqa: S603 (a fixed command; names from outside stand behind --end-of-options only)
            [binary, *_OPTIONS, *arguments], cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise UsageWrong(f"git took more than {SECONDS} seconds.") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UsageWrong(f"git could not read the repository around {folder}: {said[0][:200] if said else 'no reason given'}.")
    return done.stdout
