"""Bodies, media types, responses and headers as a whole."""

from __future__ import annotations

from specs.diff.conditions import after_deprecation, always, before_sunset
from specs.diff.occurrence import ANSWER, BODY, HEADER, REQUEST, RESPONSE
from specs.diff.registry import BREAKING, INFO, WARNING, Rule

# fmt: off
RULES = (
    Rule("request-body-added-required", BREAKING, REQUEST, BODY, "body-added-required", "existence", "A required request body was added.", always),
    Rule("request-body-added-optional", INFO, REQUEST, BODY, "body-added-optional", "existence", "An optional request body was added.", always),
    Rule("request-body-removed", BREAKING, REQUEST, BODY, "body-removed", "existence", "The request body was removed.", always),
    Rule("request-body-became-required", BREAKING, REQUEST, BODY, "became-required", "requiredness", "The request body became required.", always),
    Rule("request-body-became-optional", INFO, REQUEST, BODY, "became-optional", "requiredness", "The request body became optional.", always),
    Rule("request-body-media-type-added", INFO, REQUEST, BODY, "media-type-added", "media types", "The request body has a new media type.", always),
    Rule("request-body-media-type-removed", BREAKING, REQUEST, BODY, "media-type-removed", "media types", "The request body lost a media type.", always),
    Rule("request-body-media-type-schema-added", BREAKING, REQUEST, BODY, "media-type-schema-added", "media types", "A media type of the request body has a schema now.", always),
    Rule("request-body-media-type-schema-removed", INFO, REQUEST, BODY, "media-type-schema-removed", "media types", "A media type of the request body lost its schema.", always),
    Rule("request-body-encoding-changed", BREAKING, REQUEST, BODY, "encoding-changed", "media types", "A part of the request body is encoded differently.", always),
    Rule("webhook-body-added-required", INFO, RESPONSE, BODY, "body-added-required", "existence", "A webhook or callback carries a body now, always.", always),
    Rule("webhook-body-added-optional", INFO, RESPONSE, BODY, "body-added-optional", "existence", "A webhook or callback may carry a body now.", always),
    Rule("webhook-body-removed", BREAKING, RESPONSE, BODY, "body-removed", "existence", "A webhook or callback carries no body any more.", always),
    Rule("webhook-body-became-required", INFO, RESPONSE, BODY, "became-required", "requiredness", "A webhook or callback always carries its body now.", always),
    Rule("webhook-body-became-optional", BREAKING, RESPONSE, BODY, "became-optional", "requiredness", "A webhook or callback may leave out its body now.", always),
    Rule("response-media-type-added", INFO, RESPONSE, BODY, "media-type-added", "media types", "A response has a new media type.", always),
    Rule("response-media-type-removed", BREAKING, RESPONSE, BODY, "media-type-removed", "media types", "A response lost a media type.", always),
    Rule("response-media-type-name-changed", INFO, RESPONSE, BODY, "media-type-name-changed", "media types", "A response has another media type of the same kind.", always),
    Rule("response-media-type-name-generalized", BREAKING, RESPONSE, BODY, "media-type-name-generalized", "media types", "A response has a wider media type.", always),
    Rule("response-media-type-name-specialized", INFO, RESPONSE, BODY, "media-type-name-specialized", "media types", "A response has a narrower media type.", always),
    Rule("response-body-media-type-schema-added", INFO, RESPONSE, BODY, "media-type-schema-added", "media types", "A media type of a response has a schema now.", always),
    Rule("response-body-media-type-schema-removed", WARNING, RESPONSE, BODY, "media-type-schema-removed", "media types", "A media type of a response lost its schema.", always),
    Rule("response-body-encoding-changed", BREAKING, RESPONSE, BODY, "encoding-changed", "media types", "A part of a response is encoded differently.", always),
    Rule("response-success-status-removed", BREAKING, RESPONSE, ANSWER, "success-status-removed", "responses", "A status that says it worked was removed.", always),
    Rule("response-success-status-added", INFO, RESPONSE, ANSWER, "success-status-added", "responses", "A status that says it worked was added.", always),
    Rule("response-non-success-status-removed", INFO, RESPONSE, ANSWER, "non-success-status-removed", "responses", "A status that says it failed was removed.", always),
    Rule("response-non-success-status-added", INFO, RESPONSE, ANSWER, "non-success-status-added", "responses", "A status that says it failed was added.", always),
    Rule("response-link-removed", WARNING, RESPONSE, ANSWER, "link-removed", "responses", "A response lost a link.", always),
    Rule("response-link-added", INFO, RESPONSE, ANSWER, "link-added", "responses", "A response has a new link.", always),
    Rule("callback-response-removed", WARNING, REQUEST, ANSWER, "status-removed", "callbacks", "The API no longer describes one of the answers to a webhook or callback.", always),
    Rule("callback-response-added", INFO, REQUEST, ANSWER, "status-added", "callbacks", "The API describes one more answer to a webhook or callback.", always),
    Rule("response-header-added", INFO, RESPONSE, HEADER, "header-added", "headers", "A response header was added.", always),
    Rule("required-response-header-removed-before-sunset", BREAKING, RESPONSE, HEADER, "required-header-removed", "headers", "A required response header that was deprecated was removed before its sunset.", before_sunset),
    Rule("required-response-header-removed-with-deprecation", INFO, RESPONSE, HEADER, "required-header-removed", "headers", "A required response header was removed after having been deprecated.", after_deprecation),
    Rule("optional-response-header-removed-with-deprecation", INFO, RESPONSE, HEADER, "optional-header-removed", "headers", "An optional response header was removed after having been deprecated.", after_deprecation),
    Rule("required-response-header-removed", BREAKING, RESPONSE, HEADER, "required-header-removed", "headers", "A required response header was removed.", always),
    Rule("optional-response-header-removed", WARNING, RESPONSE, HEADER, "optional-header-removed", "headers", "An optional response header was removed.", always),
    Rule("response-header-became-optional", BREAKING, RESPONSE, HEADER, "became-optional", "headers", "A response header became optional.", always),
    Rule("response-header-became-required", INFO, RESPONSE, HEADER, "became-required", "headers", "A response header became required.", always),
    Rule("response-header-deprecated", INFO, RESPONSE, HEADER, "deprecated", "headers", "A response header became deprecated.", always),
    Rule("response-header-reactivated", INFO, RESPONSE, HEADER, "reactivated", "headers", "A response header is no longer deprecated.", always),
)
