from __future__ import annotations

from django.urls import URLPattern, path

from harness import views

urlpatterns: list[URLPattern] = [
    path("webhooks", views.bench, name="webhooks"),
    path("webhooks/<uuid:hook_id>", views.hook, name="webhook"),
    path("webhooks/<uuid:hook_id>/change", views.change, name="webhook-change"),
    path("webhooks/<uuid:hook_id>/delete", views.delete, name="webhook-delete"),
]
