"""The rules of a portal as values: environments, platforms, sources, grants. Pure; read from text by ``rules_check``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from identity.access import Grant

FILES = ("environments.yaml", "sources.yaml", "access.yaml")
MAX_TTL = 7_200  # seconds; P39


@dataclass(frozen=True, slots=True)
class Environment:
    """A stage. ``protected``: unsafe methods need confirmation and a permission that names it."""

    name: str
    title: str
    protected: bool = False


@dataclass(frozen=True, slots=True)
class Principal:
    """A service account of the portal at a platform's token endpoint. ``secret`` is a reference, never the value."""

    name: str
    grant: str  # client_credentials, password, token_exchange
    url: str
    client_id: str
    secret: str  # a reference: env:, file:, vault:, aws:
    scopes: frozenset[str] = frozenset()  # ceiling
    max_ttl: int = MAX_TTL  # seconds
    client_authentication: str = "basic"  # basic, post, private_key_jwt (RFC 7523; the secret is the private key, PEM)
    username: str = ""  # password grant: the access key's id
    password: str = ""  # password grant: reference to the access key's secret
    revocation_url: str = ""  # "" when the platform cannot be told that a token is over
    revocation: str = "rfc7009"  # how it is told: rfc7009, bearer_delete (DELETE with the token itself)
    key_id: str = ""  # private_key_jwt: which key it is
    audience: str = ""  # RFC 8693: where the token is to be used
    resource: str = ""  # RFC 8707
    inject_group: str = ""  # parameters of the token request that carry the person's groups and role; "" for none (P34)
    inject_role: str = ""
    omitted_scope_means: str = "nothing"  # what a server grants that does not say: nothing, as_requested


@dataclass(frozen=True, slots=True)
class PlatformAt:
    """A platform in one environment: where calls go and with which principals."""

    platform: str
    environment: str
    base_url: str  # without a slash at the end; "mock:" when the portal answers itself
    per_second: int | None = None  # shared by everybody
    networks: tuple[str, ...] = ()  # non-public networks the platform may be reached at
    principals: tuple[Principal, ...] = ()  # () = calls carry no token
    scopes_bound_by: str = "platform"  # platform, or portal: the token carries no scopes and the gateway enforces them

    @property
    def mock(self) -> bool:
        return self.base_url == "mock:"

    def principals_covering(self, scopes: Iterable[str]) -> list[Principal]:
        """Those whose ceiling holds all ``scopes``, the smallest ceiling first."""
        wanted = frozenset(scopes)
        return sorted((one for one in self.principals if wanted <= one.scopes), key=lambda one: (len(one.scopes), one.name))

    @property
    def ceiling(self) -> frozenset[str]:
        return frozenset().union(*(one.scopes for one in self.principals))


@dataclass(frozen=True, slots=True)
class Platform:
    name: str
    title: str
    at: Mapping[str, PlatformAt] = field(default_factory=dict)  # environment -> where


@dataclass(frozen=True, slots=True)
class Source:
    """A repository of documents. ``branches``: environment -> branch."""

    name: str
    git: str
    branches: Mapping[str, str]
    include: tuple[str, ...] = ()
    push_secret: str = ""  # env:NAME or file:/path; "" when no Git host may say that something was pushed


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What is wrong with a rules file, and where. ``level`` is error (refused) or warning."""

    rule: str
    level: str
    text: str
    file: str
    line: int | None = None
    column: int | None = None

    def as_dict(self) -> dict[str, str | int | None]:
        return {name: getattr(self, name) for name in ("rule", "level", "text", "file", "line", "column")}

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{place}: {self.level}: {self.text} [{self.rule}]"


@dataclass(frozen=True, slots=True)
class Rules:
    """A sound set of rules. ``environments`` are in promotion order. The empty value is a portal without rules."""

    environments: tuple[Environment, ...] = ()
    platforms: Mapping[str, Platform] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    grants: tuple[Grant, ...] = ()
    commit: str = ""

    def environment(self, name: str) -> Environment | None:
        return next((one for one in self.environments if one.name == name), None)

    @property
    def environment_names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.environments)

    def platform_at(self, platform: str, environment: str) -> PlatformAt | None:
        """Where calls to ``platform`` go in ``environment``; None when the rules name no place."""
        found = self.platforms.get(platform)
        return found.at.get(environment) if found else None
