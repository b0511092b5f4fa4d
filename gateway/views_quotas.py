"""The Quotas page: who gets what and why this number, and asking for more for a while."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from gateway import selectors
from gateway.actions import decide_elevation, request_elevation
from gateway.limits import LARGEST_PER_MINUTE, LONGEST_MINUTES
from gateway.models import Elevation
from identity.callers import SignedInRequest
from identity.selectors import grants
from portal.errors import Conflict, Invalid
from portal.web.pages import render_page
from portal.web.roles import for_role


class ElevationForm(forms.Form):
    """More calls a minute, for how long, and why."""

    per_minute = forms.IntegerField(
        label="Calls a minute", min_value=1, max_value=LARGEST_PER_MINUTE, widget=forms.NumberInput({"class": "input"})
    )
    minutes = forms.IntegerField(
        label="For how many minutes",
        min_value=1,
        max_value=LONGEST_MINUTES,
        help_text=f"From the approval on, at most {LONGEST_MINUTES:,} (a day). It ends by itself.",
        widget=forms.NumberInput({"class": "input"}),
    )
    reason = forms.CharField(
        label="What for",
        max_length=Elevation.LONGEST_REASON,
        help_text="The platform team reads it, and the log keeps it.",
        widget=forms.TextInput({"class": "input"}),
    )


@require_safe
def quotas(request: SignedInRequest) -> HttpResponse:
    """My limits, what is left, and which rule decided; for the platform team also who gets what and who asks for more."""
    return _page(request, ElevationForm(label_suffix=""))


@require_POST
def ask(request: SignedInRequest) -> HttpResponse:
    """Ask for more; what is wrong with it stands on the page again."""
    form = ElevationForm(request.POST, label_suffix="")
    if form.is_valid():
        try:
            request_elevation(by=request.caller, **form.cleaned_data)
        except (Invalid, Conflict) as error:
            form.add_error("per_minute", error.detail)
        else:
            return HttpResponseRedirect(f"{reverse('quotas')}#more")
    return _page(request, form, status=422)


@for_role("platform")
@require_POST
def approve(request: SignedInRequest, elevation_id: UUID) -> HttpResponse:
    """Approve somebody's request."""
    decide_elevation(elevation_id=elevation_id, by=request.caller, approve=True)
    return HttpResponseRedirect(f"{reverse('quotas')}#more")


@for_role("platform")
@require_POST
def refuse(request: SignedInRequest, elevation_id: UUID) -> HttpResponse:
    """Refuse somebody's request."""
    decide_elevation(elevation_id=elevation_id, by=request.caller, approve=False)
    return HttpResponseRedirect(f"{reverse('quotas')}#more")


def _page(request: SignedInRequest, form: ElevationForm, *, status: int = 200) -> HttpResponse:
    caller = request.caller
    decides = caller.access.at_least("platform")
    rows = selectors.elevations_shown(caller)
    context = {
        "limits": selectors.limits_of(caller),
        "grants": grants() if decides else (),
        "form": form,
        "elevations": rows,
        "decides": decides,
        "me": caller.account_id,
        "asked": any(one.account_id == caller.account_id and one.state == Elevation.PENDING for one in rows),
    }
    return render_page(request, "gateway/quotas.html", context, status=status)
