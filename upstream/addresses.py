"""Which addresses the portal may open a connection to.

The table is our own because ``ipaddress.is_global`` answers another question: it is true for cloud metadata services
(168.63.129.16, 192.0.0.192), for ``::127.0.0.1``, NAT64, 6to4 and multicast. An address is judged where it is dialled,
never as it was spelled: ``0177.1``, ``2130706433`` and ``①②⑦.⓪.⓪.①`` all resolve to 127.0.0.1.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from django.conf import settings

from upstream.messages import origin_of

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class Kind(Enum):
    """What an address is to us."""

    PUBLIC = "public"
    PRIVATE = "private"  # reachable when the target's ``networks`` list it
    LOOPBACK = "loopback"  # reachable in development only
    NEVER = "never"  # metadata services, link-local, multicast, unspecified, tunnels that hide another address


_NEVER = (
    "0.0.0.0/8",
    "100.100.100.200/32",  # metadata (Alibaba)
    "168.63.129.16/32",  # metadata (Azure)
    "169.254.0.0/16",  # link-local, metadata
    "192.0.0.0/24",  # protocol assignments, metadata (Oracle)
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.175.48.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "fd00:ec2::254/128",  # metadata (AWS)
    "fd20:ce::254/128",  # metadata (Google)
)
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_PRIVATE = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "192.0.2.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "fc00::/7",
    "2001:db8::/32",
)
# Of IPv6 only global unicast is public, less what tunnels or is reserved inside it.
_PUBLIC_V6 = "2000::/3"
_PUBLIC_V6_EXCEPT = ("2001::/23", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
_MAPPED_V4 = ipaddress.IPv6Network("::ffff:0:0/96")


def _networks(ranges: Sequence[str]) -> tuple[IPNetwork, ...]:
    return tuple(ipaddress.ip_network(text) for text in ranges)


NEVER, LOOPBACK, PRIVATE = _networks(_NEVER), _networks(_LOOPBACK), _networks(_PRIVATE)
PUBLIC_V6, PUBLIC_V6_EXCEPT = ipaddress.IPv6Network(_PUBLIC_V6), _networks(_PUBLIC_V6_EXCEPT)


def _within(address: IPAddress, networks: Sequence[IPNetwork]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


@lru_cache(maxsize=4096)
def classify(text: str) -> Kind:
    """The kind of a numeric address. Raises ValueError when it is not one. A scope id makes it ``NEVER``."""
    address: IPAddress = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return Kind.NEVER
        if address in _MAPPED_V4:
            return classify(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
    if _within(address, NEVER):
        return Kind.NEVER
    if _within(address, LOOPBACK):
        return Kind.LOOPBACK
    if _within(address, PRIVATE):
        return Kind.PRIVATE
    if address.version == 6 and (address not in PUBLIC_V6 or _within(address, PUBLIC_V6_EXCEPT)):
        return Kind.NEVER
    return Kind.PUBLIC


@dataclass(frozen=True, slots=True)
class Reach:
    """The addresses a target may be reached at."""

    networks: tuple[str, ...]
    allow_loopback: bool

    def refusal(self, address: str, port: int) -> str:
        """Why ``address`` may not be dialled, in words; "" when it may."""
        try:
            kind = classify(address)
        except ValueError:
            return f"{address!r} is not an address."
        if kind is Kind.PUBLIC:
            return ""
        if kind is Kind.NEVER:
            return f"{address} is link-local, a metadata service, multicast or reserved; nothing may be sent there."
        if (address, port) in own_listeners():
            return f"{address} port {port} is the portal's own."
        if kind is Kind.LOOPBACK:
            return "" if self.allow_loopback else f"{address} is this machine itself (loopback)."
        if _within(_plain(address), _parsed(self.networks)):
            return ""
        return f"{address} is not public, and the rules list no network that holds it for this target (networks:)."


@lru_cache(maxsize=256)
def _parsed(networks: tuple[str, ...]) -> tuple[IPNetwork, ...]:
    return tuple(ipaddress.ip_network(text, strict=False) for text in networks)


def _plain(text: str) -> IPAddress:
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=1)
def own_listeners() -> frozenset[tuple[str, int]]:
    """Where the portal itself, its database and its Redis listen, as far as the settings name addresses of this machine."""
    loopback = ("127.0.0.1", "::1")
    found = {(address, settings.PORT) for address in loopback}
    for url, default in ((settings.DATABASE_URL, 5432), (settings.REDIS_URL, 6379)):
        if "://" not in url:
            continue
        _scheme, host, port = origin_of(url)
        chosen = default if port == 80 else port
        found |= {(address, chosen) for address in (loopback if host in {"", "localhost", *loopback} else (host,))}
    return frozenset(found)
