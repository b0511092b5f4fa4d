from __future__ import annotations

from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated


class SessionOrAccessKey(SessionAuthentication):
    pass


class HasRole(IsAuthenticated):
    pass
