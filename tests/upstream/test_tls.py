"""The address is pinned, the name is still the one the certificate must be for."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal.errors import UpstreamFailed, UpstreamTimeout
from tests.upstream.peers import OK
from upstream import breaker, connections
from upstream.client import send
from upstream.messages import Answer, Limits, Outgoing, Target

NAME = "api.platform.test"
NOW = datetime.datetime.now(datetime.UTC)
QUICK = Limits(connect=0.5, first_byte=1.0, total=2.0)


def certificate(folder: Path, name: str, *, days: int = 1) -> tuple[Path, Path]:
    """A certificate for ``name`` that vouches for itself, and its key; ``days`` below zero is in the past."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    ends = NOW + datetime.timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - datetime.timedelta(days=2))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return paths


def call(pair: tuple[Path, Path] | None, monkeypatch: pytest.MonkeyPatch, trusted: Path | None) -> tuple[Answer, list[str]]:
    """Call https://NAME, which resolves to a server on loopback; also the names it was asked for (SNI)."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1" if host == NAME else host, *rest, **more))
    if trusted is not None:
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            await writer.drain()
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def work() -> Answer:
        context = None
        if pair is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*pair)
            context.sni_callback = lambda _socket, name, _context: asked.append(str(name))
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        base = f"https://{NAME}:{server.sockets[0].getsockname()[1]}"
        try:
            return await send(Target("tls", base, allow_loopback=True), Outgoing("GET", base + "/", []), limits=QUICK)
        finally:
            await connections.close_all()
            server.close()
            await asyncio.sleep(0.05)
            breaker.reset()

    return asyncio.run(work()), asked


def test_the_name_is_asked_for_and_checked_though_the_address_is_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = certificate(tmp_path, NAME)
    answer, asked = call(pair, monkeypatch, trusted=pair[0])
    assert (answer.status, asked) == (200, [NAME])


@pytest.mark.parametrize(("name", "days", "trust"), [("other.platform.test", 1, True), (NAME, -1, True), (NAME, 1, False)])
def test_a_certificate_that_does_not_vouch_for_the_name_is_refused(
    name: str, days: int, trust: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = certificate(tmp_path, name, days=days)
    with pytest.raises(UpstreamFailed, match="certificate") as caught:
        call(pair, monkeypatch, trusted=pair[0] if trust else None)
    assert caught.value.code == "upstream_unreachable"


def test_a_handshake_that_never_comes_is_a_timeout_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UpstreamTimeout, match="connection"):
        call(None, monkeypatch, trusted=None)


def test_old_protocol_versions_are_not_spoken() -> None:
    context: Any = connections.tls_context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
