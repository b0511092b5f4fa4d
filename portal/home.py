"""The pages and addresses of the shell itself."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse

from portal.web.pages import render_page


def index(request: HttpRequest) -> HttpResponse:
    """Home."""
    return render_page(request, "home.html")


@login_not_required
def signed_out(request: HttpRequest) -> HttpResponse:
    return render_page(request, "signed_out.html")


def api_documentation(request: HttpRequest) -> HttpResponse:
    return render_page(request, "api_documentation.html")
