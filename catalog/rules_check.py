"""environments.yaml, sources.yaml and access.yaml → ``Rules``, with every finding at its file and line.

An error refuses the whole set; warnings are shown. Grammar: CONTRACT, "Rules".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from catalog import rules_places
from catalog.rules import FILES, Environment, Platform, PlatformAt, RuleFinding, Rules, Source
from catalog.rules_principals import PrincipalReader, name_allowed, scope_allowed, secret_reference
from catalog.rules_yaml import Reader, suggestion
from identity.access import ROLES, Grant

RESERVED_SOURCE = "rules"  # the rules repository itself, in the list of sources
MAX_PATTERNS = 50  # of one source
TEXT_TAG = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Reading:
    """``rules`` are complete only when ``sound``."""

    rules: Rules
    findings: tuple[RuleFinding, ...]

    @property
    def sound(self) -> bool:
        return not any(one.level == "error" for one in self.findings)


def read_directory(path: Path, *, production: bool = False) -> Reading:
    """Rules as they lie in a directory of this machine. A file that is not there is a finding, and so is a source at a
    local path where no repository is."""
    files = {name: (path / name).read_text(encoding="utf-8", errors="replace") for name in FILES if (path / name).is_file()}
    return read(files, production=production, look=True)


def read(files: Mapping[str, str], *, commit: str = "", production: bool = False, look: bool = False) -> Reading:
    """Rules from the text of the three files. ``production`` refuses loopback places and local repositories; ``look``
    looks whether a local repository is where a source says."""
    readers = {name: Reader(name) for name in FILES}
    roots: dict[str, yaml.Node | None] = {}
    for name, reader in readers.items():
        if name not in files:
            reader.say("missing-file", f"{name} is not there.")
        roots[name] = reader.document(files[name]) if name in files else None
    first = _Environments(readers[FILES[0]], production)
    environments, platforms = first.read(roots[FILES[0]])
    names = [one.name for one in environments]
    sources = _read_sources(readers[FILES[1]], roots[FILES[1]], names, production=production, look=look)
    grants = _read_access(readers[FILES[2]], roots[FILES[2]], environments, platforms)
    findings = tuple(
        sorted((one for reader in readers.values() for one in reader.findings), key=lambda one: (FILES.index(one.file), one.line or 0))
    )
    return Reading(Rules(tuple(environments), platforms, sources, tuple(grants), commit), findings)


@dataclass(slots=True)
class _Environments:
    """environments.yaml."""

    reader: Reader
    production: bool

    def read(self, root: yaml.Node | None) -> tuple[list[Environment], dict[str, Platform]]:
        top = self.reader.mapping(root, "environments.yaml", ("environments", "platforms"))
        environments = []
        for name, (key, node) in self.reader.mapping(top["environments"][1] if "environments" in top else None, "environments").items():
            fields = self.reader.mapping(node, f"environment {name}", ("title", "protected"))
            title = self.reader.string(fields["title"][1], "title", limit=60) if "title" in fields else name.title()
            protected = self.reader.boolean(fields["protected"][1], "protected") if "protected" in fields else False
            if name_allowed(self.reader, key, name, "Environment"):
                environments.append(Environment(name, title or name, bool(protected)))
        if root is not None and not environments:
            self.reader.say("no-environment", "At least one environment must be named.", root)
        names = [one.name for one in environments]
        platforms = {}
        for name, (key, node) in self.reader.mapping(top["platforms"][1] if "platforms" in top else None, "platforms").items():
            if name_allowed(self.reader, key, name, "Platform"):
                platforms[name] = self._platform(name, node, names)
        return environments, platforms

    def _platform(self, name: str, node: yaml.Node, environments: list[str]) -> Platform:
        fields = self.reader.mapping(node, f"platform {name}", ("title", "at"))
        title = self.reader.string(fields["title"][1], "title", limit=100) if "title" in fields else name
        at = {}
        for environment, (key, place) in self.reader.mapping(fields["at"][1] if "at" in fields else None, f"{name}.at").items():
            if environment not in environments:
                self.reader.say("unknown-environment", f"{environment!r} is no environment.{suggestion(environment, environments)}", key)
                continue
            found = self._place(name, environment, key, place)
            if found is not None:
                at[environment] = found
        return Platform(name, title or name, at)

    def _place(self, platform: str, environment: str, key: yaml.Node, node: yaml.Node) -> PlatformAt | None:
        what = f"{platform} in {environment}"
        fields = self.reader.mapping(node, what, ("base_url", "per_second", "networks", "token"))
        if "base_url" not in fields:
            self.reader.say("missing-key", f"{what} needs a base_url.", key)
            return None
        address = self.reader.string(fields["base_url"][1], "base_url")
        networks = tuple(
            value
            for item, value in (self.reader.strings(fields["networks"][1], "networks") if "networks" in fields else [])
            if self._judge(rules_places.network_problem(value, production=self.production), item)
        )
        if address is None or not self._judge(
            rules_places.base_url_problem(address, networks, production=self.production), fields["base_url"][1]
        ):
            return None
        per_second = None
        if "per_second" in fields:
            per_second = self.reader.integer(fields["per_second"][1], "per_second", minimum=1, maximum=100_000)
        reader = PrincipalReader(self.reader, self.production)
        principals, bound_by = reader.token(fields["token"][1], what) if "token" in fields else ((), "platform")
        mock = address == "mock:"
        if mock and principals:
            self.reader.say(
                "mock-token", f"{what} is answered by the portal; its token is never used.", fields["token"][0], level="warning"
            )
        if address.startswith("http://") and principals:
            self.reader.say("clear-token", f"{what} would receive tokens over http, in clear.", fields["base_url"][1], level="warning")
        return PlatformAt(platform, environment, address.rstrip("/"), per_second, networks, () if mock else principals, bound_by)

    def _judge(self, problem: str, node: yaml.Node) -> bool:
        if problem:
            self.reader.say("place", problem, node)
        return not problem


def _read_sources(reader: Reader, root: yaml.Node | None, environments: list[str], *, production: bool, look: bool) -> dict[str, Source]:
    top = reader.mapping(root, "sources.yaml", ("sources",))
    found = {}
    for name, (key, node) in reader.mapping(top["sources"][1] if "sources" in top else None, "sources").items():
        fields = reader.mapping(node, f"source {name}", ("git", "branches", "include", "push_secret"))
        if name == RESERVED_SOURCE:
            reader.say("name", f"{RESERVED_SOURCE!r} is the name of the rules repository itself.", key)
            continue
        missing = [one for one in ("git", "branches") if one not in fields]
        if missing:
            reader.say("missing-key", f"source {name} needs {' and '.join(missing)}.", key)
            continue
        address = reader.string(fields["git"][1], "git")
        problem = rules_places.git_problem(address, production=production) if address is not None else ""
        if address is not None and look and not problem:
            problem = rules_places.repository_problem(address)
        if problem:
            reader.say("git", problem, fields["git"][1])
        branches = _read_branches(reader, fields["branches"][1], name, environments)
        include = _read_include(reader, fields["include"][1]) if "include" in fields else ()
        push_secret = (secret_reference(reader, fields["push_secret"][1], "push_secret") or "") if "push_secret" in fields else ""
        if push_secret.startswith(("vault:", "aws:")):
            reader.say("secret", "push_secret is read at every notification: name env:NAME or file:/path.", fields["push_secret"][1])
            push_secret = ""
        if name_allowed(reader, key, name, "Source") and address is not None and not problem:
            found[name] = Source(name, address, branches, include, push_secret)
    return found


def _read_include(reader: Reader, node: yaml.Node) -> tuple[str, ...]:
    found = []
    items = reader.strings(node, "include")
    if len(items) > MAX_PATTERNS:
        reader.say("include", f"include has {len(items)} patterns; at most {MAX_PATTERNS} are read.", node)
        return ()
    for item, pattern in items:
        problem = rules_places.include_problem(pattern) if item.tag == TEXT_TAG else "An item of include must be text; write it in quotes."
        if problem:
            reader.say("include", problem, item)
        else:
            found.append(pattern)
    return tuple(found)


def _read_branches(reader: Reader, node: yaml.Node, source: str, environments: list[str]) -> dict[str, str]:
    found = {}
    for environment, (key, value) in reader.mapping(node, f"branches of {source}").items():
        branch = reader.string(value, "branch", limit=255)
        if environment not in environments:
            reader.say("unknown-environment", f"{environment!r} is no environment.{suggestion(environment, environments)}", key)
        elif branch is not None and (problem := rules_places.branch_problem(branch)):
            reader.say("branch", problem, value)
        elif branch is not None:
            found[environment] = branch
    if not found:
        reader.say("missing-key", f"source {source} names no usable branch.", node)
    return found


def _read_access(reader: Reader, root: yaml.Node | None, environments: list[Environment], platforms: Mapping[str, Platform]) -> list[Grant]:
    top = reader.mapping(root, "access.yaml", ("groups",))
    groups = reader.mapping(top["groups"][1] if "groups" in top else None, "groups")
    if root is not None and not groups:
        reader.say("no-group", "No group is named: nobody could do anything.", root, level="warning")
    return [_read_group(reader, name, key, node, environments, platforms) for name, (key, node) in groups.items()]


def _read_group(
    reader: Reader,
    name: str,
    key: yaml.Node,
    node: yaml.Node,
    environments: list[Environment],
    platforms: Mapping[str, Platform],
) -> Grant:
    fields = reader.mapping(node, f"group {name}", ("role", "environments", "write", "per_minute", "scopes"))
    if not name.strip() or len(name) > 200:
        reader.say("name", "A group's name has 1 to 200 characters.", key)
    if "role" not in fields:
        reader.say("missing-key", f"group {name} needs a role.", key)
    role = reader.choice(fields["role"][1], "role", ROLES) if "role" in fields else None
    allowed = _known_environments(reader, fields, "environments", [one.name for one in environments])
    if "write" in fields:
        write = _known_environments(reader, fields, "write", [one.name for one in environments])
        for item, environment in reader.strings(fields["write"][1], "write"):
            if environment in write and environment not in allowed:
                reader.say("write", f"group {name} may not use {environment!r}, so it cannot write there.", item)
    else:
        write = frozenset(one.name for one in environments if one.name in allowed and not one.protected)
    per_minute = reader.integer(fields["per_minute"][1], "per_minute", minimum=1, maximum=100_000) if "per_minute" in fields else None
    scopes = _group_scopes(reader, fields["scopes"][1], platforms) if "scopes" in fields else {}
    return Grant(name, role or ROLES[0], allowed, write, per_minute, scopes)


def _known_environments(reader: Reader, fields: Mapping[str, tuple[yaml.Node, yaml.Node]], key: str, known: list[str]) -> frozenset[str]:
    found = set()
    for item, environment in reader.strings(fields[key][1], key) if key in fields else []:
        if environment in known:
            found.add(environment)
        else:
            reader.say("unknown-environment", f"{environment!r} is no environment.{suggestion(environment, known)}", item)
    return frozenset(found)


def _group_scopes(reader: Reader, node: yaml.Node, platforms: Mapping[str, Platform]) -> dict[str, frozenset[str]]:
    found = {}
    for platform, (key, value) in reader.mapping(node, "scopes").items():
        if platform not in platforms:
            reader.say("unknown-platform", f"{platform!r} is no platform.{suggestion(platform, platforms)}", key)
            continue
        ceiling = frozenset().union(*(at.ceiling for at in platforms[platform].at.values()))
        allowed = [(item, scope) for item, scope in reader.strings(value, "scopes") if scope_allowed(reader, item, scope)]
        for item, scope in allowed:
            if ceiling and scope not in ceiling:
                reader.say(
                    "unused-scope", f"No principal of {platform} holds {scope!r}.{suggestion(scope, ceiling)}", item, level="warning"
                )
        found[platform] = frozenset(scope for _, scope in allowed)
    return found
