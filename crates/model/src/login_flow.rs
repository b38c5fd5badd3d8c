//! Login flows: one login each, with a timeline for support.

use std::collections::BTreeMap;

use base::{
    connection_id::ConnectionId,
    id::{ApplicationId, EnvironmentId, LoginFlowId, OauthClientId, OrganizationId, UserId},
    secret::Digest,
    time::Timestamp,
};
use saml::check::Check;
use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::email::Email;

/// The status of a login, in SSOReady's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum FlowStatus {
    /// Started, or waiting for the app to redeem its code.
    #[serde(rename = "SAML_FLOW_STATUS_IN_PROGRESS")]
    InProgress,
    /// Rejected. A valid response may still follow while the request is pending.
    #[serde(rename = "SAML_FLOW_STATUS_FAILED")]
    Failed,
    /// The app redeemed the code.
    #[serde(rename = "SAML_FLOW_STATUS_SUCCEEDED")]
    Succeeded,
}

impl FlowStatus {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// By what a person proves who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr, EnumString, VariantArray)]
#[serde(into = "&'static str")]
#[strum(serialize_all = "snake_case")]
pub enum LoginProtocol {
    /// Their identity provider's word, by SAML 2.0.
    Saml,
    /// Their identity provider's word, by OpenID Connect.
    Oidc,
    /// An account of the organization: a password or a passkey.
    Account,
}

impl LoginProtocol {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What started a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr, EnumString)]
#[serde(into = "&'static str")]
#[strum(serialize_all = "snake_case")]
pub enum FlowOrigin {
    /// The app, through the REST API.
    Api,
    /// The app, through OAuth.
    Oauth,
    /// We, after discarding an unsolicited response.
    Restart,
    /// The identity provider, where the policy allows it.
    Idp,
    /// Unknown: a rejected response that belongs to no login.
    Detached,
    /// The customer's admin, testing the connection in the setup pages.
    Setup,
    /// An administrator, testing the connection in the console.
    Console,
    /// An administrator, signing in to the console.
    Administrator,
    /// An application, at the issuer of an organization.
    Issuer,
}

impl FlowOrigin {
    /// Whether the login is a test of its connection: no app is notified, and it ends on one of our pages.
    pub fn is_test(self) -> bool {
        matches!(self, Self::Setup | Self::Console)
    }

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Attributes of a user: name to values, as the identity provider sent them.
pub type Attributes = BTreeMap<String, Vec<String>>;

/// The authorization request of the OAuth client that started a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthRequest {
    /// The client.
    pub client_id: OauthClientId,
    /// Where the authorization response goes: one of the environment's redirect URIs.
    pub redirect_uri: String,
    /// Whether the client sent it; only then must the token request repeat it (RFC 6749 §4.1.3).
    pub redirect_uri_sent: bool,
    /// Returned in the ID token (OpenID Connect Core §3.1.2.1).
    pub nonce: Option<String>,
    /// The S256 challenge (RFC 7636 §4.2).
    pub code_challenge: Option<String>,
    /// The requested scopes.
    pub scope: Option<String>,
}

/// One login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginFlow {
    /// Its id, which users may quote to support.
    pub id: LoginFlowId,
    /// The environment.
    pub environment_id: EnvironmentId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// By what the person proves who they are.
    pub protocol: LoginProtocol,
    /// The connection it goes through; `None` with an account.
    pub connection_id: Option<ConnectionId>,
    /// The account, once it is known whose login it is.
    pub user_id: Option<UserId>,
    /// The application for which somebody signs in at an organization's issuer.
    pub application_id: Option<ApplicationId>,
    /// What proved who they are, with an account (RFC 8176).
    pub amr: Vec<String>,
    /// What started it.
    pub origin: FlowOrigin,
    /// Its status.
    pub status: FlowStatus,
    /// The code of the last error.
    pub refusal: Option<String>,
    /// The app's `state`, returned unchanged.
    pub state: Option<String>,
    /// The user's e-mail address, once signed in.
    pub email: Option<Email>,
    /// The address in a response that had a valid signature but was rejected, or that somebody typed. Nobody was signed in
    /// with it; it is kept to find the login by.
    pub claimed_email: Option<Email>,
    /// The user's attributes from the identity provider. Empty in a stored flow until they are decrypted.
    pub attributes: Attributes,
    /// The attributes as they are stored, sealed.
    pub sealed_attributes: Option<String>,
    /// The pending request to the identity provider.
    pub request: Option<PendingRequest>,
    /// The authorization request, if an OAuth client started the login.
    pub oauth: Option<OauthRequest>,
    /// Whether the user must re-authenticate at the identity provider.
    pub force_authn: bool,
    /// When the identity provider authenticated the user (`AuthnInstant`), if it said so.
    pub authenticated_at: Option<Timestamp>,
    /// When the identity provider's response was accepted. A login accepts one response only.
    pub answered_at: Option<Timestamp>,
    /// When the app redeemed the login's code.
    pub redeemed_at: Option<Timestamp>,
    /// When it started.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl LoginFlow {
    /// How people quote it.
    pub fn reference(&self) -> String {
        reference(self.protocol, self.id)
    }
}

/// How people quote a login.
pub fn reference(protocol: LoginProtocol, id: LoginFlowId) -> String {
    match protocol {
        LoginProtocol::Saml => id.to_string(),
        LoginProtocol::Oidc | LoginProtocol::Account => id.with_prefix("login_flow_"),
    }
}

/// The AuthnRequest of a flow, or its authorization request by OpenID Connect, bound to one browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRequest {
    /// Its ID, by OpenID Connect its `state`: random, and not the flow's id.
    pub id: String,
    /// The digest of the browser's cookie.
    pub browser: Digest,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// The kind of a timeline step. The times of the login's start and of the code's redemption are stored on the
/// flow itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr, EnumString)]
#[serde(into = "&'static str")]
#[strum(serialize_all = "snake_case")]
pub enum StepKind {
    /// The browser was sent to the identity provider; the document is our AuthnRequest.
    Requested,
    /// A response was rejected; the document is the response.
    Refused,
    /// A response was accepted; the document is the response.
    Accepted,
    /// Something was proven, and something else is asked for.
    Proven,
}

impl StepKind {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One event in a flow's timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowStep {
    /// When it happened.
    pub at: Timestamp,
    /// Its kind.
    pub kind: StepKind,
    /// The checks that were made.
    pub checks: Vec<Check>,
    /// The XML document, until it is purged.
    pub document: Option<String>,
}
