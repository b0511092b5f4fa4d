"""Addresses of the demo identity provider. Token and sign-in endpoints only: no registration, no management pages."""

from __future__ import annotations

from django.urls import include, path
from oauth2_provider import views as toolkit

from demo.identity_provider import views

protocol = [
    path("oauth/authorize", views.Authorize.as_view(), name="authorize"),
    path("oauth/token", toolkit.TokenView.as_view(), name="token"),
    path("oauth/revoke", toolkit.RevokeTokenView.as_view(), name="revoke-token"),
    path("oauth/introspect", toolkit.IntrospectTokenView.as_view(), name="introspect"),
    path("oauth/userinfo", toolkit.UserInfoView.as_view(), name="user-info"),
    path("oauth/logout", views.EndSession.as_view(), name="rp-initiated-logout"),
    path(".well-known/openid-configuration", views.Discovery.as_view(), name="oidc-connect-discovery-info"),
    path(".well-known/jwks.json", toolkit.JwksInfoView.as_view(), name="jwks-info"),
]
urlpatterns = [
    path("", views.front, name="front"),
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("style.css", views.style, name="style"),
    path("", include((protocol, "oauth2_provider"))),
]
