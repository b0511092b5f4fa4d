"""Signatures of webhooks: how platforms make them, and whether one is right. Pure: no Django, no clock, no network."""
