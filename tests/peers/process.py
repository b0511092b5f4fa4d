"""Starting and ending the peers: real servers of other people, on loopback, one process for the whole session."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm

HERE = Path(__file__).resolve().parent
SECRET = "peer-secret-4f1c9a7e52b8"  # of every client registered there


@dataclass(frozen=True)
class Peer:
    """A running provider. ``portal_port`` is where it will look for the portal (redirects, back-channel logout)."""

    issuer: str
    portal_port: int
    secret: str = SECRET
    signer_key: str = field(default="", repr=False)  # PEM: of the client "signer", which has no secret

    @property
    def portal(self) -> str:
        return f"http://127.0.0.1:{self.portal_port}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def provider() -> Iterator[Peer]:
    """panva's oidc-provider: sign-in, token endpoint with client credentials, introspection, revocation, back-channel logout."""
    port = free_port()
    portal = f"http://127.0.0.1:{port}"
    key = ec.generate_private_key(ec.SECP256R1())
    options = {
        "secret": SECRET,
        "signer": json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"use": "sig", "kid": "signer-1"},
        "redirect_uris": [f"{portal}/oidc/callback/"],
        "post_logout_redirect_uris": [f"{portal}/signed-out"],
        "backchannel_logout_uri": f"{portal}/oidc/backchannel-logout/",
    }
    process = subprocess.Popen(
        ["node", "provider.mjs", json.dumps(options)], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, "the provider did not start: run it by hand in tests/peers"
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        yield Peer(issuer=json.loads(line)["issuer"], portal_port=port, signer_key=pem)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.terminate()
        process.wait(timeout=10)
