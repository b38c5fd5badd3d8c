//! Grants: what an accepted login gives an app, and the code that it is fetched with.

use base::{
    connection_id::ConnectionId,
    id::{EnvironmentId, GrantId, LoginFlowId, OauthClientId, OrganizationId},
    secret::Digest,
    time::Timestamp,
};
use strum::{EnumString, IntoStaticStr};

use crate::{
    email::Email,
    login_flow::{Attributes, OauthRequest},
};

/// What an accepted login gives an app. Codes and access tokens hang from it, and end with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationGrant {
    /// Its id.
    pub id: GrantId,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// The organization of the person.
    pub organization_id: OrganizationId,
    /// The OAuth client; `None` for an access code of the REST API, and for an administrator of the console.
    pub client_id: Option<OauthClientId>,
    /// The login.
    pub flow_id: LoginFlowId,
    /// The connection of that login.
    pub connection_id: ConnectionId,
    /// What `sub` is for the OAuth client.
    pub subject: Option<String>,
    /// The person's address.
    pub email: Email,
    /// The person's attributes from the identity provider.
    pub attributes: Attributes,
    /// The granted scope.
    pub scope: Option<String>,
    /// When the identity provider authenticated the person, if it said so.
    pub authenticated_at: Option<Timestamp>,
    /// When the login was accepted.
    pub created_at: Timestamp,
    /// When nothing that hangs from it can be used any more.
    pub expires_at: Timestamp,
}

/// A code that was just made: a single-use credential for a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// Its digest.
    pub digest: Digest,
    /// Where it is good.
    pub kind: CodeKind,
    /// The authorization request that it answers.
    pub request: Option<OauthRequest>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// Where a code is good: only where its login began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum CodeKind {
    /// At the REST API, which redeems access codes.
    Access,
    /// At the token endpoint (RFC 6749 §4.1.3).
    Authorization,
    /// At the console. It is given to nobody: the browser that began the login proves itself by its cookie.
    Administrator,
}

impl CodeKind {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
