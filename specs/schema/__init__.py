"""OpenAPI 3.0 and 3.1 schemas → JSON Schema 2020-12, for requests and for responses.

``convert`` rewrites one schema, ``documents`` closes it over its references into a stored document, ``compiling`` makes
validators, ``shape`` says how texts become typed values.
"""

from specs.schema.compiling import SchemaUnusable, compile_schema
from specs.schema.cost import IN_PLACE_LIMIT
from specs.schema.documents import DOCUMENT_LIMIT, Note, SchemaDocuments
from specs.schema.shape import Shape, ShapeReader

__all__ = ["DOCUMENT_LIMIT", "IN_PLACE_LIMIT", "Note", "SchemaDocuments", "SchemaUnusable", "Shape", "ShapeReader", "compile_schema"]
