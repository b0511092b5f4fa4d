from __future__ import annotations

from django.urls import URLPattern, path

from gateway import views

urlpatterns: list[URLPattern] = [
    path("calls", views.calls, name="calls"),
    path("calls/<uuid:call_id>", views.call, name="call"),
    path("calls/<uuid:call_id>/replay", views.replay, name="call-replay"),
    path("quotas", views.quotas, name="quotas"),
]
