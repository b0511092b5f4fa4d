from __future__ import annotations

from django.urls import URLPattern, path

from gateway import views, views_quotas

urlpatterns: list[URLPattern] = [
    path("calls", views.calls, name="calls"),
    path("calls/<uuid:call_id>", views.call, name="call"),
    path("calls/<uuid:call_id>/replay", views.replay, name="call-replay"),
    path("quotas", views_quotas.quotas, name="quotas"),
    path("quotas/elevations", views_quotas.ask, name="elevation-ask"),
    path("quotas/elevations/<uuid:elevation_id>/approve", views_quotas.approve, name="elevation-approve"),
    path("quotas/elevations/<uuid:elevation_id>/refuse", views_quotas.refuse, name="elevation-refuse"),
]
