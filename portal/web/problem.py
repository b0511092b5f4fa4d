"""Problems (RFC 9457): one shape for every refusal, as JSON for programs and as a page for people."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render

from portal.errors import (
    Forbidden,
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    PortalError,
    Unauthenticated,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

logger = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
PROGRAM_PREFIXES = ("/api/v1/", "/gateway/", "/in/", "/hooks/", "/health/", "/metrics")


def current_request_id() -> str:
    """The id bound to this request's log lines; the same id is in every problem and audit entry."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def problem_document(error: PortalError, request_id: str) -> dict[str, Any]:
    """The problem as data. ``type`` is an address in the portal's own documentation."""
    document: dict[str, Any] = {
        "type": f"{settings.PORTAL_PUBLIC_URL}/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }
    if error.errors:
        document["errors"] = error.errors
    return document | error.extra


def problem_response(error: PortalError, request_id: str) -> HttpResponse:
    """The problem as an HTTP answer for programs."""
    response = HttpResponse(
        orjson.dumps(problem_document(error, request_id), default=str),
        status=error.status,
        content_type=CONTENT_TYPE,
        headers=error.headers,
    )
    response["Cache-Control"] = "no-store"
    return response


def wants_program_answer(request: HttpRequest) -> bool:
    """True for the API, and for anyone who asks for JSON and not for HTML."""
    accept = request.headers.get("Accept", "")
    return request.path.startswith(PROGRAM_PREFIXES) or ("json" in accept and "text/html" not in accept)


def as_portal_error(error: Exception) -> PortalError | None:
    """Django's own refusals in our words; None for a bug."""
    if isinstance(error, PortalError):
        return error
    if isinstance(error, Http404):
        return NotFound("There is nothing at this address.")
    if isinstance(error, PermissionDenied):
        return Forbidden("You may not do this.")
    if isinstance(error, RequestDataTooBig):
        return PayloadTooLarge("The request is larger than this page takes.")
    if isinstance(error, (SuspiciousOperation, BadRequest)):
        return Malformed("The request cannot be understood.")
    if isinstance(error, (OperationalError, InterfaceError)):
        logger.error("database_away", exc_info=error)
        return Unavailable(
            "The portal's database does not answer. Nothing was changed; try again in a moment.",
            code="database_unavailable",
            headers={"Retry-After": "2"},
        )
    return None


def error_answer(request: HttpRequest, error: PortalError) -> HttpResponse:
    """A page or a problem document, whichever this caller reads."""
    request_id = current_request_id()
    if wants_program_answer(request):
        return problem_response(error, request_id)
    template = "problem_signin.html" if isinstance(error, Unauthenticated) else "problem.html"
    context = {"error": error, "request_id": request_id, "phrase": HTTPStatus(error.status).phrase}
    response = render(request, template, context, status=error.status)
    for name, value in error.headers.items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return response


class ProblemMiddleware:
    """Turns anticipated errors of any view into an answer, once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            allowed = response["Allow"]
            return error_answer(request, MethodNotAllowed(f"This address takes {allowed} only.", headers={"Allow": allowed}))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        error = as_portal_error(exception)
        return None if error is None else error_answer(request, error)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404"""
    return error_answer(request, NotFound("There is nothing at this address."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403"""
    return error_answer(request, Forbidden("You may not do this."))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400"""
    return error_answer(request, Malformed("The request cannot be understood."))


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500, also for what broke before a view was reached"""
    cause = sys.exc_info()[1]
    known = as_portal_error(cause) if isinstance(cause, Exception) else None
    return error_answer(request, known or PortalError("Something went wrong on our side. It has been logged."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW"""
    return error_answer(
        request,
        Forbidden("The form is too old or did not come from this portal. Reload the page and send it again.", code="csrf_failed"),
    )


def rest_exception_handler(exception: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's EXCEPTION_HANDLER: the same shape for the framework's own refusals."""
    from rest_framework import exceptions  # noqa: PLC0415  (settings name this module before DRF may load)

    error = as_portal_error(exception)
    if error is None and isinstance(exception, exceptions.APIException):
        error = _from_rest(exception)
    if error is None:
        raise exception
    return problem_response(error, current_request_id())


def _from_rest(exception: Any) -> PortalError:
    from rest_framework import exceptions  # noqa: PLC0415

    if isinstance(exception, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)):
        return Unauthenticated("Sign in, or send an access key as a bearer token.", headers={"WWW-Authenticate": "Bearer"})
    if isinstance(exception, exceptions.ValidationError):
        return _validation(exception)
    if isinstance(exception, exceptions.PermissionDenied):
        return Forbidden(str(exception.detail))
    kind = {error.status: error for error in PortalError.__subclasses__()}.get(exception.status_code, Malformed)
    return kind(str(exception.detail), code=str(exception.default_code))


def _validation(exception: Any) -> PortalError:
    detail = exception.detail if isinstance(exception.detail, dict) else {"": exception.detail}
    errors = [
        {
            "location": "body",
            "pointer": f"/{field}" if field else "",
            "keyword": getattr(message, "code", "invalid"),
            "message": str(message),
        }
        for field, messages in detail.items()
        for message in (messages if isinstance(messages, list) else [messages])
    ]
    return Invalid("The request does not match what this address takes.", errors=errors)
