"""Schema → example values; operation → a prefilled request and mock answers."""

from specs.sample.messages import example_request, example_response
from specs.sample.values import Sampler

__all__ = ["Sampler", "example_request", "example_response"]
