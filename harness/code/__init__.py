"""How to sign and to verify in six languages, written out from a profile. Pure."""
