"""What each problem code means and what to do next: the pages behind the ``type`` address of a problem (RFC 9457 §3.1.1)."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse

from portal.errors import NotFound
from portal.web.pages import render_page


@dataclass(frozen=True, slots=True)
class ProblemType:
    """``status`` is the HTTP status it comes with; ``meaning`` and ``next_step`` are sentences for a person."""

    code: str
    status: int
    meaning: str
    next_step: str


def _types(*rows: tuple[str, int, str, str]) -> dict[str, ProblemType]:
    return {code: ProblemType(code, status, meaning, next_step) for code, status, meaning, next_step in rows}


WHAT_WAS_SENT = _types(
    ("malformed", 400, "The request cannot be read.", "Look at the detail; it names the part."),
    ("malformed_host", 400, "There is not exactly one Host header.", "Send one; HTTP clients do it by themselves."),
    ("malformed_target", 400, "The request target is a whole URL.", "Send the path only; the portal is not a forward proxy."),
    ("malformed_path", 400, "The path holds characters or dots that could lead elsewhere.", "Percent-encode values, each as one segment."),
    ("malformed_header", 400, "A header's name or value is not allowed by RFC 9110.", "Remove control characters and line breaks."),
    ("malformed_body", 400, "The body is not what its Content-Type says.", "The detail names the place, such as the offset in JSON."),
    ("ambiguous_framing", 400, "It is not clear where the request ends.", "Send either Content-Length or Transfer-Encoding: chunked."),
    ("request_timeout", 408, "The body did not arrive in time.", "Send the request again."),
    ("not_acceptable", 406, "The address has no such representation.", "Ask for application/json."),
    ("method_not_allowed", 405, "The address, or the document, does not know this method here.", "The Allow header lists those it knows."),
    ("payload_too_large", 413, "The body is over the limit, which the answer names.", "Send less; a try-it call takes 524,288 bytes."),
    ("unsupported_media_type", 415, "The address does not take this content type.", "Send application/json."),
    ("encoded_body", 415, "The body is compressed.", "Send it as it is: the portal checks bodies and never inflates them."),
    ("header_fields_too_large", 431, "The head of the request is too large.", "Send fewer or shorter headers."),
    ("invalid", 422, "The request was read but does not match; every finding is listed.", "Mend each entry of errors."),
    ("request_invalid", 422, "The call does not match the document; it was not sent.", "Mend each entry of errors, then send again."),
    ("conflict", 409, "Somebody was first, or the thing is in another state.", "Look at it again, then decide."),
    ("gone", 410, "It was here and was removed.", "Nothing brings it back."),
)
WHO_MAY = _types(
    ("not_signed_in", 401, "Nobody is signed in, or the sign-in is over.", "Sign in, or make a new access key."),
    ("sign_in_required", 401, "This needs a sign-in in the browser.", "Sign in."),
    ("csrf_failed", 403, "A call with the session cookie lacks the portal's CSRF token.", "Send X-CSRFToken, or use an access key."),
    ("forbidden", 403, "You may not do this.", "The detail says who can allow it."),
    ("no_role", 403, "None of your groups has a role here.", "Ask for one of the groups that the answer names."),
    ("role_required", 403, "This is for another role.", "Ask the platform team."),
    ("environment_forbidden", 403, "Your groups may not call this environment.", "The detail names the groups that may."),
    ("write_forbidden", 403, "Your groups may only read in this environment.", "The detail names the groups that may write."),
    ("scope_forbidden", 403, "A scope is asked that you may not have.", "The detail names the groups that grant it."),
    ("navigation_refused", 403, "The gateway was opened as a page.", "Use the try-it panel, or curl with an access key."),
    ("too_many_access_keys", 409, "This sign-in has as many access keys as it may have.", "Revoke one."),
    ("confirmation_required", 428, "An unsafe method in a protected environment needs your word.", "Send X-Portal-Confirm with its name."),
    ("logout_token_replayed", 400, "This logout token was already used.", "The identity provider must make a new one."),
)
WHAT_IS_THERE = _types(
    ("not_found", 404, "There is nothing at this address, or nothing for you.", "Look at the address again."),
    ("unknown_api", 404, "There is no such API in this environment.", "The answer names the environments where it exists."),
    ("unknown_environment", 404, "There is no such environment.", "See /api/v1/environments."),
    ("unknown_operation", 404, "There is no such operation in this environment.", "The answer names where it exists."),
    ("unknown_schema", 404, "The document has no such schema.", "See the API's schemas."),
    ("unknown_source", 404, "There is no such source.", "See the Sync page."),
    ("unknown_call", 404, "There is no such call, or it is somebody else's.", "See My calls."),
)
LIMITS = _types(
    (
        "quota_exceeded",
        429,
        "Your quota, or the platform's, is used up.",
        "Wait for Retry-After; the platform team can raise it for a while.",
    ),
    ("quota_unavailable", 503, "Quotas cannot be counted, and this environment is protected.", "Wait; unprotected environments go on."),
    ("gateway_busy", 503, "Too many calls are waiting.", "Try again after Retry-After."),
    ("upstream_busy", 503, "Too many calls wait for this platform.", "Try again after Retry-After."),
)
THE_OTHER_SIDE = _types(
    (
        "upstream_unreachable",
        502,
        "The platform cannot be reached, or its address is not allowed.",
        "The detail says which; see the rules.",
    ),
    ("upstream_broken", 502, "The platform's answer is not HTTP, or was cut off.", "Ask the platform's owner."),
    ("upstream_timeout", 504, "The platform did not answer in time.", "Try again later."),
    ("circuit_open", 503, "The platform failed too often; calls are held back for a while.", "Wait for Retry-After."),
    ("token_refused", 502, "The token endpoint refused the portal's principal or granted something else.", "Ask the platform team."),
    ("token_unavailable", 503, "The token endpoint does not answer.", "Try again later."),
    ("secret_unavailable", 503, "A secret of the portal cannot be read.", "Ask the platform team; the Sync page names the reference."),
    ("header_refused", 400, "A header cannot be sent.", "Remove it."),
    ("url_refused", 400, "The address cannot be sent.", "Percent-encode it."),
    ("method_refused", 405, "The method cannot be sent.", "Use one the document names."),
)
WEBHOOKS = _types(
    ("unknown_hook", 404, "There is no such webhook, or it is somebody else's.", "See the webhook bench."),
    ("unknown_delivery", 404, "There is no such delivery, or it is kept no longer.", "Deliveries are kept for seven days."),
    ("hook_deleted", 410, "The webhook behind this address was deleted.", "Stop sending to it."),
    ("signature_refused", 401, "The signature of a delivery was not accepted.", "The webhook's owner sees why on the bench."),
    ("delivery_malformed", 400, "A signed delivery could not be read.", "The webhook's owner sees why on the bench."),
    ("not_stored", 503, "A delivery could not be stored.", "Send it again after Retry-After."),
    ("webhook_busy", 503, "Too many deliveries are under way.", "Send it again after Retry-After."),
    ("too_many_hooks", 409, "You have as many webhooks as one person may have.", "Delete one."),
)
TOKENS = _types(
    ("unknown_place", 404, "The platform is not in this environment.", "See /api/v1/environments."),
    ("scopes_missing", 422, "No scope was asked for.", "Name at least one; the Tokens page lists those you may have."),
    ("too_many_scopes", 422, "More scopes were asked for than one token may carry.", "Take several tokens."),
    ("no_token_needed", 422, "Calls to this platform carry no token here.", "Just call."),
    ("lease_busy", 409, "The same token is being taken and ended at once.", "Try again."),
    ("lease_ending", 409, "The token is about to end and cannot be replaced.", "Ask for a new one."),
    ("lease_ended", 409, "The token has ended.", "Ask for a new one; a call through the gateway does it by itself."),
    ("session_ended", 401, "The sign-in has ended, and its tokens with it.", "Sign in again."),
    ("session_ending", 401, "The sign-in is about to end.", "Sign in again, then take the token."),
    ("other_sign_in", 409, "The token belongs to another sign-in of yours.", "Use it in that browser, or take one here."),
    (
        "reveal_forbidden",
        403,
        "The token could do more at the platform than you may.",
        "Call through the gateway: it enforces your scopes.",
    ),
)
THE_PORTAL = _types(
    ("internal_error", 500, "A mistake of ours. It has been logged.", "Report the request id."),
    ("unavailable", 503, "Something the portal needs does not answer.", "Try again later."),
    ("database_unavailable", 503, "The portal's database does not answer.", "Try again in a moment; tell the platform team if it stays."),
    ("unrecordable", 503, "The call could not be recorded, so it was not sent.", "Try again; tell the platform team if it stays."),
    ("outcome_unknown", 502, "The process ended while this call was under way.", "Look at the platform before you send it again."),
    ("document_refused", 422, "A document cannot be read, resolved or bounded.", "The findings name file and line."),
    ("rules_unsound", 422, "The rules commit is not sound and was refused whole.", "The findings name file and line."),
)

PROBLEM_TYPES = WHAT_WAS_SENT | WHO_MAY | WHAT_IS_THERE | LIMITS | THE_OTHER_SIDE | TOKENS | WEBHOOKS | THE_PORTAL


@login_not_required
def index(request: HttpRequest) -> HttpResponse:
    """Every code, for who reads a log."""
    return render_page(
        request, "problem_types.html", {"types": sorted(PROBLEM_TYPES.values(), key=lambda known: (known.status, known.code))}
    )


@login_not_required
def problem_type(request: HttpRequest, code: str) -> HttpResponse:
    """One code. Raises NotFound for what is none."""
    known = PROBLEM_TYPES.get(code)
    if known is None:
        raise NotFound("No problem of this portal has this code.")
    return render_page(request, "problem_type.html", {"known": known})
