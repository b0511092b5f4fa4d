from __future__ import annotations

from django.urls import URLPattern, path

from harness import views

urlpatterns: list[URLPattern] = [
    path("webhooks", views.bench, name="webhooks"),
    path("webhooks/<uuid:hook_id>", views.hook, name="webhook"),
    path("webhooks/<uuid:hook_id>/change", views.change, name="webhook-change"),
    path("webhooks/<uuid:hook_id>/delete", views.delete, name="webhook-delete"),
    path("webhooks/<uuid:hook_id>/send", views.send, name="webhook-send"),
    path("webhooks/<uuid:hook_id>/rotate", views.rotate, name="webhook-rotate"),
    path("webhooks/<uuid:hook_id>/secrets/<slug:fingerprint>/retire", views.retire, name="webhook-secret-retire"),
    path("webhooks/deliveries/<uuid:delivery_id>/verify", views.verify_again, name="webhook-verify-again"),
    path("webhooks/deliveries/<uuid:delivery_id>/diagnose", views.diagnose, name="webhook-diagnose"),
]
