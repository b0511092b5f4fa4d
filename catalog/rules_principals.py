"""The ``token:`` part of environments.yaml: how the portal gets a platform's tokens, and with which principals."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from catalog import rules_places
from catalog.rules import MAX_TTL, Principal
from catalog.rules_yaml import Entry, Reader

NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,58}[a-z0-9])?")
PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}")
GRANTS = ("client_credentials", "password", "token_exchange", "none")
CHOICES = {
    "client_authentication": ("basic", "post", "private_key_jwt"),
    "omitted_scope_means": ("nothing", "as_requested"),
    "revocation": ("rfc7009", "bearer_delete"),
}
TEXTS = ("url", "client_id", "username", "revocation_url", "key_id", "audience", "resource")
SECRETS = ("secret", "password")
PRINCIPAL_KEYS = ("grant", *TEXTS, *SECRETS, *CHOICES, "scopes", "max_ttl", "inject")
TOKEN_KEYS = (*PRINCIPAL_KEYS, "principals", "scopes_bound_by")
# What a token request means by itself; the person's group or role cannot go there.
RESERVED_PARAMETERS = frozenset(
    [
        "grant_type",
        "scope",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "username",
        "password",
        "assertion",
        "code",
        "code_verifier",
        "redirect_uri",
        "refresh_token",
        "subject_token",
        "subject_token_type",
        "actor_token",
        "actor_token_type",
        "requested_token_type",
        "audience",
        "resource",
        "state",
        "response_type",
        "nonce",
    ]
)


def name_allowed(reader: Reader, node: yaml.Node, name: str, what: str) -> bool:
    """A name of the portal's own: of an environment, a platform, a source, a principal."""
    if NAME.fullmatch(name):
        return True
    reader.say("name", f"{what} name {name!r} must be lower-case letters, digits, - and _, at most 60.", node)
    return False


def secret_reference(reader: Reader, node: yaml.Node, what: str) -> str | None:
    """A reference to a secret, or None with a finding."""
    value = reader.string(node, what)
    if value is None:
        return None
    problem = rules_places.secret_problem(value, what)
    if problem:
        # The text never repeats the value: it may be the secret itself.
        reader.say("secret", problem, node)
        return None
    return value


def scope_allowed(reader: Reader, node: yaml.Node, scope: str) -> bool:
    """Patterns and administrative scopes never load (P29, P37)."""
    if not scope or any(letter in scope for letter in '*?[]{}"\\ \t'):
        reader.say("scope-pattern", f"{scope!r} is a pattern; name each scope.", node)
        return False
    parts = [part.lower() for part in re.split(r"[:./]", scope)]
    if parts[0] == "admin" or parts[-1] in {"admin", "all"}:
        reader.say("scope-admin", f"{scope!r} is an administrative scope; the portal never holds one.", node)
        return False
    return True


@dataclass(slots=True)
class PrincipalReader:
    """Reads one ``token:`` entry; findings go to ``reader``."""

    reader: Reader
    production: bool

    def token(self, node: yaml.Node, what: str) -> tuple[tuple[Principal, ...], str]:
        """The principals, and who bounds their scopes."""
        fields = self.reader.mapping(node, f"token of {what}", TOKEN_KEYS)
        bound_by = "platform"
        if "scopes_bound_by" in fields:
            bound_by = self.reader.choice(fields["scopes_bound_by"][1], "scopes_bound_by", ("platform", "portal")) or bound_by
        if "principals" not in fields:
            one = self._principal("default", fields, node, what)
            return ((one,) if one else ()), bound_by
        shared = {name: entry for name, entry in fields.items() if name in PRINCIPAL_KEYS}
        found = []
        for name, (key, principal) in self.reader.mapping(fields["principals"][1], "principals").items():
            own = self.reader.mapping(principal, f"principal {name}", PRINCIPAL_KEYS)
            one = self._principal(name, shared | own, key, f"{what}, principal {name}")
            if one and name_allowed(self.reader, key, name, "Principal"):
                found.append(one)
        if not found:
            self.reader.say("missing-key", f"token of {what} names no usable principal.", fields["principals"][0])
        return tuple(found), bound_by

    def _principal(self, name: str, fields: dict[str, Entry], at: yaml.Node, what: str) -> Principal | None:
        if "grant" not in fields:
            self.reader.say("missing-key", f"token of {what} needs a grant.", at)
            return None
        grant = self.reader.choice(fields["grant"][1], "grant", GRANTS)
        if grant in {None, "none"}:
            return None
        wanted = ["url", "client_id", "secret", *(("username", "password") if grant == "password" else ())]
        missing = [key for key in wanted if key not in fields]
        if missing:
            self.reader.say("missing-key", f"token of {what} needs {', '.join(missing)}.", at)
            return None
        text = {key: self.reader.string(fields[key][1], key) for key in TEXTS if key in fields}
        secrets = {key: secret_reference(self.reader, fields[key][1], key) for key in SECRETS if key in fields}
        for key in ("url", "revocation_url"):
            address = text.get(key)
            if address is not None:
                problem = rules_places.token_url_problem(address, production=self.production)
                if problem:
                    self.reader.say("place", problem, fields[key][1])
        ttl = self.reader.integer(fields["max_ttl"][1], "max_ttl", minimum=60, maximum=MAX_TTL) if "max_ttl" in fields else MAX_TTL
        chosen = {key: self.reader.choice(fields[key][1], key, choices) for key, choices in CHOICES.items() if key in fields}
        scopes = self.reader.strings(fields["scopes"][1], "scopes") if "scopes" in fields else []
        allowed = frozenset(scope for item, scope in scopes if scope_allowed(self.reader, item, scope))
        injected = self._inject(fields["inject"][1]) if "inject" in fields else {}
        if any(value is None for value in (*text.values(), *secrets.values(), *chosen.values(), ttl, grant)):
            return None
        known = {key: value or "" for key, value in (text | secrets | chosen).items()}
        return Principal(name=name, grant=grant or "", scopes=allowed, max_ttl=ttl or MAX_TTL, **known, **injected)

    def _inject(self, node: yaml.Node) -> dict[str, str]:
        """Which parameters of the token request carry the person's group and role."""
        found: dict[str, str] = {}
        for what, (_, value) in self.reader.mapping(node, "inject", ("group", "role")).items():
            parameter = self.reader.string(value, f"inject.{what}", limit=60)
            if parameter is None:
                continue
            if not PARAMETER.fullmatch(parameter) or parameter.lower() in RESERVED_PARAMETERS or parameter in found.values():
                self.reader.say("parameter", f"{parameter!r} cannot carry the {what}: name a parameter of the platform's own.", value)
                continue
            found[f"inject_{what}"] = parameter
        return found
