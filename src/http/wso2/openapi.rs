//! The surface in the OpenAPI document: the operations of its tables of routes, with the scopes that each takes. Each stands there once,
//! at the form of its path that shows where it can be called; the others answer the same.

mod operations;
mod schemas;

use serde_json::{Value, json};

use super::{
    Access, access::At, access::Needs, access_scim, applications_access, guests_access, roles_access,
};
use crate::links::wso2;
use operations::{OPERATIONS, Operation};

/// The name of the security scheme.
const SCHEME: &str = "wso2Token";

const SCHEME_ABOUT: &str = "An access token of one of WSO2's issuers: `Authorization: Bearer eyJ…`. At the root one of `/oauth2/token`, in an \
    organization one that was switched to it (`grant_type=organization_switch`).";

/// The tags, and what they are.
const TAGS: &[(&str, &str)] = &[
    (
        "WSO2 organizations",
        "WSO2 Identity Server's organization API: the organizations below the one in which the caller acts. Each call answers below \
         `/`, `/t/{tenant}`, `/o` and `/o/{organization}`; scopes begin with `internal_` at the root and with `internal_org_` in an \
         organization.",
    ),
    ("WSO2 discovery", "By which domains of e-mail addresses people are led to their organization."),
    ("WSO2 applications", "Applications, the APIs that they may call, and with whom they are shared."),
    ("WSO2 roles", "Roles v2 of WSO2's SCIM: of the root and of organizations, with who has them."),
    (
        "WSO2 users",
        "SCIM 2.0 (RFC 7644) of an organization's own users and groups, with WSO2's looser filters: values need no quotes.",
    ),
    ("WSO2 guests", "Users of the organization above who are invited into an organization."),
    ("WSO2 tokens", "Access tokens by WSO2's paths."),
];

/// What an error of this status means, of the management APIs.
const ERRORS: &[(&str, &str, bool)] = &[
    ("400", "The request is invalid, or its state does not allow it; `code` says why.", true),
    ("401", "No access token, or one that is unknown, has expired or was revoked. There is no body.", false),
    ("403", "The token takes none of the scopes, or is good elsewhere. There is no body.", false),
    ("404", "It does not exist where the caller acts.", true),
    ("429", "Too many requests, with `Retry-After`.", true),
];

/// The described ways to call the surface: the path and the method.
pub fn routes() -> Vec<(&'static str, &'static str)> {
    described().map(|(path, operation, _)| (path, operation.method)).collect()
}

/// Each operation with the path at which it is described, and what it takes; `None`: no token.
fn described() -> impl Iterator<Item = (&'static str, &'static Operation, Option<Needs>)> {
    let all: Vec<Access> =
        [super::access(), applications_access(), guests_access(), roles_access(), access_scim()].concat();
    let place = move |operation: &'static Operation| {
        let needs = all
            .iter()
            .find(|(path, method, _)| *path == operation.path[0] && *method == operation.method)
            .map(|(.., needs)| *needs);
        let [root, _, in_organization, ..] = operation.path;
        let path = match needs {
            Some(Needs { at: At::Organization, .. }) => in_organization,
            _ => root,
        };
        (path, operation, needs)
    };
    OPERATIONS.iter().map(place)
}

/// Adds the operations, the schemas, the tags and the security scheme to a document.
pub fn add_to(document: &mut Value) {
    for (path, operation, needs) in described() {
        document["paths"][path][operation.method] = describe(path, operation, needs);
    }
    let [token, ..] = operations::TOKEN;
    document["paths"][token]["post"] = operations::token();
    let sent: Vec<&str> = OPERATIONS.iter().map(|operation| operation.body).collect();
    for (name, schema) in schemas::schemas(&sent) {
        document["components"]["schemas"][name] = schema;
    }
    document["components"]["securitySchemes"][SCHEME] =
        json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": SCHEME_ABOUT });
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.extend(TAGS.iter().map(|(name, about)| json!({ "name": name, "description": about })));
    }
}

/// The scopes that an operation takes, as they are where it is described.
fn scopes(needs: Needs) -> Vec<String> {
    let prefix = if needs.at == At::Organization { "internal_org_" } else { "internal_" };
    needs.any.iter().map(|name| format!("{prefix}{name}")).collect()
}

fn describe(path: &str, operation: &Operation, needs: Option<Needs>) -> Value {
    let is_scim = path.contains(wso2::SCIM[0]);
    let (kind, error) = match is_scim {
        true => ("application/scim+json", "Wso2ScimError"),
        false => ("application/json", "Wso2Error"),
    };
    let content = |schema: &str| {
        let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
        match is_scim {
            true => json!({ "application/scim+json": { "schema": schema } }),
            false => json!({ "application/json": { "schema": schema } }),
        }
    };
    let parameter = |place: &str, name: &str, about: &str| {
        json!({
            "name": name, "in": place, "required": place == "path", "description": about, "schema": { "type": "string" },
        })
    };
    let in_path =
        operations::PATH_PARAMETERS.iter().filter(|(name, _)| path.contains(&format!("{{{name}}}")));
    let parameters: Vec<Value> = in_path
        .map(|(name, about)| parameter("path", name, about))
        .chain(operation.query.iter().map(|(name, about)| parameter("query", name, about)))
        .collect();
    let (status, schema) = operation.good;
    let good = match schema {
        "" => json!({ "description": "Done." }),
        schema => json!({ "description": "Done.", "content": content(schema) }),
    };
    let mut responses = json!({ (status): good });
    let has_id = path.contains('{');
    for (status, about, has_body) in ERRORS {
        let applies = match *status {
            "401" | "403" => needs.is_some(),
            "404" => has_id,
            _ => true,
        };
        if applies {
            responses[*status] = match *has_body || is_scim {
                true => {
                    let reference = json!({ "$ref": format!("#/components/schemas/{error}") });
                    json!({ "description": about.replace(" There is no body.", ""), "content": { (kind): { "schema": reference } } })
                }
                false => json!({ "description": about }),
            };
        }
    }
    let mut described = json!({
        "tags": [operation.tag],
        "operationId": operation.id,
        "summary": operation.summary,
        "security": match needs {
            Some(needs) => json!([{ SCHEME: scopes(needs) }]),
            None => json!([]),
        },
        "parameters": parameters,
        "responses": responses,
    });
    if !operation.about.is_empty() {
        described["description"] = operation.about.into();
    }
    if !operation.body.is_empty() {
        described["requestBody"] = json!({ "required": true, "content": content(operation.body) });
    }
    described
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_of_the_tables_is_described_and_no_other() {
        let described: BTreeSet<(&str, &str)> =
            OPERATIONS.iter().map(|operation| (operation.path[0], operation.method)).collect();
        let all =
            [super::super::access(), applications_access(), guests_access(), roles_access(), access_scim()];
        let is_base = |path: &str| path.starts_with("/api/") || path.starts_with("/scim2");
        let mut routes: BTreeSet<(&str, &str)> = all
            .concat()
            .into_iter()
            .filter(|(path, ..)| is_base(path))
            .map(|(path, method, _)| (path, method))
            .collect();
        routes.insert((wso2::ACCEPT_INVITATION[0], "post"));
        assert_eq!(described, routes);
        assert_eq!(described.len(), OPERATIONS.len(), "one is described twice");
    }
}
