//! Applications as they stand in bodies.

use base::id::ApplicationId;
use model::{
    application::{Application, ClientKind, GrantType, RoleAudience},
    role::Role,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::invalid;
use crate::{
    app::applications::visible::VisibleApplication,
    http::wso2::{call::uuid, error::Wso2Error},
    links::{self, wso2},
};

/// What a caller may do with an application.
pub(super) fn access(found: &VisibleApplication) -> &'static str {
    if found.is_fragment { "READ" } else { "WRITE" }
}

/// The path of an application where the caller calls it.
pub(super) fn path(prefix: &str, id: ApplicationId) -> String {
    let [path, ..] = wso2::APPLICATION;
    format!("{prefix}{}", links::expand(path, &[&uuid(id)]))
}

/// The same, of one that was found.
pub(super) fn self_path(prefix: &str, found: &VisibleApplication) -> String {
    path(prefix, found.id)
}

/// An application in a list. `roles`: with the audience of its roles.
pub(super) fn item(prefix: &str, found: &VisibleApplication, with_roles: bool) -> Value {
    let application = &found.application;
    let mut item = json!({
        "id": uuid(found.id),
        "name": application.shown_name(),
        "description": application.description,
        "clientId": application.id,
        "access": access(found),
        "self": self_path(prefix, found),
    });
    if with_roles && let Value::Object(item) = &mut item {
        let audience = audience_name(application.role_audience);
        item.insert("associatedRoles".to_owned(), json!({ "allowedAudience": audience }));
    }
    item
}

/// One application, with its roles.
pub(super) fn full(prefix: &str, found: &VisibleApplication, roles: &[(String, Role)]) -> Value {
    let application = &found.application;
    let path = self_path(prefix, found);
    let roles: Vec<Value> = roles.iter().map(|(id, role)| json!({ "id": id, "name": role.name })).collect();
    json!({
        "id": uuid(found.id),
        "name": application.shown_name(),
        "description": application.description,
        "clientId": application.id,
        "access": access(found),
        "applicationEnabled": !application.disabled,
        "associatedRoles": { "allowedAudience": audience_name(application.role_audience), "roles": roles },
        "inboundProtocols": [{ "type": "oauth2", "name": application.id, "self": format!("{path}/inbound-protocols/oidc") }],
        "advancedConfigurations": { "fragment": found.is_fragment },
    })
}

/// The audience of an application's roles as these APIs write it.
pub(super) fn audience_name(audience: RoleAudience) -> &'static str {
    match audience {
        RoleAudience::Application => "APPLICATION",
        RoleAudience::Organization => "ORGANIZATION",
    }
}

/// The settings of OpenID Connect, of an application or asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Oidc {
    /// Its client id; ignored where it is sent.
    #[serde(default)]
    client_id: Option<String>,
    /// Its secret, where it is known.
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub(super) client_secret: Option<String>,
    #[serde(default, skip_deserializing)]
    state: &'static str,
    pub(super) grant_types: Vec<String>,
    #[serde(default, rename = "callbackURLs")]
    pub(super) callback_urls: Vec<String>,
    #[serde(default)]
    pub(super) allowed_origins: Vec<String>,
    #[serde(default)]
    pub(super) public_client: bool,
}

impl Oidc {
    /// Those of an application.
    pub(super) fn of(application: &Application) -> Self {
        Self {
            client_id: Some(application.id.to_string()),
            client_secret: None,
            state: if application.disabled { "REVOKED" } else { "ACTIVE" },
            grant_types: application.grant_types.iter().map(|grant| grant.as_str().to_owned()).collect(),
            callback_urls: application.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
            allowed_origins: application.origins.clone(),
            public_client: application.kind == ClientKind::Public,
        }
    }

    /// What kind of client it is: one that signs nobody in is a service.
    pub(super) fn kind(&self) -> ClientKind {
        let signs_in = self.grant_types.iter().any(|grant| grant == GrantType::AuthorizationCode.as_str());
        match (self.public_client, signs_in) {
            (true, _) => ClientKind::Public,
            (false, true) => ClientKind::Web,
            (false, false) => ClientKind::Service,
        }
    }
}

/// The roles of an application as they are asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssociatedRoles {
    allowed_audience: Option<String>,
    pub(super) roles: Option<Vec<RoleReference>>,
}

/// A role that is named by its id.
#[derive(Debug, Deserialize)]
pub(super) struct RoleReference {
    pub(super) id: String,
}

impl AssociatedRoles {
    /// For what the roles are.
    pub(super) fn audience(&self) -> Result<Option<RoleAudience>, Wso2Error> {
        match self.allowed_audience.as_deref() {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("APPLICATION") => Ok(Some(RoleAudience::Application)),
            Some(text) if text.eq_ignore_ascii_case("ORGANIZATION") => Ok(Some(RoleAudience::Organization)),
            Some(_) => Err(invalid("associatedRoles.allowedAudience must be ORGANIZATION or APPLICATION")),
        }
    }
}
