from __future__ import annotations

from django.urls import URLPattern, path

from gateway import api, api_elevations

urlpatterns: list[URLPattern] = [
    path("calls", api.calls, name="api-calls"),
    path("calls/<uuid:call_id>", api.call, name="api-call"),
    path("calls/<uuid:call_id>/replay", api.replay, name="api-call-replay"),
    path("validate", api.validate, name="api-validate"),
    path("elevations", api_elevations.elevations, name="api-elevations"),
    path("elevations/<uuid:elevation_id>/approve", api_elevations.approve, name="api-elevation-approve"),
    path("elevations/<uuid:elevation_id>/refuse", api_elevations.refuse, name="api-elevation-refuse"),
    path("quota", api.quota, name="api-quota"),
]
