"""The OpenAPI engine: documents in, plans and verdicts out. Pure Python: no Django, no room, no network."""

ENGINE_VERSION = "8"
"""Part of every digest: raise it when the same document must be compiled anew."""
