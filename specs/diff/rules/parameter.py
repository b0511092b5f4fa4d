"""Parameters as a whole: there or not, required or not, how they are written."""

from __future__ import annotations

from specs.diff.conditions import after_deprecation, always, before_sunset
from specs.diff.occurrence import PARAMETER, REQUEST
from specs.diff.registry import BREAKING, INFO, WARNING, Rule

# fmt: off
RULES = (
    Rule("new-request-path-parameter", BREAKING, REQUEST, PARAMETER, "path-parameter-added", "existence", "A parameter was added to the path.", always),
    Rule("new-required-request-parameter", BREAKING, REQUEST, PARAMETER, "required-parameter-added", "existence", "A required parameter was added.", always),
    Rule("new-optional-request-parameter", INFO, REQUEST, PARAMETER, "optional-parameter-added", "existence", "An optional parameter was added.", always),
    Rule("new-required-request-default-parameter-to-existing-path", BREAKING, REQUEST, PARAMETER, "shared-required-parameter-added", "existence", "A required parameter was added to every operation of a path.", always),
    Rule("new-optional-request-default-parameter-to-existing-path", INFO, REQUEST, PARAMETER, "shared-optional-parameter-added", "existence", "An optional parameter was added to every operation of a path.", always),
    Rule("request-parameter-removed-before-sunset", BREAKING, REQUEST, PARAMETER, "parameter-removed", "existence", "A deprecated parameter was removed before its sunset.", before_sunset),
    Rule("request-parameter-removed-with-deprecation", INFO, REQUEST, PARAMETER, "parameter-removed", "existence", "A deprecated parameter was removed.", after_deprecation),
    Rule("request-parameter-removed", WARNING, REQUEST, PARAMETER, "parameter-removed", "existence", "A parameter was removed.", always),
    Rule("request-parameter-became-required", BREAKING, REQUEST, PARAMETER, "became-required", "requiredness", "A parameter became required.", always),
    Rule("request-parameter-became-optional", INFO, REQUEST, PARAMETER, "became-optional", "requiredness", "A parameter became optional.", always),
    Rule("request-parameter-style-changed", BREAKING, REQUEST, PARAMETER, "style-changed", "writing", "A parameter is written in another style.", always),
    Rule("request-parameter-explode-changed", BREAKING, REQUEST, PARAMETER, "explode-changed", "writing", "A parameter writes its values in another way.", always),
    Rule("request-parameter-reserved-allowed", INFO, REQUEST, PARAMETER, "reserved-allowed", "writing", "A parameter may hold reserved characters as they are now.", always),
    Rule("request-parameter-reserved-refused", BREAKING, REQUEST, PARAMETER, "reserved-refused", "writing", "A parameter may no longer hold reserved characters as they are.", always),
    Rule("request-parameter-empty-value-allowed", INFO, REQUEST, PARAMETER, "empty-value-allowed", "writing", "A parameter may be sent without a value now.", always),
    Rule("request-parameter-empty-value-refused", BREAKING, REQUEST, PARAMETER, "empty-value-refused", "writing", "A parameter may no longer be sent without a value.", always),
    Rule("request-parameter-content-changed", BREAKING, REQUEST, PARAMETER, "content-changed", "writing", "A parameter is written in another media type.", always),
    Rule("request-parameter-deprecated", INFO, REQUEST, PARAMETER, "deprecated", "lifecycle", "A parameter became deprecated.", always),
    Rule("request-parameter-reactivated", INFO, REQUEST, PARAMETER, "reactivated", "lifecycle", "A parameter is no longer deprecated.", always),
    Rule("request-parameter-deprecated-sunset-missing", BREAKING, REQUEST, PARAMETER, "deprecated-sunset-missing", "lifecycle", "A parameter became deprecated without the sunset its stability asks for.", always),
    Rule("request-parameter-sunset-date-too-small", BREAKING, REQUEST, PARAMETER, "sunset-date-too-small", "lifecycle", "A parameter has a sunset sooner than its stability allows.", always),
    Rule("request-parameter-sunset-parse", BREAKING, REQUEST, PARAMETER, "sunset-invalid", "lifecycle", "The sunset of a deprecated parameter is no date.", always),
    Rule("request-parameter-sunset-deleted", BREAKING, REQUEST, PARAMETER, "sunset-deleted", "lifecycle", "A deprecated parameter lost its sunset.", always),
    Rule("request-parameter-sunset-date-changed-too-small", BREAKING, REQUEST, PARAMETER, "sunset-date-changed-too-small", "lifecycle", "A deprecated parameter has an earlier sunset.", always),
    Rule("request-parameter-sunset-changed", INFO, REQUEST, PARAMETER, "sunset-changed", "lifecycle", "A deprecated parameter has another sunset.", always),
    Rule("request-parameter-stability-decreased", BREAKING, REQUEST, PARAMETER, "stability-decreased", "lifecycle", "A parameter became less stable.", always),
    Rule("request-parameter-stability-increased", INFO, REQUEST, PARAMETER, "stability-increased", "lifecycle", "A parameter became more stable.", always),
)
