from __future__ import annotations

from django.urls import URLPattern, path

from audit import views

urlpatterns: list[URLPattern] = [
    path("audit", views.index, name="audit"),
    path("audit/verify", views.verify_now, name="audit-verify"),
]
