"""The webhook bench."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from harness import presentation, selectors
from harness.actions import diagnosing, endpoints, receiving, sending
from harness.actions.endpoints import UNCHANGED, Unchanged
from harness.api.deliveries import cursor_of, findings_of
from harness.diagnosis.diagnose import explained
from harness.forms import HookForm
from harness.models import Delivery, HookEndpoint
from harness.sending.faults import faults_of
from harness.signatures.commands import SAMPLE, sample_commands
from identity.callers import SignedInRequest
from portal.errors import Invalid, Malformed, NotFound, PortalError
from portal.web.pages import render_page

PAGE = 50
SENDINGS = 10  # shown
FILTERS = (("", "All"), ("verified", "Verified"), ("refused", "Refused"), ("duplicate", "Duplicates"))


@require_http_methods(["GET", "HEAD", "POST"])
def bench(request: SignedInRequest) -> HttpResponse:
    """My webhooks, and the form that makes one."""
    form = HookForm(request.POST or None, initial={"debug": True})
    if request.method == "POST" and form.is_valid():
        try:
            made = endpoints.create_endpoint(by=request.caller, **form.values())
        except PortalError as error:
            form.refuse(error)
        else:
            return HttpResponseRedirect(reverse("webhook", args=[made.pk]))
    rows = [{"hook": found, "profile": selectors.profile(found)} for found in selectors.endpoints(request.caller.account_id)]
    return render_page(request, "harness/bench.html", {"rows": rows, "form": form}, status=422 if form.is_bound else 200)


@require_safe
def hook(request: SignedInRequest, hook_id: UUID) -> HttpResponse:
    """One webhook: what arrived at the left, the chosen delivery at the right. The choice is in the address."""
    found = selectors.endpoint(request.caller.account_id, hook_id)
    cursor, verdict = request.GET.get("cursor", ""), request.GET.get("verdict", "")
    here = {name: value for name, value in (("verdict", verdict), ("cursor", cursor)) if value}
    rows, more = selectors.deliveries(found, before=cursor_of(found, cursor), size=PAGE, verdict=verdict)
    chosen = _chosen(request, found, rows)
    address, profile = selectors.address(found), selectors.profile(found)
    filtered = {"verdict": verdict} if verdict else {}
    context: dict[str, Any] = {
        "hook": found,
        "profile": profile,
        "standard": presentation.standard(profile),
        "address": address,
        "secrets": list(selectors.live_secrets(found.pk)),
        "rows": [presentation.row(row, here) for row in rows],
        "filters": [(words, f"?{urlencode({'verdict': value})}" if value else "?", value == verdict) for value, words in FILTERS],
        "next_url": f"?{urlencode(filtered | {'cursor': str(more.pk)})}" if more else "",
        "first_url": f"?{urlencode(filtered)}" if cursor else "",
        "chosen": presentation.opened(chosen, profile) if chosen else None,
        "sample": sample_commands(profile, address),
        "code": presentation.code(profile),
        "faults": faults_of(profile),
        "payload": SAMPLE,
        "receivers": sending.receivers_allowed()[0],
        "sendings": [presentation.sent(one) for one in selectors.sendings(found, SENDINGS)],
        "inbox_url": f"?{urlencode(here | ({'delivery': str(chosen.pk)} if chosen else {}))}",
    }
    context |= _explanation(chosen, context) if chosen is not None and chosen.verdict == "refused" else {}
    return render_page(request, "harness/hook.html", context, partial="harness/_inbox.html")


def _explanation(chosen: Delivery, context: dict[str, Any]) -> dict[str, Any]:
    at_once = selectors.diagnosis(chosen)
    search = selectors.deep_search(chosen)
    shown = findings_of(at_once, search)
    return {
        "findings": presentation.findings(shown, context["profile"]),
        "explained": any(not finding.id.startswith("hint.") for finding in shown),
        "search": search,
        "searching": search is not None and search.due_at is not None and not explained(at_once),
    }


def _chosen(request: SignedInRequest, found: HookEndpoint, rows: list[Delivery]) -> Delivery | None:
    text = request.GET.get("delivery", "")
    if not text:
        return selectors.delivery(request.caller.account_id, rows[0].pk) if rows else None
    try:
        delivery = selectors.delivery(request.caller.account_id, UUID(text))
    except ValueError:
        raise NotFound("There is no such delivery of yours.", code="unknown_delivery") from None
    if delivery.endpoint_id != found.pk:
        raise NotFound("There is no such delivery to this webhook.", code="unknown_delivery")
    return delivery


@require_POST
def send(request: SignedInRequest, hook_id: UUID) -> HttpResponse:
    """Send a payload, or the bytes of a delivery again, rightly signed or with one fault."""
    form = request.POST
    payload, content_type = (
        form.get("payload", SAMPLE).replace("\r\n", "\n").encode("utf-8", "replace"),
        form.get("content_type", "application/json"),
    )
    try:
        if form.get("delivery"):
            again = selectors.delivery(request.caller.account_id, UUID(form["delivery"]))
            payload, content_type = bytes(again.body), selectors.request_of(again).value("content-type") or "application/octet-stream"
        wanted = sending.Wanted(payload, content_type, form.get("fault", ""), form.get("target", "").strip(), int(form.get("repeat", "1")))
        done = sending.send(by=request.caller, endpoint_id=hook_id, wanted=wanted)
    except ValueError:
        raise Malformed("The form cannot be read. Open the page again.") from None
    except NotFound:
        raise
    except PortalError as error:
        messages.error(request, " ".join(str(finding["message"]) for finding in error.errors) or error.detail)
        return HttpResponseRedirect(reverse("webhook", args=[hook_id]))
    if done[-1].delivery is not None:
        return _to(done[-1].delivery)
    messages.success(request, f"Answered {done[-1].status}." if done[-1].status else done[-1].error)
    return HttpResponseRedirect(reverse("webhook", args=[hook_id]) + "#sent")


@require_POST
def change(request: SignedInRequest, hook_id: UUID) -> HttpResponse:
    """Debug on or off; a new secret; when the address ends."""
    found = selectors.endpoint(request.caller.account_id, hook_id)
    secret = request.POST.get("secret") or None
    debug = request.POST.get("debug") == "on" if "settings" in request.POST else None
    try:
        expires_at = _moment(request.POST["expires_at"]) if "expires_at" in request.POST else UNCHANGED
        endpoints.change_endpoint(by=request.caller, endpoint_id=found.pk, secret=secret, debug=debug, expires_at=expires_at)
    except PortalError as error:
        messages.error(request, " ".join(str(finding["message"]) for finding in error.errors) or error.detail)
    else:
        messages.success(request, "Saved." if secret is None else "Saved. The secret before it counts for another day.")
    return HttpResponseRedirect(reverse("webhook", args=[found.pk]))


def _moment(text: str) -> datetime | None | Unchanged:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise Invalid("The end of the address cannot be read. Write 2031-01-31T12:00.") from None


@require_POST
def rotate(request: SignedInRequest, hook_id: UUID) -> HttpResponse:
    """Another address."""
    found = endpoints.rotate_address(by=request.caller, endpoint_id=hook_id)
    messages.success(request, "The address is new. The one before answers 404 from now on.")
    return HttpResponseRedirect(reverse("webhook", args=[found.pk]))


@require_POST
def retire(request: SignedInRequest, hook_id: UUID, fingerprint: str) -> HttpResponse:
    """One of two live secrets ends now."""
    found = endpoints.retire_secret(by=request.caller, endpoint_id=hook_id, secret=fingerprint)
    messages.success(request, f"The secret {fingerprint} counts no longer.")
    return HttpResponseRedirect(reverse("webhook", args=[found.pk]))


@require_POST
def delete(request: SignedInRequest, hook_id: UUID) -> HttpResponse:
    """Delete a webhook with its secrets and deliveries."""
    found = selectors.endpoint(request.caller.account_id, hook_id)
    endpoints.delete_endpoint(by=request.caller, endpoint_id=found.pk)
    messages.success(request, f"{found.name} is deleted. Its address answers 410 for a day.")
    return HttpResponseRedirect(reverse("webhooks"))


@require_POST
def verify_again(request: SignedInRequest, delivery_id: UUID) -> HttpResponse:
    """Judge a refused delivery with the secrets of now."""
    try:
        delivery = receiving.verify_again(by=request.caller, delivery_id=delivery_id)
    except NotFound:
        raise
    except PortalError as error:
        messages.error(request, error.detail)
        delivery = selectors.delivery(request.caller.account_id, delivery_id)
    else:
        words = {"refused": "It is still refused.", "duplicate": "It is verified now, and came before."}
        messages.success(request, words.get(delivery.verdict, "It is verified now. The sender was told otherwise when it sent it."))
    return _to(delivery)


@require_POST
def diagnose(request: SignedInRequest, delivery_id: UUID) -> HttpResponse:
    """Let a worker search longer for what is wrong."""
    return _to(diagnosing.request_diagnosis(by=request.caller, delivery_id=delivery_id).delivery)


def _to(delivery: Delivery) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('webhook', args=[delivery.endpoint_id])}?{urlencode({'delivery': str(delivery.pk)})}")
