"""Operations, webhooks and callbacks as a whole."""

from __future__ import annotations

from specs.diff.conditions import always, with_sunset
from specs.diff.occurrence import NONE, OPERATION
from specs.diff.registry import BREAKING, INFO, WARNING, Rule

# fmt: off
RULES = (
    Rule("endpoint-added", INFO, NONE, OPERATION, "operation-added", "existence", "An operation was added.", always),
    Rule("api-path-removed-without-deprecation", BREAKING, NONE, OPERATION, "path-removed-without-deprecation", "existence", "An operation went with its path without having been deprecated.", always),
    Rule("api-path-removed-with-deprecation", INFO, NONE, OPERATION, "path-removed-with-deprecation", "existence", "An operation went with its path after having been deprecated.", always),
    Rule("api-path-removed-before-sunset", BREAKING, NONE, OPERATION, "path-removed-before-sunset", "existence", "An operation went with its path before its sunset.", always),
    Rule("api-path-removed-while-unstable", INFO, NONE, OPERATION, "path-removed-unstable", "existence", "An operation went with its path while its stability was draft or alpha.", always),
    Rule("api-removed-without-deprecation", BREAKING, NONE, OPERATION, "operation-removed-without-deprecation", "existence", "An operation was removed without having been deprecated.", always),
    Rule("api-removed-with-deprecation", INFO, NONE, OPERATION, "operation-removed-with-deprecation", "existence", "An operation was removed after having been deprecated.", always),
    Rule("api-removed-before-sunset", BREAKING, NONE, OPERATION, "operation-removed-before-sunset", "existence", "An operation was removed before its sunset.", always),
    Rule("api-removed-while-unstable", INFO, NONE, OPERATION, "operation-removed-unstable", "existence", "An operation was removed while its stability was draft or alpha.", always),
    Rule("api-path-sunset-parse", BREAKING, NONE, OPERATION, "sunset-invalid", "lifecycle", "The sunset of a deprecated operation is no date.", always),
    Rule("endpoint-deprecated-with-sunset", INFO, NONE, OPERATION, "deprecated", "lifecycle", "An operation became deprecated and names its sunset.", with_sunset),
    Rule("endpoint-deprecated", INFO, NONE, OPERATION, "deprecated", "lifecycle", "An operation became deprecated.", always),
    Rule("endpoint-reactivated", INFO, NONE, OPERATION, "reactivated", "lifecycle", "An operation is no longer deprecated.", always),
    Rule("api-deprecated-sunset-parse", BREAKING, NONE, OPERATION, "deprecated-sunset-invalid", "lifecycle", "An operation became deprecated with a sunset that is no date.", always),
    Rule("api-deprecated-sunset-missing", BREAKING, NONE, OPERATION, "deprecated-sunset-missing", "lifecycle", "An operation became deprecated without the sunset its stability asks for.", always),
    Rule("api-sunset-date-too-small", BREAKING, NONE, OPERATION, "sunset-date-too-small", "lifecycle", "An operation has a sunset sooner than its stability allows.", always),
    Rule("sunset-deleted", BREAKING, NONE, OPERATION, "sunset-deleted", "lifecycle", "A deprecated operation lost its sunset.", always),
    Rule("api-sunset-date-changed-too-small", BREAKING, NONE, OPERATION, "sunset-date-changed-too-small", "lifecycle", "A deprecated operation has an earlier sunset.", always),
    Rule("api-sunset-changed", INFO, NONE, OPERATION, "sunset-changed", "lifecycle", "A deprecated operation has another sunset.", always),
    Rule("api-stability-decreased", BREAKING, NONE, OPERATION, "stability-decreased", "lifecycle", "An operation became less stable.", always),
    Rule("api-stability-increased", INFO, NONE, OPERATION, "stability-increased", "lifecycle", "An operation became more stable.", always),
    Rule("api-invalid-stability-level", BREAKING, NONE, OPERATION, "stability-invalid", "lifecycle", "The stability of an operation is none of draft, alpha, beta, stable.", always),
    Rule("api-operation-id-changed", INFO, NONE, OPERATION, "operation-id-changed", "naming", "An operation has another operation id.", always),
    Rule("api-operation-id-removed", INFO, NONE, OPERATION, "operation-id-removed", "naming", "An operation lost its operation id.", always),
    Rule("api-operation-id-added", INFO, NONE, OPERATION, "operation-id-added", "naming", "An operation has an operation id now.", always),
    Rule("api-tag-removed", INFO, NONE, OPERATION, "tag-removed", "naming", "An operation lost a tag.", always),
    Rule("api-tag-added", INFO, NONE, OPERATION, "tag-added", "naming", "An operation has a new tag.", always),
    Rule("api-security-removed", INFO, NONE, OPERATION, "security-removed", "security", "An operation can no longer be called with one kind of credentials.", always),
    Rule("api-security-added", INFO, NONE, OPERATION, "security-added", "security", "An operation can be called with one more kind of credentials.", always),
    Rule("api-security-scope-removed", INFO, NONE, OPERATION, "security-scope-removed", "security", "An operation no longer needs a scope.", always),
    Rule("api-security-scope-added", INFO, NONE, OPERATION, "security-scope-added", "security", "An operation needs one more scope.", always),
    Rule("api-security-became-needed", WARNING, NONE, OPERATION, "security-became-needed", "security", "An operation can no longer be called without credentials.", always),
    Rule("api-security-became-needless", INFO, NONE, OPERATION, "security-became-needless", "security", "An operation can be called without credentials now.", always),
    Rule("api-operation-server-removed", WARNING, NONE, OPERATION, "server-removed", "servers", "An operation is no longer served at an address.", always),
    Rule("api-operation-server-added", INFO, NONE, OPERATION, "server-added", "servers", "An operation is served at one more address.", always),
    Rule("callback-removed", BREAKING, NONE, OPERATION, "callback-removed", "callbacks", "An operation lost a callback.", always),
    Rule("callback-added", INFO, NONE, OPERATION, "callback-added", "callbacks", "An operation has a new callback.", always),
    Rule("webhook-removed", BREAKING, NONE, OPERATION, "webhook-removed", "callbacks", "A webhook was removed.", always),
    Rule("webhook-added", INFO, NONE, OPERATION, "webhook-added", "callbacks", "A webhook was added.", always),
)
