//! Login flows: one login each, as a history that support can read.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    check::Check,
    email::Email,
    id::{EnvironmentId, OauthClientId, OrganizationId, SamlConnectionId, SamlFlowId},
    secret::Digest,
    time::Timestamp,
};

/// How far a login has come, in SSOReady's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum FlowStatus {
    /// Begun, or waiting for the app to redeem its code.
    #[serde(rename = "SAML_FLOW_STATUS_IN_PROGRESS")]
    InProgress,
    /// Refused. A good response may still follow while the request is open.
    #[serde(rename = "SAML_FLOW_STATUS_FAILED")]
    Failed,
    /// The app has the answer.
    #[serde(rename = "SAML_FLOW_STATUS_SUCCEEDED")]
    Succeeded,
}

/// Who began a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowOrigin {
    /// The app, through the REST API.
    Api,
    /// The app, through OAuth.
    Oauth,
    /// We, in place of an unsolicited response that was thrown away.
    Restart,
    /// The identity provider, under the policy that allows it.
    Idp,
    /// Nobody we know: a refused post that belongs to no login.
    Detached,
    /// The customer's admin, who tests the connection in the setup pages.
    Setup,
    /// One of the vendor's people, who tests the connection in the console.
    Console,
    /// An administrator, who signs in to the console.
    Administrator,
}

impl FlowOrigin {
    /// Whether the login is a test of its connection: no app hears of it, and it ends on a page of ours.
    pub fn is_test(self) -> bool {
        matches!(self, Self::Setup | Self::Console)
    }
}

macro_rules! stored {
    ($type:ident: $($variant:ident $name:literal),*) => {
        impl $type {
            /// The stored name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Reads the stored name.
            pub fn from_stored(text: &str) -> Option<Self> {
                match text { $($name => Some(Self::$variant),)* _ => None }
            }

            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
        }
    };
}
stored!(FlowStatus: InProgress "in_progress", Failed "failed", Succeeded "succeeded");
stored!(FlowOrigin: Api "api", Oauth "oauth", Restart "restart", Idp "idp", Detached "detached",
    Setup "setup", Console "console", Administrator "administrator");
stored!(StepKind: Requested "requested", Refused "refused", Accepted "accepted");

/// Attributes of a person: name to values, as the identity provider sent them.
pub type Attributes = BTreeMap<String, Vec<String>>;

/// What an OAuth client asked for when it began a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthRequest {
    /// The client.
    pub client_id: OauthClientId,
    /// Where the answer goes: one of the environment's redirect URIs.
    pub redirect_uri: String,
    /// Whether the client named it; only then must it name it again at the token endpoint (RFC 6749 §4.1.3).
    pub redirect_uri_sent: bool,
    /// To be echoed in the ID token (OpenID Connect Core §3.1.2.1).
    pub nonce: Option<String>,
    /// The S256 challenge (RFC 7636 §4.2).
    pub code_challenge: Option<String>,
    /// The scopes asked for.
    pub scope: Option<String>,
}

/// One login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlFlow {
    /// Its id, which people may quote.
    pub id: SamlFlowId,
    /// The environment of its connection.
    pub environment_id: EnvironmentId,
    /// The organization of its connection.
    pub organization_id: OrganizationId,
    /// The connection it goes through.
    pub saml_connection_id: SamlConnectionId,
    /// Who began it.
    pub origin: FlowOrigin,
    /// How far it has come.
    pub status: FlowStatus,
    /// The code of the last refusal.
    pub refusal: Option<String>,
    /// The app's own, given back as it came.
    pub state: Option<String>,
    /// Who signed in, once somebody did.
    pub email: Option<Email>,
    /// Whom a response named that was really the identity provider's and was refused all the same.
    /// Nobody signed in by it; it is there to find the login by.
    pub claimed_email: Option<Email>,
    /// What the identity provider said of the person.
    pub attributes: Attributes,
    /// The AuthnRequest that waits for its response.
    pub request: Option<PendingRequest>,
    /// What the OAuth client asked for, when one began it.
    pub oauth: Option<OauthRequest>,
    /// Whether the person must sign in anew at the identity provider.
    pub force_authn: bool,
    /// What the app redeems, once somebody signed in.
    pub code: Option<IssuedCode>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The AuthnRequest of a flow, bound to the browser that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRequest {
    /// Its ID: random, and not the flow's id.
    pub id: String,
    /// The browser's cookie, as a digest.
    pub browser: Digest,
    /// Until when a response is taken.
    pub expires_at: Timestamp,
    /// When a response was accepted; no other one is after that.
    pub consumed_at: Option<Timestamp>,
}

/// The one-time code of a flow, as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCode {
    /// Its digest.
    pub digest: Digest,
    /// Until when it can be redeemed.
    pub expires_at: Timestamp,
    /// When it was redeemed.
    pub consumed_at: Option<Timestamp>,
}

/// What kind of event a step of the timeline is. When the login was asked for and when its answer was
/// fetched stand on the flow itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// The browser was sent to the identity provider; the document is our AuthnRequest.
    Requested,
    /// A response was refused; the document is the response.
    Refused,
    /// A response was accepted; the document is the response.
    Accepted,
}

/// One event in a flow's timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowStep {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: StepKind,
    /// What was verified.
    pub checks: Vec<Check>,
    /// The XML that travelled, while it is kept.
    pub document: Option<String>,
}
