//! The authorization request at an organization's issuer, where people sign in with an account (RFC 6749 §4.1.1, OpenID Connect
//! Core §3.1.2.1).
//!
//! Parsing has two steps, as at [`crate::authorize`]: first [`Requester`], whose errors are shown on a page; then
//! [`SignInRequest`], whose errors are sent to the redirect URI.

use base::{connection_id::ConnectionId, id::ApplicationId};
use strum::{EnumString, IntoStaticStr};

use crate::{
    Error,
    access_token::MAX_TOKEN_BYTES,
    authorize::{self, MAX_NONCE_BYTES},
    parameters::Parameters,
    pkce::CodeChallenge,
};

/// The scopes of OpenID Connect that every application may ask for.
pub const OPENID_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The class of an authentication with two factors (REFEDS MFA profile), the only one that has a name here.
pub const MULTI_FACTOR: &str = "https://refeds.org/profile/mfa";

/// The maximum length of `login_hint` in bytes.
const MAX_HINT_BYTES: usize = 320;

/// How the response reaches the redirect URI (OAuth 2.0 Multiple Response Types §2.1, OAuth 2.0 Form Post Response Mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of a redirect.
    Query,
    /// In a form that the browser posts.
    FormPost,
}

impl ResponseMode {
    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The client, and where and how to send the response.
#[derive(Debug, PartialEq, Eq)]
pub struct Requester<'a> {
    /// The client.
    pub client_id: ApplicationId,
    /// The redirect URI that it sent.
    pub redirect_uri: Option<&'a str>,
    /// The `state` to return. `None` also when it is invalid, which [`SignInRequest::parse`] then rejects.
    pub state: Option<&'a str>,
    /// How the response is sent; [`ResponseMode::Query`] also when it is invalid, which is rejected then.
    pub response_mode: ResponseMode,
}

impl<'a> Requester<'a> {
    /// Parses the client's part of the request. An error is shown on a page, never redirected.
    pub fn parse(parameters: &'a Parameters) -> Result<Self, Error> {
        let client_id = parameters.require("client_id")?;
        Ok(Self {
            client_id: client_id.parse().map_err(|_| Error::UnknownClient(client_id.to_owned()))?,
            redirect_uri: parameters.get("redirect_uri")?,
            state: authorize::state(parameters).ok().flatten(),
            response_mode: response_mode(parameters).unwrap_or(ResponseMode::Query),
        })
    }
}

fn response_mode(parameters: &Parameters) -> Result<ResponseMode, Error> {
    match parameters.get("response_mode")? {
        None => Ok(ResponseMode::Query),
        Some(mode) => mode.parse().map_err(|_| Error::UnknownResponseMode),
    }
}

/// What the client wants of the person's session (OpenID Connect Core §3.1.2.1, `prompt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Nothing.
    Unspecified,
    /// No page is to be shown.
    None,
    /// The person is to authenticate again, or as somebody else.
    Login,
}

/// A valid request, without what is in its [`Requester`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRequest {
    /// Returned unchanged with the response.
    pub state: Option<String>,
    /// Returned in the ID token.
    pub nonce: Option<String>,
    /// What the token request's verifier must match.
    pub code_challenge: Option<CodeChallenge>,
    /// The scopes that are asked for, each once.
    pub scopes: Vec<String>,
    /// What the client wants of the session.
    pub prompt: Prompt,
    /// How long ago the person may have authenticated, in seconds.
    pub max_age: Option<u64>,
    /// Who the client thinks it is.
    pub login_hint: Option<String>,
    /// The connection through which the person is to sign in (`saml_connection_id`).
    pub connection: Option<ConnectionId>,
    /// The organization as whose people they are to sign in (`organization_id`): an id in any encoding, or its alias.
    pub organization: Option<String>,
    /// An ID token of the person that the client wants, and of nobody else.
    pub id_token_hint: Option<String>,
}

impl SignInRequest {
    /// Parses the request. An error is sent to the redirect URI. `pkce`: whether the client must send a challenge, because it
    /// has no secret (RFC 9700 §2.1.1).
    pub fn parse(parameters: &Parameters, pkce: bool) -> Result<Self, Error> {
        let state = authorize::state(parameters)?.map(str::to_owned);
        if parameters.get("request")?.is_some() {
            return Err(Error::RequestNotSupported);
        }
        if parameters.get("request_uri")?.is_some() {
            return Err(Error::RequestUriNotSupported);
        }
        if parameters.get("registration")?.is_some() {
            return Err(Error::RegistrationNotSupported);
        }
        if parameters.require("response_type")? != "code" {
            return Err(Error::UnsupportedResponseType);
        }
        response_mode(parameters)?;
        let code_challenge = authorize::code_challenge(parameters)?;
        if pkce && code_challenge.is_none() {
            return Err(Error::Missing("code_challenge"));
        }
        // Read for its form only: whoever has two factors is always asked for both, and `acr` says so.
        parameters.get("acr_values")?;
        Ok(Self {
            state,
            nonce: parameters.get_within("nonce", MAX_NONCE_BYTES)?.map(str::to_owned),
            code_challenge,
            scopes: scopes(parameters.get("scope")?),
            prompt: prompt(parameters)?,
            max_age: authorize::max_age(parameters)?,
            login_hint: parameters.get_within("login_hint", MAX_HINT_BYTES)?.map(str::to_owned),
            connection: parameters.get("saml_connection_id")?.map(connection).transpose()?,
            organization: parameters.get_within("organization_id", MAX_HINT_BYTES)?.map(str::to_owned),
            id_token_hint: parameters.get_within("id_token_hint", MAX_TOKEN_BYTES)?.map(str::to_owned),
        })
    }

    /// What is granted: the scopes of OpenID Connect, and those that the client may ask for. Others are ignored (§3.1.2.1).
    /// `offline`: whether the client may have refresh tokens.
    pub fn granted_scope(&self, permitted: &[String], offline: bool) -> String {
        let is_granted = |scope: &&String| match scope.as_str() {
            "offline_access" => offline,
            name => OPENID_SCOPES.contains(&name) || permitted.contains(scope),
        };
        let granted: Vec<&str> = self.scopes.iter().filter(is_granted).map(String::as_str).collect();
        granted.join(" ")
    }
}

fn connection(text: &str) -> Result<ConnectionId, Error> {
    text.parse().map_err(|why| Error::Malformed {
        name: "saml_connection_id",
        reason: format!("is malformed: {why}"),
    })
}

/// Every scope once; without any, the person's identity.
fn scopes(asked: Option<&str>) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in asked.unwrap_or("openid").split(' ').filter(|scope| !scope.is_empty()) {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

/// `prompt`: `consent` is ignored, as nobody is asked for consent; who selects an account signs in with it.
fn prompt(parameters: &Parameters) -> Result<Prompt, Error> {
    let malformed = |reason: &str| Error::Malformed { name: "prompt", reason: reason.to_owned() };
    let (mut none, mut login, mut others) = (false, false, false);
    for value in parameters.get("prompt")?.unwrap_or_default().split_ascii_whitespace() {
        match value {
            "none" => none = true,
            "login" | "select_account" => login = true,
            "consent" => others = true,
            _ => return Err(malformed("has an unknown value")),
        }
    }
    match (none, login) {
        (true, login) if login || others => Err(malformed("cannot combine none with other values")),
        (true, _) => Ok(Prompt::None),
        (false, true) => Ok(Prompt::Login),
        (false, false) => Ok(Prompt::Unspecified),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "app_12vqjrnxk9xeov6o4f05pan0g";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn request(extra: &str, pkce: bool) -> Result<SignInRequest, Error> {
        let query = format!("client_id={CLIENT}&response_type=code{extra}");
        SignInRequest::parse(&Parameters::parse(&query).unwrap(), pkce)
    }

    fn code_of(extra: &str) -> &'static str {
        request(extra, true).map_or_else(|error| error.code(), |_| "accepted")
    }

    #[test]
    fn a_public_client_needs_a_challenge_of_the_one_method() {
        let challenge = format!("&code_challenge={CHALLENGE}");
        assert_eq!(code_of(""), "invalid_request");
        assert_eq!(code_of("&code_challenge_method=S256"), "invalid_request");
        assert_eq!(code_of(&challenge), "invalid_request");
        assert_eq!(code_of(&format!("{challenge}&code_challenge_method=plain")), "invalid_request");
        assert_eq!(code_of(&format!("{challenge}&code_challenge_method=S256")), "accepted");
        assert!(request("", false).is_ok(), "a client with a secret");
        assert!(request(&challenge, false).is_err());
    }

    #[test]
    fn a_request_is_read_whole() {
        let read = request(
            "&scope=openid+x+openid+offline_access+y&max_age=0&prompt=login&login_hint=a%40b.example&nonce=n",
            false,
        );
        let read = read.unwrap();
        assert_eq!((read.prompt, read.max_age), (Prompt::Login, Some(0)));
        assert_eq!(read.granted_scope(&["x".to_owned()], true), "openid x offline_access");
        assert_eq!(read.granted_scope(&[], false), "openid");
        assert_eq!(request("", false).unwrap().scopes, ["openid"]);
        assert_eq!(request("&prompt=consent", false).unwrap().prompt, Prompt::Unspecified);
        assert_eq!(request("&prompt=none", false).unwrap().prompt, Prompt::None);
        for (extra, code) in [
            ("&prompt=none+login", "invalid_request"),
            ("&prompt=none+consent", "invalid_request"),
            ("&prompt=create", "invalid_request"),
            ("&max_age=-1", "invalid_request"),
            ("&max_age=x", "invalid_request"),
            ("&response_mode=fragment", "invalid_request"),
            ("&response_mode=FORM_POST", "invalid_request"),
            ("&request=eyJ", "request_not_supported"),
            ("&request_uri=https%3A%2F%2Fx", "request_uri_not_supported"),
            ("&registration=%7B%7D", "registration_not_supported"),
            ("&state=1&state=2", "invalid_request"),
        ] {
            assert_eq!(request(extra, false).unwrap_err().code(), code, "{extra}");
        }
        let implicit = Parameters::parse("response_type=token").unwrap();
        assert_eq!(SignInRequest::parse(&implicit, false), Err(Error::UnsupportedResponseType));
    }

    #[test]
    fn how_the_response_is_sent_is_known_before_the_rest() {
        let text = format!("client_id={CLIENT}&response_mode=form_post&nonce=1&nonce=2");
        let parameters = Parameters::parse(&text).unwrap();
        assert_eq!(Requester::parse(&parameters).unwrap().response_mode, ResponseMode::FormPost);
        for bad in [
            "client_id=x",
            "client_id=saml_oauth_client_12vqjrnxk9xeov6o4f05pan0g",
            "",
            "client_id=a&client_id=b",
        ] {
            assert!(Requester::parse(&Parameters::parse(bad).unwrap()).is_err(), "{bad}");
        }
    }
}
