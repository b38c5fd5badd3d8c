//! `…/applications/{id}/authorized-apis`: the management APIs that an application may call, each with its scopes.

use std::borrow::Cow;

use actix_web::{HttpResponse, http::StatusCode};
use base::{id::ApplicationId, secret::Digest};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{application_error, invalid, named};
use crate::{
    app::{
        State, applications::vendor, authorization_server::scopes::ManagementScope, input,
        principal::Principal,
    },
    http::wso2::{
        call::{Call, Json},
        error::Wso2Error,
    },
};

/// An API, at the root and in organizations.
struct Api {
    /// Its path at the root.
    path: &'static str,
    name: &'static str,
    /// How the names of its scopes begin, without their prefix.
    scopes: &'static [&'static str],
}

const APIS: [Api; 10] = [
    Api {
        path: "/api/server/v1/organizations",
        name: "Organization Management API",
        scopes: &["organization_"],
    },
    Api {
        path: "/api/server/v1/applications",
        name: "Application Management API",
        scopes: &["application_mgt_", "shared_application_"],
    },
    Api { path: "/scim2/Users", name: "SCIM2 Users API", scopes: &["user_mgt_"] },
    Api { path: "/scim2/Groups", name: "SCIM2 Groups API", scopes: &["group_mgt_"] },
    Api { path: "/scim2/v2/Roles", name: "SCIM2 Roles API", scopes: &["role_mgt_"] },
    Api { path: "/api/server/v1/guests", name: "Organization Guests API", scopes: &["guest_mgt_"] },
    Api {
        path: "/api/server/v1/identity-providers",
        name: "Identity Provider Management API",
        scopes: &["idp_"],
    },
    Api { path: "/api/server/v1/directories", name: "Directory Management API", scopes: &["directory_mgt_"] },
    Api { path: "/api/server/v1/domains", name: "Domain Management API", scopes: &["domain_mgt_"] },
    Api { path: "/api/server/v1/audit-events", name: "Audit Log API", scopes: &["audit_event_"] },
];

impl Api {
    /// Its identifier at the root or in organizations.
    fn identifier(&self, in_organization: bool) -> String {
        format!("{}{}", if in_organization { "/o" } else { "" }, self.path)
    }

    fn has(&self, scope: ManagementScope) -> bool {
        self.scopes.iter().any(|start| scope.name.starts_with(start))
    }
}

/// The id of an API: computed from its identifier.
fn id_of(identifier: &str) -> String {
    let digest = Digest::of(identifier).to_hex();
    u128::from_str_radix(&digest[..32], 16).map(Uuid::from_u128).unwrap_or_default().hyphenated().to_string()
}

/// The API that a caller names by its id or its identifier.
fn find_api(text: &str) -> Option<(&'static Api, bool)> {
    let all = APIS.iter().flat_map(|api| [(api, false), (api, true)]);
    all.into_iter().find(|(api, in_organization)| {
        let identifier = api.identifier(*in_organization);
        identifier == text || id_of(&identifier) == text
    })
}

/// Scopes that are authorized.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authorization {
    id: String,
    policy_identifier: Option<String>,
    scopes: Vec<String>,
}

/// A change of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    #[serde(default)]
    added_scopes: Vec<String>,
    #[serde(default)]
    removed_scopes: Vec<String>,
}

fn unknown_api(text: &str) -> Wso2Error {
    let text = input::quoted(text);
    let description = Cow::from(format!("there is no API {text}"));
    Wso2Error::new(StatusCode::NOT_FOUND, "APP-60001", "API resource not found.", description)
}

/// `GET …/authorized-apis`
pub(in crate::http::wso2) async fn list(call: Call) -> Result<HttpResponse, Wso2Error> {
    let found = named(&call).await.map_err(application_error)?;
    let scopes = &found.application.scopes;
    let known = |scope: &String| ManagementScope::parse(scope).map(|known| (scope.clone(), known));
    let known: Vec<(String, ManagementScope)> = scopes.iter().filter_map(known).collect();
    let mut listed: Vec<Value> = Vec::new();
    for (api, in_organization) in APIS.iter().flat_map(|api| [(api, false), (api, true)]) {
        let of =
            known.iter().filter(|(_, scope)| scope.in_organization == in_organization && api.has(*scope));
        let scopes: Vec<Value> = of.map(|(text, _)| json!({ "name": text, "displayName": text })).collect();
        if scopes.is_empty() {
            continue;
        }
        let identifier = api.identifier(in_organization);
        listed.push(json!({
            "id": id_of(&identifier),
            "identifier": identifier,
            "displayName": api.name,
            "policyId": "RBAC",
            "type": if in_organization { "ORGANIZATION" } else { "TENANT" },
            "authorizedScopes": scopes,
        }));
    }
    Ok(HttpResponse::Ok().json(listed))
}

/// `POST …/authorized-apis`
pub(in crate::http::wso2) async fn authorize(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let found = named(&call).await.map_err(application_error)?;
    let (state, principal) = (call.state.clone(), call.principal);
    let asked: Authorization = call.body.read()?;
    let policies = ["RBAC", "NO POLICY", "No Policy"];
    if asked.policy_identifier.as_ref().is_some_and(|policy| !policies.contains(&policy.as_str())) {
        return Err(invalid("policyIdentifier must be RBAC or NO POLICY"));
    }
    let api = find_api(&asked.id).ok_or_else(|| unknown_api(&asked.id))?;
    check(&asked.scopes, api)?;
    save(&state, &principal, found.application.id, &asked.scopes, &[]).await
}

/// `PATCH …/authorized-apis/{api}`
pub(in crate::http::wso2) async fn change(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let found = named(&call).await.map_err(application_error)?;
    let api = find_api(call.path("api")).ok_or_else(|| unknown_api(call.path("api")))?;
    let (state, principal) = (call.state.clone(), call.principal);
    let asked: Change = call.body.read()?;
    check(&asked.added_scopes, api)?;
    check(&asked.removed_scopes, api)?;
    save(&state, &principal, found.application.id, &asked.added_scopes, &asked.removed_scopes).await
}

/// `DELETE …/authorized-apis/{api}`
pub(in crate::http::wso2) async fn remove(call: Call) -> Result<HttpResponse, Wso2Error> {
    let found = named(&call).await.map_err(application_error)?;
    let (api, in_organization) = find_api(call.path("api")).ok_or_else(|| unknown_api(call.path("api")))?;
    let is_of_api = |scope: &String| {
        let known = ManagementScope::parse(scope);
        known.is_some_and(|known| known.in_organization == in_organization && api.has(known))
    };
    let all: Vec<String> = ManagementScope::all().filter(is_of_api).collect();
    save(&call.state, &call.principal, found.application.id, &[], &all).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Requires scopes of this API.
fn check(scopes: &[String], (api, in_organization): (&Api, bool)) -> Result<(), Wso2Error> {
    for scope in scopes {
        let known = ManagementScope::parse(scope);
        if known.is_none_or(|known| known.in_organization != in_organization || !api.has(known)) {
            let scope = input::quoted(scope);
            return Err(invalid(format!("the scope {scope} is none of this API")));
        }
    }
    Ok(())
}

async fn save(
    state: &State,
    principal: &Principal,
    id: ApplicationId,
    added: &[String],
    removed: &[String],
) -> Result<HttpResponse, Wso2Error> {
    vendor::change_scopes(state, principal, id, added, removed).await.map_err(application_error)?;
    Ok(HttpResponse::Ok().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_of_the_management_apis_is_one_of_theirs() {
        for scope in ManagementScope::all() {
            let known = ManagementScope::parse(&scope).unwrap();
            assert_eq!(APIS.iter().filter(|api| api.has(known)).count(), 1, "{scope}");
        }
    }

    #[test]
    fn an_api_is_named_by_its_id_or_its_identifier() {
        let (api, in_organization) = find_api("/o/scim2/Users").unwrap();
        assert_eq!((api.path, in_organization), ("/scim2/Users", true));
        let (api, in_organization) = find_api(&id_of("/scim2/Users")).unwrap();
        assert_eq!((api.path, in_organization), ("/scim2/Users", false));
        assert!(find_api("/scim2").is_none() && find_api("").is_none());
    }
}
