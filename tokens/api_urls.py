from __future__ import annotations

from django.urls import URLPattern, path

from tokens import api

urlpatterns: list[URLPattern] = [
    path("tokens", api.leases, name="api-tokens"),
    path("tokens/<uuid:lease_id>", api.lease, name="api-token"),
    path("tokens/<uuid:lease_id>/reveal", api.reveal, name="api-token-reveal"),
    path("tokens/<uuid:lease_id>/refresh", api.refresh, name="api-token-refresh"),
]
