"""``aws:name`` or ``aws:name#field``: AWS Secrets Manager, with boto3. ``field`` is a member of a secret that is a JSON object.

Credentials and region come from boto3's own chain (environment, profile, role of the machine or the pod).
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import Any

import orjson

from portal.errors import PortalError
from tokens.secrets import door
from tokens.secrets.values import Secret, unavailable

_lock = threading.Lock()
_client: Any = None


def read(reference: str, place: str) -> Secret:
    """The current version of the secret. Raises SecretUnavailable."""
    name, _, field = place.partition("#")
    try:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  (an extra: requirements/extras.txt)
    except ImportError:
        raise unavailable(reference, "the packages of requirements/extras.txt are not installed.") from None
    try:
        document = _signed_in().get_secret_value(SecretId=name)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))[:60]
        raise unavailable(reference, f"Secrets Manager refused ({code if code.isalnum() else 'no code'}).") from None
    except BotoCoreError as error:
        raise unavailable(reference, f"Secrets Manager cannot be asked ({type(error).__name__}).") from None
    except PortalError as error:
        raise unavailable(reference, error.detail) from None
    text = document.get("SecretString")
    if not isinstance(text, str):
        raise unavailable(reference, "it is not text.")
    return Secret(_field(reference, text, field) if field else text, str(document.get("VersionId", "")))


def forget() -> None:
    """Make a new client at the next question."""
    global _client
    with _lock:
        _client = None


def _field(reference: str, text: str, field: str) -> str:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    value = document.get(field) if isinstance(document, dict) else None
    if not isinstance(value, str):
        raise unavailable(reference, "there is no such field, or it is not text.")
    return value


def _signed_in() -> Any:
    global _client
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    with _lock:
        if _client is None:
            session = boto3.session.Session()
            _client = session.client("secretsmanager", config=Config(retries={"total_max_attempts": 2, "mode": "standard"}))
            _client.meta.events.register_first("before-send.secrets-manager", _through_the_door)
        return _client


class _Body(io.BytesIO):
    """An answer's body as botocore reads it."""

    def stream(self, **options: Any) -> Iterator[bytes]:
        yield self.read()


def _through_the_door(request: Any, **options: Any) -> Any:
    """Called by botocore before it would send; what is returned is taken for the answer."""
    from botocore.awsrequest import AWSResponse, HeadersDict  # noqa: PLC0415

    if not door.is_safe_address(request.url):
        raise unavailable("of AWS", "its address must be https.")
    body = request.body or b""
    raw = body.encode() if isinstance(body, str) else bytes(body)
    answer = door.send("AWS Secrets Manager", request.method, request.url, list(request.headers.items()), raw)
    return AWSResponse(request.url, answer.status, HeadersDict(dict(answer.headers)), _Body(answer.body))
