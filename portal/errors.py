"""Errors the portal means to make. Anything else that is raised is a bug and answers 500.

PortalError                    code, status, title, detail, errors, headers
├── Malformed            400   what was sent cannot be read
├── Unauthenticated      401   nobody is signed in
│   └── SignatureRefused       a delivery's signature is missing, wrong or stale
├── Forbidden            403   signed in, but not allowed; the text says who can allow it
├── NotFound             404   not there, or not yours to know of
├── MethodNotAllowed     405
├── NotAcceptable        406
├── RequestTimeout       408   the rest of the request did not come
├── Conflict             409   somebody was first
├── Gone                 410
├── PayloadTooLarge      413
├── UnsupportedMediaType 415
├── Invalid              422   read, but does not match; every finding is listed
├── ConfirmationRequired 428
├── QuotaExceeded        429
├── HeaderFieldsTooLarge 431
├── UpstreamFailed       502   the other side answered wrongly or not at all
├── Unavailable          503   try again later
└── UpstreamTimeout      504

Each carries a stable snake_case ``code``. The text says what to do next and never carries a secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class PortalError(Exception):
    """Base of every anticipated error.

    ``detail`` is one or two sentences for a person. ``errors`` lists findings in the shape of CONTRACT.md
    (``location, pointer, keyword, message, expected, got, schema``). ``extra`` adds members to the problem
    document (RFC 9457 §3.2); ``headers`` are added to the answer.
    """

    status: ClassVar[int] = 500
    code: str = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = extra


class Malformed(PortalError):
    status, code, title = 400, "malformed", "Malformed request"


class Unauthenticated(PortalError):
    status, code, title = 401, "not_signed_in", "Sign in first"


class SignatureRefused(Unauthenticated):
    code, title = "signature_refused", "Signature not accepted"


class Forbidden(PortalError):
    status, code, title = 403, "forbidden", "You may not do this"


class NotFound(PortalError):
    status, code, title = 404, "not_found", "Not found"


class MethodNotAllowed(PortalError):
    status, code, title = 405, "method_not_allowed", "Method not allowed"


class NotAcceptable(PortalError):
    status, code, title = 406, "not_acceptable", "No such representation"


class RequestTimeout(PortalError):
    status, code, title = 408, "request_timeout", "The request did not arrive in time"


class Conflict(PortalError):
    status, code, title = 409, "conflict", "Conflict"


class Gone(PortalError):
    status, code, title = 410, "gone", "Gone"


class PayloadTooLarge(PortalError):
    status, code, title = 413, "payload_too_large", "Payload too large"


class UnsupportedMediaType(PortalError):
    status, code, title = 415, "unsupported_media_type", "Unsupported media type"


class Invalid(PortalError):
    status, code, title = 422, "invalid", "Does not match"


class ConfirmationRequired(PortalError):
    status, code, title = 428, "confirmation_required", "Confirmation required"


class QuotaExceeded(PortalError):
    status, code, title = 429, "quota_exceeded", "Quota exceeded"


class HeaderFieldsTooLarge(PortalError):
    status, code, title = 431, "header_fields_too_large", "Request header fields too large"


class UpstreamFailed(PortalError):
    status, code, title = 502, "upstream_broken", "The other side failed"


class Unavailable(PortalError):
    status, code, title = 503, "unavailable", "Not available right now"


class UpstreamTimeout(PortalError):
    status, code, title = 504, "upstream_timeout", "The other side took too long"
