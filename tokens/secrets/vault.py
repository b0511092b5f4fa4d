"""``vault:mount/path#field``: HashiCorp Vault or OpenBao, KV version 2, signed in by AppRole, with hvac.

The login is renewed when a third of its life is left, and made anew when it cannot be. Role id and secret id are read
from the environment at each login, so that they can be rotated without a restart.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from portal.env import EnvironmentInvalid, env_str
from portal.errors import PortalError
from tokens.secrets import door
from tokens.secrets.values import Secret, SecretUnavailable, unavailable

_lock = threading.Lock()
_login: _Login | None = None


class _Login:
    """A client that is signed in. Times are monotonic seconds."""

    def __init__(self, client: Any, lifetime: float, *, renewable: bool) -> None:
        self.client = client
        self.extend(lifetime, renewable=renewable)

    def extend(self, lifetime: float, *, renewable: bool) -> None:
        now = time.monotonic()
        # Vault says 0 for a token that does not end.
        self.until = now + lifetime if lifetime > 0 else float("inf")
        self.renew_at = now + lifetime * 2 / 3 if lifetime > 0 else float("inf")
        self.renewable = renewable


def read(reference: str, place: str) -> Secret:
    """The newest version of the field. Raises SecretUnavailable."""
    path, _, field = place.partition("#")
    mount, _, path = path.partition("/")
    try:
        import hvac.exceptions  # noqa: PLC0415  (an extra: requirements/extras.txt)
    except ImportError:
        raise unavailable(reference, "the packages of requirements/extras.txt are not installed.") from None
    for last in (False, True):
        login = _signed_in(reference, anew=last)
        try:
            document = login.client.secrets.kv.v2.read_secret_version(path=path, mount_point=mount, raise_on_deleted_version=True)
        except hvac.exceptions.Forbidden:
            if last:
                raise unavailable(reference, "Vault does not let this portal's role read it.") from None
            # The login may have been revoked: one new one tells.
        except (hvac.exceptions.VaultError, PortalError, ValueError) as error:
            raise unavailable(reference, _reason(error)) from None
        else:
            return _field(reference, document, field)
    raise AssertionError("the second attempt returns or raises")


def forget() -> None:
    """Sign in again at the next question."""
    global _login
    with _lock:
        _login = None


def _field(reference: str, document: Any, field: str) -> Secret:
    try:
        value, version = document["data"]["data"][field], document["data"]["metadata"]["version"]
    except (KeyError, TypeError):
        raise unavailable(reference, "there is no such field.") from None
    if not isinstance(value, str):
        raise unavailable(reference, "the field is not text.")
    return Secret(value, str(version))


def _signed_in(reference: str, *, anew: bool) -> _Login:
    """The login of this process, renewed or made where needed. One thread does it; the others wait and use it."""
    global _login
    with _lock:
        now = time.monotonic()
        if _login is not None and not anew and now < _login.until and (now < _login.renew_at or _renewed(_login)):
            return _login
        _login = None
        _login = _sign_in(reference)
        return _login


def _renewed(login: _Login) -> bool:
    import hvac.exceptions  # noqa: PLC0415

    if not login.renewable:
        return False
    try:
        auth = login.client.auth.token.renew_self()["auth"]
        login.extend(float(auth["lease_duration"]), renewable=bool(auth["renewable"]))
    except (hvac.exceptions.VaultError, PortalError, KeyError, TypeError, ValueError):
        return False
    return True


def _sign_in(reference: str) -> _Login:
    import hvac  # noqa: PLC0415

    try:
        address, namespace = env_str("VAULT_ADDR"), env_str("VAULT_NAMESPACE")
        mount, role_id, secret_id = env_str("VAULT_APPROLE_MOUNT", "approle"), env_str("VAULT_ROLE_ID"), env_str("VAULT_SECRET_ID")
    except EnvironmentInvalid as error:
        raise unavailable(reference, f"{error}.") from None
    if not address or not role_id or not secret_id:
        raise unavailable(reference, "VAULT_ADDR, VAULT_ROLE_ID and VAULT_SECRET_ID must be set.")
    if not door.is_safe_address(address):
        raise unavailable(reference, "VAULT_ADDR must be an https address: secrets travel there.")
    client = hvac.Client(url=address, token="", namespace=namespace or None, session=_session())
    try:
        auth = client.auth.approle.login(role_id=role_id, secret_id=secret_id, mount_point=mount)["auth"]
        return _Login(client, float(auth["lease_duration"]), renewable=bool(auth["renewable"]))
    except (hvac.exceptions.InvalidRequest, hvac.exceptions.Forbidden):
        raise unavailable(reference, "Vault does not know this portal's role id and secret id.") from None
    except (hvac.exceptions.VaultError, PortalError, KeyError, TypeError, ValueError) as error:
        raise unavailable(reference, _reason(error)) from None


def _reason(error: Exception) -> str:
    """What failed, in words of ours: hvac's texts repeat addresses and what the server said."""
    if isinstance(error, PortalError) and not isinstance(error, SecretUnavailable):
        return error.detail
    name = type(error).__name__
    return {"InvalidPath": "there is no such secret, or it was deleted.", "VaultDown": "Vault is sealed or down."}.get(
        name, f"Vault answered in a way that cannot be used ({name})."
    )


def _session() -> Any:
    """A session of requests, as hvac wants one, that sends through the door."""
    import requests  # noqa: PLC0415, TID251  (it builds messages here; the door sends them)
    from requests.adapters import BaseAdapter  # noqa: PLC0415, TID251

    class Door(BaseAdapter):
        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            body = request.body or b""
            answer = door.send(
                "Vault", request.method, request.url, dict(request.headers), body.encode() if isinstance(body, str) else bytes(body)
            )
            response = requests.Response()
            response.status_code, response.url, response.request = answer.status, request.url, request
            response.headers.update(dict(answer.headers))
            response._content = answer.body
            return response

        def close(self) -> None:
            """The door keeps the connections."""

    session = requests.Session()
    session.trust_env = False
    for prefix in ("https://", "http://"):
        session.mount(prefix, Door())
    return session
