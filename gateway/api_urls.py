from __future__ import annotations

from django.urls import URLPattern, path

from gateway import api

urlpatterns: list[URLPattern] = [
    path("calls", api.calls, name="api-calls"),
    path("calls/<uuid:call_id>", api.call, name="api-call"),
    path("calls/<uuid:call_id>/replay", api.replay, name="api-call-replay"),
    path("validate", api.validate, name="api-validate"),
    path("quota", api.quota, name="api-quota"),
]
