"""Judging the addresses, references and names that rules may carry. Each function returns what is wrong, or ""."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

# RFC 3986 pieces, narrower on purpose: no userinfo, query, fragment, percent-encoding or number spellings of addresses.
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?P<path>(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]*)*)"
)
# Ports where something listens that misreads HTTP as its own protocol (WHATWG Fetch, "bad port") and stores of our own.
_REFUSED_PORTS = frozenset(
    {1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113}
    | {115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556}
    | {563, 587, 601, 636, 989, 990, 993, 995, 1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 3306, 3389, 3659, 4045, 4190}
    | {5060, 5061, 5432, 5672, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9092, 9200, 10080, 11211, 27017}
)
# Never a platform: link-local and metadata services of clouds, multicast, "this network", and translation ranges.
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32", "192.0.0.192/32", "100.100.100.200/32", "224.0.0.0/3", "fe80::/10"),
        *("fec0::/10", "ff00::/8", "fd00:ec2::254/128", "64:ff9b::/96", "2002::/16", "2001::/32", "::/128", "::ffff:0:0/96", "::/96"),
    )
)
_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
_SECRET = re.compile(r"(?P<kind>env|file|vault|aws):(?P<rest>[^\s]+)")
_VAULT_PLACE = re.compile(r"[A-Za-z0-9_.-]+(?:/(?!\.{1,2}(?:/|#))[A-Za-z0-9_.~-]+)+#[A-Za-z0-9_.-]+")
_AWS_PLACE = re.compile(r"[A-Za-z0-9/_+=.@:-]{1,512}(?:#[A-Za-z0-9_.-]+)?")
_SCP_LIKE = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[A-Za-z0-9._~/-]+")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+@=#-]*")
_PATTERN_LENGTH, _PATTERN_WILDCARDS = 200, 6

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def base_url_problem(value: str, networks: tuple[str, ...], *, production: bool) -> str:
    """A platform's base URL: ``mock:``, or http(s), a plain host, a port that speaks HTTP, a plain path."""
    if value == "mock:":
        return ""
    problem = _http_problem(value, "base_url", production=production)
    if problem:
        return problem
    address = _literal(value)
    if address is None or address.is_global or any(address in one for one in _LOOPBACK):
        return ""
    inside = any(address in ipaddress.ip_network(text) for text in networks)
    return "" if inside else f"base_url names a non-public address; add its network to networks: {address}."


def token_url_problem(value: str, *, production: bool) -> str:
    """Where secrets are sent: https, or http to loopback outside production."""
    problem = _http_problem(value, "url", production=production)
    if not problem and value.startswith("http://") and not _is_loopback(value):
        return "url must be https: the principal's secret travels there."
    return problem


def _http_problem(value: str, what: str, *, production: bool) -> str:
    match = _URL.fullmatch(value)
    if match is None:
        return f"{what} must be https://host[:port][/path] without user, query, fragment or escapes."
    if match["scheme"] not in {"http", "https"}:
        return f"{what} must be https or http, not {match['scheme']}."
    port = int(match["port"]) if match["port"] else None
    if port is not None and (port > 65_535 or port in _REFUSED_PORTS):
        return f"{what} has a port that is not for HTTP: {port}."
    if any(segment in {".", ".."} for segment in match["path"].split("/")):
        return f"{what} must not hold . or .. segments."
    address = _literal(value)
    if address is None:
        return _host_problem(match["host"], what, production=production)
    if any(address in one for one in _NEVER if one.version == address.version) and not any(address in one for one in _LOOPBACK):
        return f"{what} names an address that is never a platform: {address}."
    if production and any(address in one for one in _LOOPBACK):
        return f"{what} names loopback, which only a development installation may reach."
    return ""


def _host_problem(host: str, what: str, *, production: bool) -> str:
    if host.startswith("["):
        return f"{what} holds an IPv6 address that cannot be read."
    labels = host.lower().split(".")
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        return f"{what} spells an address as a number; write four decimal parts."
    if any(not label or len(label) > 63 or label.startswith("-") or label.endswith("-") for label in labels):
        return f"{what} has a host name that cannot exist: {host}."
    if production and (labels[-1] == "localhost"):
        return f"{what} names loopback, which only a development installation may reach."
    return ""


def _literal(value: str) -> Address | None:
    match = _URL.fullmatch(value)
    try:
        return ipaddress.ip_address(match["host"].strip("[]")) if match else None
    except ValueError:
        return None


def _is_loopback(value: str) -> bool:
    match, address = _URL.fullmatch(value), _literal(value)
    return (match is not None and match["host"] == "localhost") or (address is not None and any(address in one for one in _LOOPBACK))


def address_problem(value: str, *, production: bool) -> str:
    """An address a Git host's name resolved to."""
    address = ipaddress.ip_address(value.partition("%")[0])
    if any(address in one for one in _LOOPBACK):
        return "loopback is only reached by a development installation." if production else ""
    if any(address in one for one in _NEVER if one.version == address.version):
        return "that address is never a Git host."
    return ""


def network_problem(value: str, *, production: bool) -> str:
    """A non-public network a platform may be reached at; never one so wide that it means everything."""
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        return f"{value!r} is no network such as 10.20.0.0/16."
    if network.prefixlen < (8 if network.version == 4 else 16):
        return f"{value} is too wide to be one platform's network."
    if any(network.overlaps(one) for one in _LOOPBACK if one.version == network.version):
        return "Loopback is only reached by a development installation." if production else ""
    if any(network.overlaps(one) for one in _NEVER if one.version == network.version):
        return f"{value} holds addresses that are never a platform (link-local, metadata, multicast)."
    return ""


def secret_problem(value: str, what: str) -> str:
    """A secret is named, never written: ``env:NAME``, ``file:/path``, ``vault:mount/path#field``, ``aws:name#field``.

    The text does not repeat what was there.
    """
    match = _SECRET.fullmatch(value)
    if match is None:
        return f"{what} must be a reference such as env:NAME or file:/run/secrets/name, never the value itself."
    if match["kind"] == "env" and not re.fullmatch(r"[A-Z][A-Z0-9_]*", match["rest"]):
        return f"{what} must name an environment variable in capitals: env:NAME."
    if match["kind"] == "file" and (not match["rest"].startswith("/") or "/.." in match["rest"]):
        return f"{what} must name an absolute path: file:/run/secrets/name."
    if match["kind"] == "vault" and not _VAULT_PLACE.fullmatch(match["rest"]):
        return f"{what} must name mount, path and field of a KV version 2 secret: vault:secret/portal/genesys#client_secret."
    if match["kind"] == "aws" and not _AWS_PLACE.fullmatch(match["rest"]):
        return f"{what} must name a secret of AWS Secrets Manager, and a field when it is JSON: aws:portal/genesys#client_secret."
    return ""


def git_problem(value: str, *, production: bool) -> str:
    """A repository address: https, ssh, or (outside production) a local path. Never a helper, an option or a variable."""
    if "$" in value or "\\" in value or value.startswith(("-", "~")) or "::" in value:
        return "git must be a plain address, without variables, helpers or options."
    if value.startswith(("/", "file:")):
        if production:
            return "git names a local repository, which only a development installation reads."
        return "" if value.startswith("/") and "/../" not in f"{value}/" else "git must be an absolute path or an https or ssh address."
    if _SCP_LIKE.fullmatch(value):
        return ""
    user = re.fullmatch(r"ssh://(?:[A-Za-z0-9._-]+@)(?P<rest>.+)", value)
    plain = f"ssh://{user['rest']}" if user else value
    match = _URL.fullmatch(plain)
    if match is None:
        return "git must be https://host/path, ssh://user@host/path or user@host:path, without a password."
    if match["scheme"] == "http":
        return "" if _is_loopback(value) and not production else "git must be https."
    if match["scheme"] not in {"https", "ssh"}:
        return f"git must be https or ssh, not {match['scheme']}."
    if match["scheme"] == "ssh":
        return ""
    return _http_problem(value, "git", production=production)


def repository_problem(value: str) -> str:
    """A local path on this machine: is a Git repository there, bare or with a working tree?"""
    path = Path(value)
    if not path.is_absolute():
        return ""
    bare = (path / "HEAD").is_file() and (path / "objects").is_dir()
    return "" if bare or (path / ".git").exists() else f"git names {value}, where no Git repository is."


def include_problem(value: str) -> str:
    """A pattern of paths below the root of a repository, short enough to be read, with few enough wildcards to be matched."""
    if not value or value.startswith(("/", "!")) or ".." in value.split("/") or "\\" in value:
        return f"{value[:80]!r} must be a pattern below the root of the repository."
    if len(value) > _PATTERN_LENGTH or len(re.findall(r"\*+", value)) > _PATTERN_WILDCARDS:
        return f"{value[:40]!r}… is no pattern: at most {_PATTERN_LENGTH} characters and {_PATTERN_WILDCARDS} wildcards (* or **)."
    return ""


def branch_problem(value: str) -> str:
    """A branch name that git accepts and that cannot be read as anything else."""
    parts = value.split("/")
    odd = not _BRANCH.fullmatch(value) or ".." in value or "@{" in value or value in {"HEAD", "@"}
    if odd or any(not part or part.startswith(".") or part.endswith((".lock", ".")) for part in parts):
        return f"{value!r} is no plain branch name."
    return ""
