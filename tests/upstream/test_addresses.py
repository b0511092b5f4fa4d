from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstream.addresses import Kind, Reach, classify
from upstream.connections import AddressRefused, JudgingResolver

PUBLIC_ONLY = Reach((), allow_loopback=False)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", Kind.PUBLIC),
        ("100.63.255.254", Kind.PUBLIC),
        ("100.64.0.1", Kind.PRIVATE),
        ("100.127.255.254", Kind.PRIVATE),
        ("100.128.0.1", Kind.PUBLIC),
        ("10.1.2.3", Kind.PRIVATE),
        ("172.15.255.255", Kind.PUBLIC),
        ("172.16.0.1", Kind.PRIVATE),
        ("172.32.0.1", Kind.PUBLIC),
        ("192.168.1.1", Kind.PRIVATE),
        ("127.0.0.1", Kind.LOOPBACK),
        ("127.255.255.255", Kind.LOOPBACK),
        ("0.0.0.0", Kind.NEVER),
        ("169.254.169.254", Kind.NEVER),
        ("168.63.129.16", Kind.NEVER),
        ("192.0.0.192", Kind.NEVER),
        ("100.100.100.200", Kind.NEVER),
        ("224.0.0.1", Kind.NEVER),
        ("255.255.255.255", Kind.NEVER),
        ("::1", Kind.LOOPBACK),
        ("::", Kind.NEVER),
        ("::127.0.0.1", Kind.NEVER),
        ("::ffff:127.0.0.1", Kind.LOOPBACK),
        ("::ffff:7f00:1", Kind.LOOPBACK),
        ("::ffff:a9fe:a9fe", Kind.NEVER),
        ("::ffff:10.0.0.1", Kind.PRIVATE),
        ("::ffff:8.8.8.8", Kind.PUBLIC),
        ("::ffff:0:127.0.0.1", Kind.NEVER),
        ("64:ff9b::7f00:1", Kind.NEVER),
        ("64:ff9b:1::1", Kind.NEVER),
        ("2002:7f00:1::", Kind.NEVER),
        ("2001::1", Kind.NEVER),
        ("fe80::1", Kind.NEVER),
        ("fec0::1", Kind.NEVER),
        ("ff02::2", Kind.NEVER),
        ("fd00:ec2::254", Kind.NEVER),
        ("fd12::1", Kind.PRIVATE),
        ("2606:4700:4700::1111", Kind.PUBLIC),
    ],
)
def test_an_address_is_what_the_table_says(address: str, kind: Kind) -> None:
    assert classify(address) is kind


@given(st.ip_addresses(v=6))
def test_no_address_outside_global_unicast_is_public(address: Any) -> None:
    if classify(str(address)) is Kind.PUBLIC:
        assert (int(address) >> 125) == 1 or address.ipv4_mapped is not None


def test_a_listed_network_opens_private_addresses_only() -> None:
    reach = Reach(("10.20.0.0/16", "169.254.0.0/16", "127.0.0.0/8"), allow_loopback=False)
    assert reach.refusal("10.20.1.1", 443) == ""
    assert reach.refusal("::ffff:10.20.1.1", 443) == ""
    assert "networks:" in reach.refusal("10.21.1.1", 443)
    assert reach.refusal("169.254.169.254", 80)
    assert reach.refusal("127.0.0.1", 80)


def test_the_portals_own_listeners_are_refused_even_where_loopback_is_allowed(settings: Any) -> None:
    assert "own" in Reach((), allow_loopback=True).refusal("127.0.0.1", settings.PORT)


@pytest.mark.parametrize("order", [("93.184.215.14", "10.0.0.1"), ("10.0.0.1", "93.184.215.14"), ("2606:4700::1", "fd12::1")])
def test_one_refused_address_refuses_the_name(order: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_arguments: Any) -> list[Any]:
        return [(socket.AF_INET6 if ":" in text else socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, 443)) for text in order]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(AddressRefused):
        asyncio.run(JudgingResolver(PUBLIC_ONLY).resolve("mixed.example", 443))
