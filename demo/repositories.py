"""The rules repository and the documents repository of the demo world: real Git, made at first start, bare.

People change them as they would the real ones: clone, edit, commit, push. A document file here may carry marks that
say on which branches a stretch of lines stands; everything outside marks is on all of them::

    #: staging, develop
    deprecated: true
    #: all
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from demo.world import BASE_PATHS, World

HERE = Path(__file__).resolve().parent
# Oldest first: each branch is made on top of the one before, so that a promotion is an ordinary merge.
BRANCH_ORDER = ("main", "staging", "develop")
RELEASES = {"main": "2026.10", "staging": "2026.11-rc.2", "develop": "2026.12-dev"}
MESSAGES = {
    "main": "Integration and contact documents of release 2026.10",
    "staging": "What release 2026.11 changes: event types in, legacy search out, divisions required",
    "develop": "Work in progress: the webhook sample of the handbook, the recording draft",
}
MARK = re.compile(r"^\s*#: *(.+?)\s*$")
# A commit has an author and a date of its own, so that the same content always has the same hash.
IDENTITY = {
    "GIT_AUTHOR_NAME": "Demo platform team",
    "GIT_AUTHOR_EMAIL": "platform-team@portal.example",
    "GIT_COMMITTER_NAME": "Demo platform team",
    "GIT_COMMITTER_EMAIL": "platform-team@portal.example",
}
DATES = {"main": "2026-10-05T09:00:00Z", "staging": "2026-11-02T09:00:00Z", "develop": "2026-11-16T09:00:00Z"}


def git(*arguments: str, folder: Path, **environment: str) -> str:
    """Run git in ``folder`` untouched by the person's own configuration. Raises CalledProcessError with its output."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", "-c", "commit.gpgSign=false", "-c", "core.hooksPath=/dev/null", *arguments],
        cwd=folder,
        env=clean | IDENTITY | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"} | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def for_branch(text: str, branch: str) -> str:
    """``text`` with the lines that stand on ``branch``, without the marks."""
    here = True
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if mark := MARK.match(line):
            names = {name.strip() for name in mark.group(1).split(",")}
            here = "all" in names or branch in names
        elif here:
            lines.append(line)
    return "".join(lines)


def document_files(branch: str) -> dict[str, str]:
    """Path in the documents repository → text, as ``branch`` has it. A file whose marks leave nothing is not there."""
    folder = HERE / "documents"
    texts = {
        str(path.relative_to(folder)): for_branch(path.read_text(encoding="utf-8"), branch) for path in folder.rglob("*") if path.is_file()
    }
    return {path: text for path, text in sorted(texts.items()) if text.strip()}


def rule_files(world: World) -> dict[str, str]:
    """File name → text of the rules, with this world's addresses filled in."""
    places = {
        "@token-url@": f"{world.issuer}/oauth/token",
        "@revocation-url@": f"{world.issuer}/oauth/revoke",
        "@documents@": str(world.documents_repository),
        **{f"@{platform}@": f"{world.platform_url}/{platform}" for platform in BASE_PATHS},
    }
    texts: dict[str, str] = {}
    for path in sorted((HERE / "rules").iterdir()):
        text = path.read_text(encoding="utf-8")
        for place, value in places.items():
            text = text.replace(place, value)
        texts[path.name] = text
    return texts


def make_documents_repository(world: World) -> bool:
    """Make the documents repository unless it is there. True when it was made."""
    if world.documents_repository.exists():
        return False
    with tempfile.TemporaryDirectory(dir=world.folder) as name:
        work = Path(name) / "work"
        work.mkdir()
        git("init", "--quiet", folder=work)
        for branch in BRANCH_ORDER:
            if branch != "main":
                git("checkout", "--quiet", "-b", branch, folder=work)
            commit_files(work, document_files(branch), MESSAGES[branch], date=DATES[branch])
            git("tag", "--annotate", RELEASES[branch], "--message", f"Release {RELEASES[branch]}", folder=work,
                GIT_COMMITTER_DATE=DATES[branch])  # fmt: skip
        publish(work, world.documents_repository, aside=Path(name) / "bare")
    return True


def make_rules_repository(world: World) -> bool:
    """Make the rules repository, or commit this world's addresses into it when they moved. True when it was made."""
    with tempfile.TemporaryDirectory(dir=world.folder) as name:
        work = Path(name) / "work"
        if not world.rules_repository.exists():
            work.mkdir()
            git("init", "--quiet", folder=work)
            commit_files(work, rule_files(world), "Environments, sources and access of the demo world")
            publish(work, world.rules_repository, aside=Path(name) / "bare")
            remember_addresses(world)
            return True
        moved = moved_addresses(world)
        if moved:
            git("clone", "--quiet", "--branch", "main", str(world.rules_repository), str(work), folder=world.folder)
            for path in work.glob("*.y*ml"):
                text = path.read_text(encoding="utf-8")
                for old, new in moved.items():
                    text = text.replace(old, new)
                path.write_text(text, encoding="utf-8")
            if git("status", "--porcelain", folder=work).strip():
                git("commit", "--quiet", "--all", "--message", "The demo world moved to other addresses", folder=work)
                git("push", "--quiet", "origin", "main", folder=work)
        remember_addresses(world)
    return False


def addresses(world: World) -> list[str]:
    return [world.issuer, world.platform_url, str(world.documents_repository)]


def remember_addresses(world: World) -> None:
    (world.folder / "addresses").write_text("\n".join(addresses(world)) + "\n", encoding="utf-8")


def moved_addresses(world: World) -> dict[str, str]:
    """Old address → new one, for those that changed since the rules were last written."""
    try:
        before = (world.folder / "addresses").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {old: new for old, new in zip(before, addresses(world), strict=False) if old != new}


def commit_files(work: Path, files: dict[str, str], message: str, *, date: str | None = None) -> None:
    """Make the work tree hold exactly ``files`` and commit it."""
    for entry in work.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for path, text in files.items():
        target = work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    git("add", "--all", folder=work)
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
    git("commit", "--quiet", "--message", message, folder=work, **dates)


def publish(work: Path, repository: Path, *, aside: Path) -> None:
    """Put a bare copy of ``work`` at ``repository`` in one step, so that an interrupted start leaves none or a whole one."""
    git("clone", "--quiet", "--bare", "--no-local", str(work), str(aside), folder=work)
    git("symbolic-ref", "HEAD", "refs/heads/main", folder=aside)
    git("remote", "remove", "origin", folder=aside)
    aside.rename(repository)
