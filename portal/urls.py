"""Where every page and address of the API lies. Rooms are named by string: the shell imports none of them here."""

from __future__ import annotations

from django.urls import include, path

from portal import health, home, openapi, problem_types

urlpatterns = [
    path("", home.index, name="home"),
    path("signed-out", home.signed_out, name="signed-out"),
    path("problems/", problem_types.index, name="problem-types"),
    path("problems/<slug:code>", problem_types.problem_type, name="problem-type"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", health.metrics, name="metrics"),
    path("api/v1/openapi.json", openapi.own_document, name="openapi"),
    path("api/docs/", home.api_documentation, name="api-documentation"),
    *(path("", include(f"{room}.urls")) for room in ("identity", "audit", "quotas", "catalog", "tokens", "gateway", "harness")),
    *(path("api/v1/", include(f"{room}.api_urls")) for room in ("identity", "audit", "quotas", "catalog", "tokens", "gateway", "harness")),
]

handler400 = "portal.web.problem.bad_request"
handler403 = "portal.web.problem.permission_denied"
handler404 = "portal.web.problem.not_found"
handler500 = "portal.web.problem.server_error"
