//! Token requests at an issuer: which grant is used, and the response (RFC 6749 §4.1.3, §4.4.2, §5.1, §6; WSO2's switch to
//! another organization).

use std::fmt;

use base::secret::{AuthorizationCode, RefreshToken};
use serde::Serialize;

use crate::{
    Error, access_token::MAX_TOKEN_BYTES, client_credentials::ClientCredentialsGrant, parameters::Parameters,
    pkce::CodeVerifier, scope::narrowed,
};

/// What a client exchanges for tokens, once it is authenticated.
#[derive(Debug)]
pub enum IssuerGrant {
    /// A code.
    AuthorizationCode(CodeGrant),
    /// A refresh token.
    RefreshToken(RefreshGrant),
    /// Its own authority.
    ClientCredentials(ClientCredentialsGrant),
    /// A token of the same application, for one that is good in another organization.
    OrganizationSwitch(SwitchGrant),
}

/// A code, and what it was bound to.
#[derive(Debug)]
pub struct CodeGrant {
    /// The code.
    pub code: AuthorizationCode,
    /// Must equal the authorization request's.
    pub redirect_uri: Option<String>,
    /// Must match the authorization request's challenge.
    pub code_verifier: Option<CodeVerifier>,
}

/// A refresh token.
#[derive(Debug)]
pub struct RefreshGrant {
    /// The token.
    pub token: RefreshToken,
    /// What the access token is to be good for; `None`: everything that was granted.
    pub scope: Option<Vec<String>>,
}

/// A switch to another organization.
pub struct SwitchGrant {
    /// The access token that the application has.
    pub token: String,
    /// The organization, as the caller names it.
    pub organization: String,
    /// The scopes that it asks for; `None`: all that it may have.
    pub scope: Option<Vec<String>>,
}

impl fmt::Debug for SwitchGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwitchGrant")
            .field("organization", &self.organization)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl SwitchGrant {
    /// Of the scopes that are asked for those that are permitted, each once and in the order of the request. Others are left out:
    /// the response says what was granted.
    pub fn granted(&self, permitted: impl Fn(&str) -> bool, all: &[String]) -> String {
        narrowed(self.scope.as_deref(), all, permitted)
    }
}

impl IssuerGrant {
    /// Reads the form.
    pub fn parse(parameters: &Parameters) -> Result<Self, Error> {
        match parameters.require("grant_type")? {
            "authorization_code" => Ok(Self::AuthorizationCode(CodeGrant {
                code: parameters.require("code")?.parse().map_err(|_| Error::CodeNotFound)?,
                redirect_uri: parameters.get("redirect_uri")?.map(str::to_owned),
                code_verifier: parameters.get("code_verifier")?.map(CodeVerifier::parse).transpose()?,
            })),
            "refresh_token" => Ok(Self::RefreshToken(RefreshGrant {
                token: parameters
                    .require("refresh_token")?
                    .parse()
                    .map_err(|_| Error::RefreshTokenNotFound)?,
                scope: scopes(parameters)?,
            })),
            "organization_switch" => Ok(Self::OrganizationSwitch(SwitchGrant {
                token: parameters
                    .get_within("token", MAX_TOKEN_BYTES)?
                    .ok_or(Error::Missing("token"))?
                    .to_owned(),
                organization: parameters.require("switching_organization")?.to_owned(),
                scope: scopes(parameters)?,
            })),
            "client_credentials" => ClientCredentialsGrant::parse(parameters).map(Self::ClientCredentials),
            _ => Err(Error::GrantNotSupported),
        }
    }
}

/// The scopes that a request names; `None` if it names none.
fn scopes(parameters: &Parameters) -> Result<Option<Vec<String>>, Error> {
    let named = parameters.get("scope")?;
    Ok(named.map(|text| text.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect()))
}

impl RefreshGrant {
    /// The scopes of the access token: those that are asked for, of those that were granted (RFC 6749 §6).
    pub fn narrowed(&self, granted: &str) -> Result<String, Error> {
        let Some(asked) = &self.scope else { return Ok(granted.to_owned()) };
        let mut kept: Vec<&str> = Vec::new();
        for scope in asked {
            if !granted.split(' ').any(|known| known == scope) {
                return Err(Error::ScopeNotGranted(scope.clone()));
            }
            if !kept.contains(&scope.as_str()) {
                kept.push(scope);
            }
        }
        Ok(kept.join(" "))
    }
}

/// The response to a successful request.
#[derive(Debug, Serialize)]
pub struct IssuerTokenResponse {
    /// The access token.
    pub access_token: String,
    /// Its lifetime in seconds.
    pub expires_in: u64,
    /// What it is good for.
    pub scope: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// The ID token, where a person signed in and `openid` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// The next refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(form: &str) -> &'static str {
        match IssuerGrant::parse(&Parameters::parse(form).unwrap()) {
            Ok(IssuerGrant::AuthorizationCode(_)) => "code",
            Ok(IssuerGrant::RefreshToken(_)) => "refresh",
            Ok(IssuerGrant::ClientCredentials(_)) => "client",
            Ok(IssuerGrant::OrganizationSwitch(_)) => "switch",
            Err(error) => error.code(),
        }
    }

    #[test]
    fn the_grant_is_the_one_that_is_named() {
        let code = "code=code_12vqjrnxk9xeov6o4f05pan0g";
        for (form, expected) in [
            (format!("grant_type=authorization_code&{code}"), "code"),
            (format!("grant_type=authorization_code&{code}&{code}"), "invalid_request"),
            ("grant_type=authorization_code".into(), "invalid_request"),
            (
                "grant_type=authorization_code&code=saml_access_code_12vqjrnxk9xeov6o4f05pan0g".into(),
                "invalid_grant",
            ),
            (format!("grant_type=authorization_code&{code}&code_verifier=short"), "invalid_request"),
            (
                "grant_type=refresh_token&refresh_token=refresh_token_12vqjrnxk9xeov6o4f05pan0g".into(),
                "refresh",
            ),
            ("grant_type=refresh_token&refresh_token=x".into(), "invalid_grant"),
            ("grant_type=refresh_token".into(), "invalid_request"),
            ("grant_type=client_credentials".into(), "client"),
            ("grant_type=organization_switch&token=a.b.c&switching_organization=x".into(), "switch"),
            ("grant_type=organization_switch&switching_organization=x".into(), "invalid_request"),
            ("grant_type=organization_switch&token=a.b.c".into(), "invalid_request"),
            ("grant_type=organization_switch&token=&switching_organization=".into(), "invalid_request"),
            ("grant_type=password".into(), "unsupported_grant_type"),
            ("grant_type=implicit".into(), "unsupported_grant_type"),
            (String::new(), "invalid_request"),
        ] {
            assert_eq!(code_of(&form), expected, "{form}");
        }
    }

    #[test]
    fn a_refresh_never_widens_the_scope() {
        let form = |scope: &str| {
            let form = format!(
                "grant_type=refresh_token&refresh_token=refresh_token_12vqjrnxk9xeov6o4f05pan0g{scope}"
            );
            match IssuerGrant::parse(&Parameters::parse(&form).unwrap()).unwrap() {
                IssuerGrant::RefreshToken(grant) => {
                    grant.narrowed("openid email").map_err(|error| error.code())
                }
                _ => panic!("another grant"),
            }
        };
        assert_eq!(form(""), Ok("openid email".into()));
        assert_eq!(form("&scope=email+email"), Ok("email".into()));
        assert_eq!(form("&scope=openid+profile"), Err("invalid_scope"));
    }

    #[test]
    fn secrets_stay_out_of_debug() {
        let form = "grant_type=authorization_code&code=code_12vqjrnxk9xeov6o4f05pan0g";
        let shown = format!("{:?}", IssuerGrant::parse(&Parameters::parse(form).unwrap()).unwrap());
        assert!(!shown.contains("12vqjrnxk9"), "{shown}");
    }
}
