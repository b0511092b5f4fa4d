"""Pages of sign-in, account and access keys, and the provider's back-channel logout."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from identity import actions, oidc, selectors
from identity.callers import Caller, SignedInRequest
from identity.defects import ProviderUnusable, SignInRefused, defect_of
from identity.models import SsoSession
from portal.errors import Invalid, PortalError, QuotaExceeded
from portal.web.pages import render_page
from portal.web.problem import current_request_id, error_answer, wants_program_answer
from quotas.actions import Window, spend

logger = structlog.get_logger(__name__)

LOGOUT_TOKENS_A_MINUTE = 120  # from one address
UNFINISHED_SECONDS = 1_800  # how long a sign-in may take
REFUSALS_A_MINUTE = 240  # from one address; a whole office may share it


class SignInStart(OIDCAuthenticationRequestView):  # type: ignore[misc]
    """Off to the provider with state, nonce and an S256 challenge."""

    get_settings = staticmethod(oidc.setting)

    def get(self, request: HttpRequest) -> HttpResponse:
        if getattr(request, "caller", None) is None:
            # Whoever does not come back leaves a row behind, but not for long.
            request.session.set_expiry(UNFINISHED_SECONDS)
        answer: HttpResponse = super().get(request)
        return answer

    def get_extra_params(self, request: HttpRequest) -> dict[str, str]:
        return {"redirect_uri": oidc.callback_address(request)}


class SignInCallback(OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """Back from the provider. Any defect raises; nothing of the current sign-in is touched before the new one is sound."""

    get_settings = staticmethod(oidc.setting)

    def get(self, request: HttpRequest) -> HttpResponse:
        if "error" in request.GET:
            states = request.session.get("oidc_states", {})
            if states.pop(request.GET.get("state", ""), None) is None:
                raise SignInRefused("state")
            request.session["oidc_states"] = states
            # The description comes from the address bar: only the code, and only when it looks like one, is repeated.
            said = request.GET["error"]
            raise SignInRefused("provider_error", f"It said {said}." if len(said) <= 40 and said.replace("_", "").isalpha() else "")
        try:
            answer: HttpResponse = super().get(request)
        except SuspiciousOperation:
            raise SignInRefused("state") from None
        return answer

    def login_failure(self) -> HttpResponse:
        raise SignInRefused("state")

    def login_success(self) -> HttpResponse:
        """A new session key at every sign-in; the browser's earlier sign-in ends."""
        request, verified = self.request, self.request.verified_sign_in
        destination, states = self.success_url, request.session.get("oidc_states")
        remote = request.META.get("REMOTE_ADDR", "")
        earlier = selectors.session_with_key(request.session.session_key or "")
        if earlier is not None:
            actions.end_session(session_id=earlier.pk, reason="signed_in_again", by=selectors.person_of(earlier, remote=remote))
        request.session.flush()
        auth.login(request, self.user)
        request.session.set_expiry(settings.SSO_ABSOLUTE_SECONDS)
        if states:
            # Another tab may be on its way to the provider.
            request.session["oidc_states"] = states
        request.session.save()
        actions.start_session(
            account=self.user,
            sign_in=verified,
            session_key=request.session.session_key,
            user_agent=request.headers.get("User-Agent", ""),
            remote=remote,
        )
        return HttpResponseRedirect(destination)


@login_not_required
@require_safe
def sign_in(request: HttpRequest) -> HttpResponse:
    """``GET /oidc/authenticate/?next=``"""
    return _or_refused(request, SignInStart.as_view())


@login_not_required
@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """``GET /oidc/callback/``: where the provider sends people back."""
    return _or_refused(request, SignInCallback.as_view())


def _or_refused(request: HttpRequest, view: Any) -> HttpResponse:
    """The view's answer, or a page that says what to tell whoever runs the portal."""
    try:
        response: HttpResponse = view(request)
    except (SignInRefused, ProviderUnusable) as error:
        _write_down(error, remote=request.META.get("REMOTE_ADDR", ""))
        if wants_program_answer(request):
            response = error_answer(request, error)
        else:
            context = {"error": error, "issuer": settings.OIDC_ISSUER, "request_id": current_request_id()}
            response = render_page(request, "identity/sign_in_failed.html", context, status=error.status)
    add_never_cache_headers(response)
    return response


def _write_down(error: SignInRefused | ProviderUnusable, *, remote: str) -> None:
    """Every refused sign-in has an entry, up to what people can cause: a stranger must not fill the log."""
    try:
        spend([Window(name="refused-sign-ins", key=f"refused-sign-ins:{remote}", limit=REFUSALS_A_MINUTE, seconds=60)])
    except QuotaExceeded:
        logger.warning("refused_sign_ins_not_recorded", remote=remote, defect=error.defect)
        return
    outcome = "failed" if isinstance(error, ProviderUnusable) else "refused"
    actions.refuse_session(defect=error.defect, code=error.code, outcome=outcome, remote=remote)


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this sign-in here and at the provider. Somebody already signed out is told so."""
    caller: Caller | None = request.caller  # type: ignore[attr-defined]
    address = settings.LOGOUT_REDIRECT_URL
    if caller is not None:
        address = oidc.sign_out_address(SsoSession.objects.get(pk=caller.session_id))
        actions.end_session(session_id=caller.session_id, reason="signed_out", by=caller.actor)
    request.session.flush()
    return HttpResponseRedirect(address, headers={"Cache-Control": "no-store"})


@csrf_exempt
@login_not_required
def backchannel_logout(request: HttpRequest) -> HttpResponse:
    """``POST /oidc/backchannel-logout`` from the provider (Back-Channel Logout 1.0 §2.5). No cookie is read."""
    remote = request.META.get("REMOTE_ADDR", "")
    try:
        spend([Window(name="backchannel-logout", key=f"backchannel-logout:{remote}", limit=LOGOUT_TOKENS_A_MINUTE, seconds=60)])
        if request.method != "POST" or request.content_type != "application/x-www-form-urlencoded":
            raise SignInRefused("logout_claims", "It comes as a form, by POST.")
        tokens = request.POST.getlist("logout_token")
        wanted = oidc.read_logout_token(tokens[0] if len(tokens) == 1 else None)
        actions.end_provider_sessions(issuer=wanted.issuer, sid=wanted.sid, subject=wanted.subject, jti=wanted.jti, remote=remote)
    except PortalError as error:
        if not isinstance(error, QuotaExceeded):  # a flood is refused, not written down line by line
            actions.refuse_backchannel_logout(defect=defect_of(error), code=error.code, remote=remote)
        status = error.status if error.status in {429, 503} else 400
        response: HttpResponse = JsonResponse({"error": "invalid_request", "error_description": defect_of(error)}, status=status)
        for name, value in error.headers.items():
            response[name] = value
    else:
        response = HttpResponse(status=200)
    response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "POST"])
def keys(request: SignedInRequest) -> HttpResponse:
    """Access keys of your sign-ins; a new one is shown in the answer that made it and never again."""
    context: dict[str, Any] = {"made": None, "error": "", "name": "", "expires_at": request.caller.session_expires_at}
    status = 200
    if request.method == "POST":
        context["name"] = request.POST.get("name", "")
        try:
            key, value = actions.create_access_key(name=context["name"], by=request.caller)
            context |= {"made": key, "value": value, "name": ""}
        except Invalid as error:
            context["error"], status = error.errors[0]["message"], error.status
    context |= {"keys": selectors.live_keys(request.caller.account_id), "current": request.caller.session_id}
    response = render_page(request, "identity/keys.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def revoke_key(request: SignedInRequest, key_id: UUID) -> HttpResponse:
    actions.revoke_access_key(key_id=key_id, by=request.caller)
    messages.success(request, "The access key opens nothing any more.")
    return HttpResponseRedirect("/keys")
