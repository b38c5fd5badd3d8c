//! The errors of OAuth and OpenID Connect requests, with their codes on the wire.

use std::fmt::Write as _;

use crate::limits::{MAX_PARAMETERS, MAX_REQUEST_BYTES};

/// One error. [`Error::code`] is the code on the wire (RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core
/// §3.1.2.6, RFC 6750 §3.1); [`Error::description`] is for the client's developer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A required parameter is absent or empty (RFC 6749 §3.1: empty is absent).
    #[error("{0} is required")]
    Missing(&'static str),
    /// A parameter was sent more than once (RFC 6749 §3.1).
    #[error("{0} was sent more than once")]
    Repeated(&'static str),
    /// A parameter's value is invalid.
    #[error("{name} {reason}")]
    Malformed {
        /// The parameter.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The request has too many or too long parameters.
    #[error("the request has more than {} parameters or {} bytes", MAX_PARAMETERS, MAX_REQUEST_BYTES)]
    RequestTooLarge,
    /// `client_id` is unknown.
    #[error("client_id {0} is unknown")]
    UnknownClient(String),
    /// The client is switched off (`unauthorized_client`, RFC 6749 §4.1.2.1 and §5.2).
    #[error("client_disabled: the client is switched off")]
    ClientDisabled,
    /// `redirect_uri` is not registered in the environment (compared as exact strings).
    #[error("redirect_uri {sent} is not registered; registered: {}", registered.join(" "))]
    UnregisteredRedirectUri {
        /// What the client sent.
        sent: String,
        /// What is registered.
        registered: Vec<String>,
    },
    /// No `redirect_uri` was sent, and not exactly one is registered (RFC 6749 §3.1.2.3).
    #[error("redirect_uri is required, because {registered} are registered")]
    AmbiguousRedirectUri {
        /// How many are registered.
        registered: usize,
    },
    /// `response_type` is not `code`.
    #[error("response_type must be code")]
    UnsupportedResponseType,
    /// `response_mode` is not `query`.
    #[error("response_mode must be query")]
    UnsupportedResponseMode,
    /// `response_mode` is none that the issuer supports.
    #[error("response_mode must be query or form_post")]
    UnknownResponseMode,
    /// `code_challenge_method` is not `S256` (RFC 7636 §4.4.1; `plain`, the default, is rejected).
    #[error("code_challenge_method must be S256")]
    UnsupportedChallengeMethod,
    /// `prompt=none`: a login always redirects to the identity provider.
    #[error("prompt=none cannot be met: the person must visit the identity provider")]
    LoginRequired,
    /// `prompt=none`, and the person has no session that is good for this request.
    #[error("prompt=none cannot be met: the person must sign in")]
    SignInRequired,
    /// The person is not let in (RFC 6749 §4.1.2.1).
    #[error("the person may not sign in: {0}")]
    AccessDenied(&'static str),
    /// `request` (OpenID Connect Core §6.1) is not supported.
    #[error("request objects are not supported")]
    RequestNotSupported,
    /// `request_uri` (OpenID Connect Core §6.2) is not supported.
    #[error("request_uri is not supported")]
    RequestUriNotSupported,
    /// `registration` (OpenID Connect Core §7.2.1) is not supported.
    #[error("registration is not supported")]
    RegistrationNotSupported,
    /// No parameter selects a SAML connection.
    #[error(
        "one of saml_connection_id, organization_id, organization_external_id, domain_hint or login_hint \
         must be provided"
    )]
    NoSelector,
    /// The selector matches no SAML connection in the client's environment.
    #[error("{name}: {reason}")]
    NoConnection {
        /// The selector's parameter.
        name: &'static str,
        /// Why there is no match.
        reason: &'static str,
    },
    /// The token request carries no client authentication, or one that is not supported.
    #[error("client authentication is required: client_secret_post or client_secret_basic")]
    NoClientAuthentication,
    /// The client's id or secret is wrong. Which of them is not disclosed.
    #[error("client_id or client_secret is wrong")]
    WrongClientCredentials,
    /// More than one client authentication method was used (RFC 6749 §2.3).
    #[error("the client authenticated in more than one way")]
    TwoClientAuthentications,
    /// `grant_type` is not `authorization_code`.
    #[error("grant_type must be authorization_code")]
    UnsupportedGrantType,
    /// `grant_type` is none that the issuer supports.
    #[error("grant_type must be one that the issuer supports")]
    GrantNotSupported,
    /// The client may not use this grant.
    #[error("the client may not use this grant_type")]
    GrantNotPermitted,
    /// The client may not have this scope.
    #[error("the client was not granted the scope {0}")]
    ScopeNotGranted(String),
    /// The code is unknown, expired, used, or another client's. Which of them is not disclosed.
    #[error("code is unknown, expired, already used, or ended because the person may not sign in any more")]
    CodeNotFound,
    /// The refresh token is unknown, expired, used, or another client's. Which of them is not disclosed.
    #[error("refresh_token is unknown, expired, already used, or ended")]
    RefreshTokenNotFound,
    /// `redirect_uri` is not the one the code was issued to (RFC 6749 §4.1.3).
    #[error("redirect_uri is not the one of the authorization request")]
    RedirectUriMismatch,
    /// `code_verifier` does not match the challenge, or is missing (RFC 7636 §4.6).
    #[error("code_verifier does not match the code_challenge")]
    VerifierMismatch,
    /// `code_verifier` was sent although the authorization request had no challenge (RFC 9700 §2.1.1).
    #[error("code_verifier was sent, but the authorization request had no code_challenge")]
    UnexpectedVerifier,
    /// An organization switch: there is no such organization (WSO2's text).
    #[error("Invalid organization id: {0}")]
    UnknownOrganization(String),
    /// An organization switch: the organization is switched off.
    #[error("The switching organization is in deactivated state.")]
    OrganizationDisabled,
    /// An organization switch: the token does not count, or is another application's. Which of them is not disclosed.
    #[error("Invalid token received.")]
    InvalidSwitchToken,
    /// An organization switch: the organization is not that of the application, and not below it.
    #[error("Organization switch is only allowed for the organizations in the same branch.")]
    OtherBranch,
    /// An organization switch: the application is not shared with the organization.
    #[error("Organization switching is not allowed for organizations that have not shared the application")]
    ApplicationNotShared,
    /// An organization switch: the user is none of the organization's.
    #[error("The user is not associated with the switching organization.")]
    NotOfOrganization,
    /// No bearer token on a route that needs one.
    #[error("a bearer token is required")]
    NoBearerToken,
    /// The bearer token was sent in more than one way (RFC 6750 §2).
    #[error("the bearer token was sent in more than one way")]
    TwoBearerTokens,
    /// The bearer token was not given for this (RFC 6750 §3.1).
    #[error("the access token was not given for the scope {0}")]
    InsufficientScope(&'static str),
    /// The bearer token is malformed, unknown, expired or revoked. Which of them is not disclosed.
    #[error("the access token is unknown, expired or revoked")]
    InvalidToken,
}

impl Error {
    /// The error code on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_)
            | Self::Repeated(_)
            | Self::Malformed { .. }
            | Self::RequestTooLarge
            | Self::UnregisteredRedirectUri { .. }
            | Self::AmbiguousRedirectUri { .. }
            | Self::UnsupportedResponseMode
            | Self::UnknownResponseMode
            | Self::UnsupportedChallengeMethod
            | Self::NoSelector
            | Self::NoConnection { .. }
            | Self::TwoClientAuthentications
            | Self::UnknownOrganization(_)
            | Self::OrganizationDisabled
            | Self::NoBearerToken
            | Self::TwoBearerTokens => "invalid_request",
            Self::ClientDisabled | Self::GrantNotPermitted => "unauthorized_client",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::LoginRequired | Self::SignInRequired => "login_required",
            Self::AccessDenied(_) => "access_denied",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::UnknownClient(_) | Self::NoClientAuthentication | Self::WrongClientCredentials => {
                "invalid_client"
            }
            Self::UnsupportedGrantType | Self::GrantNotSupported => "unsupported_grant_type",
            Self::ScopeNotGranted(_) => "invalid_scope",
            Self::CodeNotFound
            | Self::RefreshTokenNotFound
            | Self::RedirectUriMismatch
            | Self::VerifierMismatch
            | Self::UnexpectedVerifier
            | Self::InvalidSwitchToken
            | Self::OtherBranch
            | Self::ApplicationNotShared
            | Self::NotOfOrganization => "invalid_grant",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope(_) => "insufficient_scope",
        }
    }

    /// The `error_description`: at most 500 of the characters that RFC 6749 allows there (%x20-21, %x23-5B,
    /// %x5D-7E).
    pub fn description(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = write!(text, "{self}");
        text.chars()
            .take(500)
            .map(|c| match c {
                '"' => '\'',
                ' '..='!' | '#'..='[' | ']'..='~' => c,
                _ => '?',
            })
            .collect()
    }

    /// Whether client authentication failed; the HTTP status is then 401.
    pub fn is_client_authentication(&self) -> bool {
        self.code() == "invalid_client"
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn descriptions_keep_to_the_characters_of_rfc_6749(reason in "\\PC*|[\\x00-\\x7f]*") {
            let text = Error::Malformed { name: "state", reason }.description();
            prop_assert!(text.len() <= 500);
            prop_assert!(text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
        }
    }

    #[test]
    fn a_description_names_what_was_sent_and_what_is_registered() {
        let error = Error::UnregisteredRedirectUri {
            sent: "http://app.example/cb".into(),
            registered: vec!["https://app.example/cb".into(), "https://app.example/other".into()],
        };
        assert_eq!(
            error.description(),
            "redirect_uri http://app.example/cb is not registered; registered: https://app.example/cb \
             https://app.example/other"
        );
        assert_eq!(error.code(), "invalid_request");
    }
}
