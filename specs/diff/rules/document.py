"""The document as a whole, and its security schemes."""

from __future__ import annotations

from specs.diff.conditions import always
from specs.diff.occurrence import DOCUMENT, NONE, SECURITY
from specs.diff.registry import BREAKING, INFO, WARNING, Rule

# fmt: off
RULES = (
    Rule("too-many-changes", BREAKING, NONE, DOCUMENT, "too-many", "document", "There are more changes than are listed.", always),
    Rule("api-version-decreased", INFO, NONE, DOCUMENT, "version-decreased", "document", "The version of the document is lower.", always),
    Rule("api-schema-dialect-changed", WARNING, NONE, DOCUMENT, "dialect-changed", "document", "Schemas are read in another dialect.", always),
    Rule("api-schema-removed", INFO, NONE, DOCUMENT, "schema-removed", "document", "A described schema was removed.", always),
    Rule("api-server-removed", WARNING, NONE, DOCUMENT, "server-removed", "servers", "The API is no longer served at an address.", always),
    Rule("api-server-added", INFO, NONE, DOCUMENT, "server-added", "servers", "The API is served at one more address.", always),
    Rule("api-global-security-removed", INFO, NONE, DOCUMENT, "security-removed", "security", "By default, operations can no longer be called with one kind of credentials.", always),
    Rule("api-global-security-added", INFO, NONE, DOCUMENT, "security-added", "security", "By default, operations can be called with one more kind of credentials.", always),
    Rule("api-global-security-scope-removed", INFO, NONE, DOCUMENT, "security-scope-removed", "security", "By default, operations no longer need a scope.", always),
    Rule("api-global-security-scope-added", INFO, NONE, DOCUMENT, "security-scope-added", "security", "By default, operations need one more scope.", always),
    Rule("api-security-component-removed", INFO, NONE, SECURITY, "scheme-removed", "security", "A security scheme was removed.", always),
    Rule("api-security-component-added", INFO, NONE, SECURITY, "scheme-added", "security", "A security scheme was added.", always),
    Rule("api-security-component-type-changed", INFO, NONE, SECURITY, "scheme-type-changed", "security", "A security scheme changed its type.", always),
    Rule("api-security-component-changed", WARNING, NONE, SECURITY, "scheme-changed", "security", "A security scheme changed how credentials are sent.", always),
    Rule("api-security-component-oauth-flow-removed", WARNING, NONE, SECURITY, "scheme-flow-removed", "security", "A security scheme lost an OAuth flow.", always),
    Rule("api-security-component-oauth-flow-added", INFO, NONE, SECURITY, "scheme-flow-added", "security", "A security scheme has one more OAuth flow.", always),
    Rule("api-security-component-oauth-url-changed", INFO, NONE, SECURITY, "scheme-authorization-url-changed", "security", "A security scheme has another authorization address.", always),
    Rule("api-security-component-oauth-token-url-changed", INFO, NONE, SECURITY, "scheme-token-url-changed", "security", "A security scheme has another token address.", always),
    Rule("api-security-component-oauth-scope-removed", INFO, NONE, SECURITY, "scheme-scope-removed", "security", "A security scheme lost a scope.", always),
    Rule("api-security-component-oauth-scope-added", INFO, NONE, SECURITY, "scheme-scope-added", "security", "A security scheme has one more scope.", always),
    Rule("api-security-component-oauth-scope-changed", INFO, NONE, SECURITY, "scheme-scope-changed", "security", "A security scheme describes a scope differently.", always),
)
