//! Bodies of the calls that share applications.

use actix_web::http::StatusCode;
use model::application::{Application, RoleAudience, RoleSharing, RoleSharingMode, Sharing};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::{Error, State, applications::roles, input},
    http::wso2::error::Wso2Error,
};

/// `POST …/{id}/share`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShareAsBefore {
    pub(super) share_with_all_children: Option<bool>,
    pub(super) shared_organizations: Option<Vec<String>>,
}

/// `POST …/share`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShareSelected {
    pub(super) application_id: String,
    #[serde(default)]
    pub(super) organizations: Vec<SelectedOrganization>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SelectedOrganization {
    pub(super) org_id: String,
    pub(super) policy: String,
    pub(super) role_sharing: Option<RoleSharingBody>,
}

/// `POST …/share-with-all`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShareWithAll {
    pub(super) application_id: String,
    pub(super) policy: Option<String>,
    pub(super) role_sharing: Option<RoleSharingBody>,
}

/// `POST …/unshare`, `…/unshare-with-all`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Unshare {
    pub(super) application_id: String,
    #[serde(default)]
    pub(super) org_ids: Vec<String>,
}

/// `PATCH …/share`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeRoles {
    pub(super) application_id: String,
    #[serde(default, rename = "Operations", alias = "operations")]
    pub(super) operations: Vec<RoleOperation>,
}

#[derive(Deserialize)]
pub(super) struct RoleOperation {
    pub(super) op: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) value: Vec<RoleName>,
}

/// Which roles are shared along.
#[derive(Deserialize)]
pub(super) struct RoleSharingBody {
    mode: String,
    #[serde(default)]
    roles: Vec<RoleName>,
}

/// A role by its name.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoleName {
    display_name: String,
    audience: RoleNameAudience,
}

#[derive(Deserialize)]
struct RoleNameAudience {
    display: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Refuses a request.
pub(super) fn refused(
    code: &'static str,
    message: &'static str,
    description: impl Into<String>,
) -> Wso2Error {
    Wso2Error::new(StatusCode::BAD_REQUEST, code, message, description.into())
}

/// A request that names nothing to be done.
pub(super) fn empty() -> Wso2Error {
    refused(
        "ORG-60067",
        "Invalid application share request.",
        "Either shareWithAllChildren or sharedOrganizations, or a policy, must be specified.",
    )
}

/// A request that contradicts itself.
pub(super) fn contradictory() -> Wso2Error {
    refused(
        "ORG-60068",
        "Invalid application share request.",
        "An application is shared either with all organizations or with those that are named.",
    )
}

/// A policy that these calls do not know.
pub(super) fn unsupported_policy(policy: &str) -> Wso2Error {
    refused(
        "ORG-60001",
        "Unsupported policy.",
        format!("The policy {} is not supported here.", input::quoted(policy)),
    )
}

/// With how much a policy shares, where it concerns all organizations.
pub(super) fn general_policy(policy: &str) -> Result<Sharing, Wso2Error> {
    match policy {
        "ALL_EXISTING_AND_FUTURE_ORGS" => Ok(Sharing::All),
        "ALL_EXISTING_ORGS_ONLY" => Ok(Sharing::Existing),
        "NO_ORGS" | "NO_ORG" => Ok(Sharing::None),
        _ => Err(unsupported_policy(policy)),
    }
}

/// The policy that an application is shared by.
pub(super) fn policy_name(sharing: Sharing) -> Option<&'static str> {
    match sharing {
        Sharing::All => Some("ALL_EXISTING_AND_FUTURE_ORGS"),
        Sharing::Existing => Some("ALL_EXISTING_ORGS_ONLY"),
        Sharing::Selected | Sharing::None => None,
    }
}

/// What `roleSharing` means for an application; all of its roles where nothing is said.
pub(super) async fn role_sharing(
    state: &State,
    application: &Application,
    body: Option<&RoleSharingBody>,
) -> Result<RoleSharing, Wso2Error> {
    let Some(body) = body else { return Ok(RoleSharing::ALL) };
    let mode = match body.mode.as_str() {
        "ALL" => RoleSharingMode::All,
        "NONE" => RoleSharingMode::None,
        "SELECTED" => RoleSharingMode::Selected,
        other => {
            let text = format!("The mode {} is none of ALL, NONE, SELECTED.", input::quoted(other));
            return Err(refused("ORG-60001", "Unsupported role sharing mode.", text));
        }
    };
    match (mode, body.roles.is_empty()) {
        (RoleSharingMode::Selected, true) => {
            Err(refused("ORG-60001", "Invalid role sharing.", "The mode SELECTED takes at least one role."))
        }
        (RoleSharingMode::Selected, false) => {
            Ok(RoleSharing { mode, roles: role_ids(state, application, &body.roles).await? })
        }
        (_, false) => {
            Err(refused("ORG-60001", "Invalid role sharing.", "Only the mode SELECTED takes roles."))
        }
        (_, true) => Ok(RoleSharing { mode, roles: Vec::new() }),
    }
}

/// The ids of roles of an application that are called by their names.
pub(super) async fn role_ids(
    state: &State,
    application: &Application,
    names: &[RoleName],
) -> Result<Vec<String>, Wso2Error> {
    let mut conn = state.db.read().await.map_err(Error::from)?;
    let there = roles::list(&mut conn, application).await?;
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        let is_its_audience = match application.role_audience {
            RoleAudience::Application => {
                name.audience.kind.eq_ignore_ascii_case("application")
                    && name.audience.display == application.shown_name()
            }
            RoleAudience::Organization => name.audience.kind.eq_ignore_ascii_case("organization"),
        };
        let key = model::role::name_key(&name.display_name);
        match there.iter().find(|role| is_its_audience && role.name_key() == key) {
            Some(role) => ids.push(role.id.to_string()),
            None => {
                let text = format!("The application has no role {}.", input::quoted(&name.display_name));
                return Err(refused("ORG-60043", "Invalid role.", text));
            }
        }
    }
    ids.sort();
    ids.dedup();
    Ok(ids)
}

/// Which roles are shared along, as it is written.
pub(super) async fn role_sharing_json(
    state: &State,
    application: &Application,
    roles: &RoleSharing,
) -> Result<Value, Error> {
    let mode = roles.mode.as_str().to_ascii_uppercase();
    if roles.mode != RoleSharingMode::Selected {
        return Ok(json!({ "mode": mode }));
    }
    let there = roles::list(&mut state.db.read().await?, application).await?;
    let named = there.iter().filter(|role| roles.roles.contains(&role.id.to_string()));
    let named: Vec<Value> = named.map(|role| role_json(application, &role.name)).collect();
    Ok(json!({ "mode": mode, "roles": named }))
}

/// A role by its name, as it is written.
pub(super) fn role_json(application: &Application, name: &str) -> Value {
    let (display, kind) = match application.role_audience {
        RoleAudience::Application => (application.shown_name(), "application"),
        RoleAudience::Organization => ("Super".to_owned(), "organization"),
    };
    json!({ "displayName": name, "audience": { "display": display, "type": kind } })
}

/// The organization of a path such as `organizations[orgId eq "…"].roles`.
pub(super) fn organization_of_path(path: &str) -> Option<&str> {
    let inner = path.trim().strip_prefix("organizations[")?.strip_suffix("].roles")?;
    let mut words = inner.split_whitespace();
    let (attribute, operator, value) = (words.next()?, words.next()?, words.next()?);
    let is_plain = words.next().is_none() && attribute == "orgId" && operator.eq_ignore_ascii_case("eq");
    is_plain.then(|| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_organization() {
        for path in ["organizations[orgId eq \"a-1\"].roles", "organizations[orgId EQ a-1].roles"] {
            assert_eq!(organization_of_path(path), Some("a-1"), "{path}");
        }
        for path in [
            "",
            "roles",
            "organizations.roles",
            "organizations[orgId ne a].roles",
            "organizations[orgId eq a b].roles",
        ] {
            assert_eq!(organization_of_path(path), None, "{path}");
        }
    }
}
