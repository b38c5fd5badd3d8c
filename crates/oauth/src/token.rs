//! The token request (RFC 6749 §4.1.3) and its response (§5.1).

use std::time::Duration;

use base::{
    id::OauthClientId,
    secret::{AccessCode, OauthClientSecret},
};
use serde::Serialize;

use crate::{Error, client_authentication::ClientAuthentication, parameters::Parameters, pkce::CodeVerifier};

/// How long a code is valid. Clients redeem it at once (RFC 6749 §4.1.2 recommends ten minutes at most).
pub const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// How long an access token is valid.
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// The client's id and secret.
#[derive(Debug)]
pub struct ClientCredentials {
    /// The client.
    pub id: OauthClientId,
    /// Its secret.
    pub secret: OauthClientSecret,
}

/// A token request. Errors in the grant are reported only after the client is authenticated, so that someone
/// who guesses secrets gets the same error whatever else they send.
#[derive(Debug)]
pub struct TokenRequest {
    /// The client's credentials.
    pub client: ClientCredentials,
    /// The grant, or what is wrong with it.
    pub grant: Result<AuthorizationCodeGrant, Error>,
}

/// The authorization code grant of a token request.
#[derive(Debug)]
pub struct AuthorizationCodeGrant {
    /// The code to redeem.
    pub code: AccessCode,
    /// Must equal the authorization request's.
    pub redirect_uri: Option<String>,
    /// Must match the authorization request's challenge.
    pub code_verifier: Option<CodeVerifier>,
}

impl TokenRequest {
    /// Parses the form body and the `Authorization` header.
    ///
    /// `grant_type` is required (RFC 6749 §4.1.3). SSOReady ignores it, but every client library sends it.
    pub fn parse(authorization: Option<&str>, body: &str) -> Result<Self, Error> {
        let parameters = Parameters::parse(body)?;
        let client = ClientCredentials::parse(authorization, &parameters)?;
        Ok(Self { client, grant: AuthorizationCodeGrant::parse(&parameters) })
    }
}

impl AuthorizationCodeGrant {
    fn parse(parameters: &Parameters) -> Result<Self, Error> {
        if parameters.require("grant_type")? != "authorization_code" {
            return Err(Error::UnsupportedGrantType);
        }
        Ok(Self {
            code: parameters.require("code")?.parse().map_err(|_| Error::CodeNotFound)?,
            redirect_uri: parameters.get("redirect_uri")?.map(str::to_owned),
            code_verifier: parameters.get("code_verifier")?.map(CodeVerifier::parse).transpose()?,
        })
    }
}

impl ClientCredentials {
    /// [`ClientAuthentication`] of a client that has a secret.
    fn parse(authorization: Option<&str>, parameters: &Parameters) -> Result<Self, Error> {
        let ClientAuthentication { id, secret } = ClientAuthentication::parse(authorization, parameters)?;
        let secret = secret.ok_or(Error::NoClientAuthentication)?;
        match (id.parse(), secret.parse()) {
            (Ok(id), Ok(secret)) => Ok(Self { id, secret }),
            _ => Err(Error::WrongClientCredentials),
        }
    }
}

/// The response to a successful token request.
#[derive(Debug, Serialize)]
pub struct TokenResponse {
    /// The opaque access token.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// The access token's lifetime in seconds.
    pub expires_in: u64,
    /// The granted scope.
    pub scope: String,
    /// The signed ID token.
    pub id_token: String,
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    const ID: &str = "saml_oauth_client_12vqjrnxk9xeov6o4f05pan0g";
    const SECRET: &str = "ssoready_oauth_client_secret_12vqjrnxk9xeov6o4f05pan0g";
    const CODE: &str = "saml_access_code_12vqjrnxk9xeov6o4f05pan0g";

    fn basic(id: &str, secret: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
    }

    fn refusal(authorization: Option<&str>, body: &str) -> Error {
        TokenRequest::parse(authorization, body).and_then(|request| request.grant).map(|_| ()).unwrap_err()
    }

    #[test]
    fn the_secret_comes_in_the_body_or_by_basic() {
        let grant = format!("grant_type=authorization_code&code={CODE}&redirect_uri=https%3A%2F%2Fa%2Fcb");
        let post =
            TokenRequest::parse(None, &format!("{grant}&client_id={ID}&client_secret={SECRET}")).unwrap();
        assert_eq!(post.client.id.to_string(), ID);
        assert_eq!(post.client.secret.reveal(), SECRET);
        let asked = post.grant.unwrap();
        assert_eq!(asked.code.reveal(), CODE);
        assert_eq!(asked.redirect_uri.as_deref(), Some("https://a/cb"));
        assert!(asked.code_verifier.is_none());

        let header = basic(ID, SECRET);
        for body in [grant.clone(), format!("{grant}&client_id={ID}")] {
            assert_eq!(TokenRequest::parse(Some(&header), &body).unwrap().client.id.to_string(), ID);
        }
        // Form-encoded inside Basic: `_` may be escaped.
        let escaped = basic(&ID.replace('_', "%5F"), &SECRET.replace('_', "%5f"));
        assert_eq!(TokenRequest::parse(Some(&escaped), &grant).unwrap().client.secret.reveal(), SECRET);
    }

    #[test]
    fn one_way_of_authentication_and_no_more() {
        let grant = format!("grant_type=authorization_code&code={CODE}");
        let header = basic(ID, SECRET);
        for body in [
            format!("{grant}&client_id={ID}&client_secret={SECRET}"),
            format!("{grant}&client_secret={SECRET}"),
            format!("{grant}&client_id=other"),
        ] {
            assert_eq!(refusal(Some(&header), &body), Error::TwoClientAuthentications);
        }
        for body in
            [grant.clone(), format!("{grant}&client_id={ID}"), format!("{grant}&client_secret={SECRET}")]
        {
            assert_eq!(refusal(None, &body), Error::NoClientAuthentication);
        }
        assert_eq!(refusal(Some("Bearer x"), &grant), Error::NoClientAuthentication);
        for (id, secret) in [("x", SECRET), (ID, "x"), (ID, CODE), (SECRET, ID)] {
            let body = format!("{grant}&client_id={id}&client_secret={secret}");
            assert_eq!(refusal(None, &body), Error::WrongClientCredentials);
            assert_eq!(refusal(Some(&basic(id, secret)), &grant), Error::WrongClientCredentials);
        }
    }

    #[test]
    fn the_grant_is_read_after_the_client() {
        let client = format!("client_id={ID}&client_secret={SECRET}");
        for (body, code) in [
            (client.clone(), "invalid_request"),
            (format!("{client}&code={CODE}"), "invalid_request"),
            (format!("{client}&grant_type=password&code={CODE}"), "unsupported_grant_type"),
            (format!("{client}&grant_type=refresh_token"), "unsupported_grant_type"),
            (format!("{client}&grant_type=authorization_code"), "invalid_request"),
            (format!("{client}&grant_type=authorization_code&code=x"), "invalid_grant"),
            (format!("{client}&grant_type=authorization_code&code={CODE}&code={CODE}"), "invalid_request"),
            (
                format!("{client}&grant_type=authorization_code&code={CODE}&code_verifier=short"),
                "invalid_request",
            ),
            (format!("{client}&client_id={ID}&grant_type=authorization_code&code={CODE}"), "invalid_request"),
            (format!("grant_type=authorization_code&code={CODE}"), "invalid_client"),
            (String::new(), "invalid_client"),
        ] {
            assert_eq!(refusal(None, &body).code(), code, "{body}");
        }
    }

    #[test]
    fn secrets_stay_out_of_debug() {
        let body = format!("grant_type=authorization_code&code={CODE}&client_id={ID}&client_secret={SECRET}");
        let shown = format!("{:?}", TokenRequest::parse(None, &body).unwrap());
        assert!(!shown.contains(SECRET) && !shown.contains(CODE), "{shown}");
    }
}
