//! The surface in the OpenAPI document: the handlers' annotations, and what all operations have in common.

use base::id::Id;
use serde_json::{Value, json};
use utoipa::OpenApi as _;

use super::{Handlers, access};
use crate::app::{
    authorization_server::scopes::{self, SYSTEM_SCOPES},
    permissions::Action,
    principal::{On, Principal},
};

/// The name of the security scheme.
const SCHEME: &str = "accessToken";

/// The tags of the handlers, in the order of the documentation: the name in the document, and what it is.
const TAGS: &[(&str, &str, &str)] = &[
    (
        "Organizations",
        "SecureAuth organizations",
        "SecureAuth's organization API: templates, and customers made from them. It takes the scope `manage_organizations`; \
         `view_organizations` reads. The same calls answer below `/api/admin/{tenant}`.",
    ),
    (
        "Identity pools",
        "SecureAuth identity pools",
        "SecureAuth's identity API: where the users of an organization are, and the rules by which they authenticate. It takes \
         the scope `identity`. The same calls answer below `/api/identity/{tenant}/admin`.",
    ),
    (
        "Identity schemas",
        "SecureAuth identity schemas",
        "SecureAuth's identity API: JSON Schemas of what is kept about users. It takes the scope `identity`. The same calls answer \
         below `/api/identity/{tenant}/admin`.",
    ),
    (
        "Users",
        "SecureAuth users",
        "SecureAuth's identity API: the users of an identity pool, by what they are found and reached, and their credentials. \
         It takes the scope `identity`.",
    ),
    (
        "Groups",
        "SecureAuth groups",
        "SecureAuth's identity API: groups of the users of an identity pool. It takes the scope `identity`. The same calls answer \
         below `/api/identity/{tenant}/admin`.",
    ),
    (
        "Audit log",
        "SecureAuth audit events",
        "SecureAuth's system API: who changed what. It takes the scope `view_audit_events`.",
    ),
];

const SCHEME_ABOUT: &str = "An access token of a service client of the workspace `system`, by client credentials at \
    `/{tenant}/system/oauth2/token`: `Authorization: Bearer eyJ…`.";

/// What an error of this status means.
const ERRORS: &[(&str, &str)] = &[
    ("401", "No access token, or one that is unknown, has expired or was revoked: `unauthorized`."),
    (
        "403",
        "The token was given for none of the scopes (`insufficient_scope`), or is of another tenant (`tenant_mismatch`).",
    ),
    ("404", "It does not exist, or belongs to another tenant: `…_not_found`."),
    ("429", "Too many requests, or too many guesses: `too_many_requests`, with `Retry-After`."),
];

/// Those of an operation that has a body.
const ERRORS_OF_WRITES: &[(&str, &str)] = &[
    (
        "400",
        "The body is no JSON object, or a member is of a wrong type, and `details` says which: `invalid_json`.",
    ),
    ("409", "Somebody else has the value (`…_exists`), or the state of something else does not allow it."),
    ("413", "The body is too large."),
    ("415", "The body is not `application/json`: `unsupported_media_type`."),
    (
        "422",
        "A member is invalid: `validation_failed`, or the code of a rule; `details` says which, and why.",
    ),
];

/// Adds the operations, the schemas, the tags and the security scheme to a document.
pub fn add_to(document: &mut Value) {
    let mut own = serde_json::to_value(Handlers::openapi()).unwrap_or_default();
    let access = access();
    for (path, item) in own["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let of_it = access.iter().find(|(at, by, _)| at == path && by == method);
            complete(operation, &of_it.and_then(|(.., action)| *action).map(scopes_of).unwrap_or_default());
        }
    }
    for part in ["/paths", "/components/schemas"] {
        let added = own.pointer_mut(part).map(Value::take).unwrap_or_default();
        if let (Some(into), Value::Object(added)) =
            (document.pointer_mut(part).and_then(Value::as_object_mut), added)
        {
            into.extend(added);
        }
    }
    document["components"]["securitySchemes"][SCHEME] =
        json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": SCHEME_ABOUT });
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.extend(TAGS.iter().map(|(_, name, about)| json!({ "name": name, "description": about })));
    }
}

/// The operations that show one resource with its version, and those that honour `If-Match`.
const VERSIONED: &[&str] = &["Organization", "OrganizationMetadata", "Pool", "Schema", "User", "Group"];

/// The operations on parts of a user, a workspace or a group: they honour the versions of the whole.
const PARTS: &[&str] = &["UserIdentifier", "UserAddress", "WorkspacePool", "GroupUser"];

/// The scopes of the system workspace that permit an action.
fn scopes_of(action: Action) -> Vec<&'static str> {
    let permits = |scope: &&str| {
        let scopes = scopes::permissions([*scope].into_iter());
        let caller = Principal::application(Id::from_bits(0), Id::from_bits(0), scopes);
        caller.authorize(action, On::AnyOrganization).is_ok()
    };
    SYSTEM_SCOPES.into_iter().filter(permits).collect()
}

/// Completes an operation that takes one of these scopes; none: the token of a user.
fn complete(operation: &mut Value, scopes: &[&str]) {
    complete_version(operation);
    let tag = operation["tags"][0].as_str().unwrap_or_default();
    if let Some((_, name, _)) = TAGS.iter().find(|(own, _, _)| *own == tag) {
        operation["tags"] = json!([name]);
    }
    operation["security"] = json!([{ SCHEME: scopes }]);
    let has_body = operation["requestBody"].is_object();
    let writes = ERRORS_OF_WRITES.iter().filter(|_| has_body);
    let takes = |is_it: fn(&Value) -> bool| {
        operation["parameters"].as_array().is_some_and(|list| list.iter().any(is_it))
    };
    let honours_if_match = takes(|parameter| parameter["name"] == "If-Match");
    let takes_query = takes(|parameter| parameter["in"] == "query");
    let invalid = ("422", "A parameter is invalid: `validation_failed`; `details` says which, and why.");
    // A user's token has no scopes of these.
    if scopes.is_empty() {
        let about = "The token is of another tenant: `tenant_mismatch`.";
        add_error(operation, "403", about);
    }
    let outdated = ("412", "It has none of the versions of `If-Match` any more: `etag_mismatch`.");
    let errors = ERRORS.iter().chain(writes).chain(honours_if_match.then_some(&outdated));
    let errors = errors.chain((honours_if_match || takes_query).then_some(&invalid));
    for (status, about) in errors {
        add_error(operation, status, about);
    }
    for answer in operation["responses"].as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
        if answer["description"] == "" {
            answer["description"] = "Done.".into();
        }
    }
}

/// Adds an error, unless it is described.
fn add_error(operation: &mut Value, status: &str, about: &str) {
    if operation["responses"][status].is_null() {
        let schema = json!({ "$ref": "#/components/schemas/SecureauthError" });
        operation["responses"][status] =
            json!({ "description": about, "content": { "application/json": { "schema": schema } } });
    }
}

/// Adds `If-Match` and `ETag`.
fn complete_version(operation: &mut Value) {
    let id =
        operation["operationId"].as_str().unwrap_or_default().trim_start_matches("secureauth").to_owned();
    let verbs = ["Create", "Get", "Update", "Delete", "Add", "Remove"];
    let Some((verb, noun)) = verbs.iter().find_map(|verb| Some((*verb, id.strip_prefix(verb)?))) else {
        return;
    };
    let (is_resource, is_part) = (VERSIONED.contains(&noun), PARTS.contains(&noun));
    if is_resource && verb != "Delete" {
        let status = if verb == "Create" { "201" } else { "200" };
        operation["responses"][status]["headers"]["ETag"] =
            json!({ "description": "The version, for `If-Match`.", "schema": { "type": "string" } });
    }
    let honours = match verb {
        "Update" | "Delete" | "Add" | "Remove" => is_resource || is_part,
        "Get" => noun == "Organization",
        _ => false,
    };
    if honours && let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.push(json!({
            "name": "If-Match",
            "in": "header",
            "required": false,
            "description": "The `ETag` of the version that it is made from; of another one it is refused with 412.",
            "schema": { "type": "string", "example": "W/\"1\"" },
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_schema_has_the_name_of_another_surfaces() {
        let own = serde_json::to_value(Handlers::openapi()).unwrap();
        let others = serde_json::to_value(crate::http::ssoready::Handlers::openapi()).unwrap();
        for (name, schema) in own["components"]["schemas"].as_object().unwrap() {
            let other = &others["components"]["schemas"][name];
            assert!(other.is_null() || other == schema, "{name} is two things");
        }
    }
}
