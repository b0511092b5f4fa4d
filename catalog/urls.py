from __future__ import annotations

from django.urls import path

from catalog import views, views_drift, views_push, views_sync

urlpatterns = [
    path("apis", views.apis, name="apis"),
    path("apis/<str:api>", views.api_anywhere, name="api-anywhere"),
    path("apis/<str:api>/<str:environment>", views.api, name="api"),
    path("apis/<str:api>/<str:environment>/operations/<str:operation>", views.operation, name="operation"),
    path("apis/<str:api>/<str:environment>/operations/<str:operation>/swagger", views.operation_swagger, name="operation-swagger"),
    path("apis/<str:api>/<str:environment>/schemas", views.schemas, name="schemas"),
    path("apis/<str:api>/<str:environment>/tree/<slug:digest>", views.tree, name="tree"),
    path("apis/<str:api>/<str:environment>/drift", views_drift.drift, name="api-drift"),
    path("drift", views_drift.matrix, name="drift"),
    path("search", views.search, name="search"),
    path("sync", views_sync.overview, name="sync"),
    path("sync/<str:source>", views_sync.start, name="sync-start"),
    path("hooks/git/<slug:source>", views_push.pushed, name="git-pushed"),
]
