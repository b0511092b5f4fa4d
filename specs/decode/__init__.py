"""Texts on the wire → typed values: parameter styles, bracketed names, form fields. Strict: what is not what it should be
stays text, and the schema says so.
"""

from specs.decode.fields import decode_fields, decode_parts
from specs.decode.parameters import ParameterDecoder, Problem
from specs.decode.texts import coerce, is_ambiguous

__all__ = ["ParameterDecoder", "Problem", "coerce", "decode_fields", "decode_parts", "is_ambiguous"]
